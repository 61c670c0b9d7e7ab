"""Which files can be at work together.

Two C files that define the same global function are never linked together. A file
that uses a function which only one file defines needs that file. So a root in one
file rules out every file that conflicts with what the root's file needs.

Of two operations tables that fill the same members of the same struct, as those of
two vendors do, one is in use; so a way through the code keeps to one of them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

from kicklint.syntax import Function, SyntaxFile

_WORD = re.compile(rb"[A-Za-z_]\w*")
_WEAK = frozenset({b"__weak", b"weak", b"__weak__"})
# Small structs of callbacks have many objects alive at once; a struct whose objects
# share this many functions describes a whole back end.
_BACK_END = 12


class Linkage:
    """Conflicts and needs between the C files of one world, which has ``files`` and ``functions``.

    A weak definition is in conflict with nothing, nor is one that only some configurations
    have. ``matters`` tells of a function's key whether it is worth telling kernels apart for.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        files: Iterable[SyntaxFile],
        matters: Callable[[str], bool],
    ) -> None:
        self._files = {file.path: file for file in files}
        self._matters = matters
        defined: dict[str, dict[str, str]] = defaultdict(dict)
        elsewhere: set[str] = set()
        for key, function in functions.items():
            if function.static or not function.path.endswith(".c"):
                elsewhere.add(function.name)
            else:
                defined[function.name][function.path] = key
        self.conflicts: dict[str, set[str]] = defaultdict(set)
        self._rivals: list[tuple[str, ...]] = []
        lines: dict[str, list[bytes]] = {}
        for found in defined.values():
            if len(found) > 1:
                keys = [key for key in found.values() if self._strong(functions[key], lines)]
                rivals = {functions[key].path for key in keys}
                for path in rivals:
                    self.conflicts[path] |= rivals - {path}
                if len(rivals) > 1:
                    self._rivals.append(tuple(sorted(keys)))
        contested = {path for path, others in self.conflicts.items() if others}
        only: dict[str, str] = {}
        for name, found in defined.items():
            (path, *more) = found
            if not more and name not in elsewhere and path in contested:
                only[name] = path
        self.needs: dict[str, set[str]] = {}
        for path, file in self._files.items():
            wanted = {word for word in file.words & only.keys() if only[word] != path}
            if wanted and path.endswith(".c"):
                # What only some configurations use is needed by none of the others.
                self.needs[path] = {only[word] for word in wanted - file.conditional}
        self._functions = functions
        self._excluded: dict[str, frozenset[str]] = {}
        self._kernels: dict[str, tuple[frozenset[str], ...]] = {}

    def _strong(self, function: Function, lines: dict[str, list[bytes]]) -> bool:
        """Whether ``function`` is defined whatever the configuration, and not to be replaced.

        ``lines`` are those of files, by path: as they were written, since what is normalised has no
        attributes any more.
        """
        file = self._files[function.path]
        if file.path not in lines:
            lines[file.path] = file.source.split(b"\n")
        header = lines[file.path][function.start_line - 1 : function.span.line]
        weak = any(word in _WEAK for each in header for word in _WORD.findall(each))
        return not weak and function.start_line in file.unconditional

    def excluded(self, path: str) -> frozenset[str]:
        """The files that cannot be linked together with the file ``path``."""
        if path not in self._excluded:
            needed = self._needed(path)
            found = {other for file in needed for other in self.conflicts.get(file, ())}
            # What is needed and in conflict with something needed says nothing.
            self._excluded[path] = frozenset(found - needed)
        return self._excluded[path]

    def _needed(self, path: str) -> set[str]:
        """The file ``path`` and the files that it cannot be linked without."""
        needed = {path}
        pending = [path]
        while pending:
            for other in self.needs.get(pending.pop(), ()):
                if other not in needed:
                    needed.add(other)
                    pending.append(other)
        return needed

    def kernels(self, path: str) -> tuple[frozenset[str], ...]:
        """For every kernel that the file ``path`` can be in, the files that are not in it.

        A file that does not say which of two rivals is there can be with either.
        """
        if path not in self._kernels:
            known = self.excluded(path)
            needed = self._needed(path)
            kinds = {known}
            for keys in self._rivals:
                files = [self._functions[key].path for key in keys if self._matters(key)]
                left = [file for file in files if file not in known and not needed & self.excluded(file)]
                if len(left) > 1:
                    kinds |= {known | self.excluded(file) for file in left}
            largest = [each for each in kinds if not any(each < other for other in kinds)]
            self._kernels[path] = tuple(sorted(largest, key=sorted))
        return self._kernels[path]


def back_ends(files: Iterable[SyntaxFile]) -> tuple[frozenset[str], ...]:
    """For every back end, its files: what table calls must not mix.

    The back ends are the objects of the struct that fills the most members; each
    stands for its folder, or for its file when another one is in the same folder.
    There is none when no struct describes a back end.
    """
    tables: dict[str, dict[tuple[str, int], set[str]]] = defaultdict(lambda: defaultdict(set))
    everything: set[str] = set()
    for file in files:
        everything.add(file.path)
        for each in file.initialisers:
            if each.kind and each.value.lstrip("&").isidentifier():
                tables[each.kind][file.path, each.line].add(each.member)
    best: list[str] = []
    size = _BACK_END - 1
    for kind in sorted(tables):
        objects = {place: members for place, members in tables[kind].items() if len(members) >= _BACK_END}
        shared = set.intersection(*objects.values()) if len(objects) > 1 else set()
        if len(shared) > size:
            best, size = sorted({path for path, _ in objects}), len(shared)
    if len(best) < 2:
        return ()
    folders = Counter(PurePosixPath(path).parent for path in best)
    domains = []
    for path in best:
        folder = PurePosixPath(path).parent
        alone = folders[folder] == 1 and not any(
            other != folder and other.is_relative_to(folder) for other in folders
        )
        domains.append({each for each in everything if each.startswith(f"{folder}/")} if alone else {path})
    return tuple(frozenset(own) for own in domains)

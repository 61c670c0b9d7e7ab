"""Which files can be at work together.

Two C files that define the same global function are never linked together. A file
that uses a function which only one file defines needs that file. So a root in one
file rules out every file that conflicts with what the root's file needs.

Of two operations tables that fill the same members of the same struct, as those of
two vendors do, one is in use; so a way through the code keeps to one of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from kicklint.syntax import Function, SyntaxFile

# Small structs of callbacks have many objects alive at once; a struct whose objects
# share this many functions describes a whole back end.
_BACK_END = 12


class Linkage:
    """Conflicts and needs between the C files of one world."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        defined: dict[str, set[str]] = defaultdict(set)
        words: dict[str, set[str]] = defaultdict(set)
        elsewhere: set[str] = set()
        for function in functions.values():
            if function.path.endswith(".c"):
                words[function.path] |= function.words
            if function.static or not function.path.endswith(".c"):
                elsewhere.add(function.name)
            else:
                defined[function.name].add(function.path)
        self.conflicts: dict[str, set[str]] = defaultdict(set)
        for files in defined.values():
            for file in files:
                self.conflicts[file] |= files - {file}
        contested = {file for file, others in self.conflicts.items() if others}
        only = {
            name: next(iter(files))
            for name, files in defined.items()
            if len(files) == 1 and name not in elsewhere
        }
        self.needs = {
            file: {only[word] for word in found & only.keys() if only[word] in contested} - {file}
            for file, found in words.items()
        }
        self._excluded: dict[str, frozenset[str]] = {}

    def excluded(self, path: str) -> frozenset[str]:
        """The files that cannot be linked together with the file ``path``."""
        if path not in self._excluded:
            needed = {path}
            pending = [path]
            while pending:
                for other in self.needs.get(pending.pop(), ()):
                    if other not in needed:
                        needed.add(other)
                        pending.append(other)
            found = {other for file in needed for other in self.conflicts.get(file, ())}
            # What is needed and in conflict with something needed says nothing.
            self._excluded[path] = frozenset(found - needed)
        return self._excluded[path]


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

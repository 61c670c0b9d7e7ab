"""Which files can be in one kernel together.

Two C files that define the same global function are never linked together. A file
that uses a function which only one file defines needs that file. So a root in one
file rules out every file that conflicts with what the root's file needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from kicklint.syntax import Function


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

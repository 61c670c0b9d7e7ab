"""Names of functions that outlast an edit somewhere else in their files: no numbers of lines in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kicklint.syntax import Function

Lasting = tuple[str, str, int]
"""The path, the name, and which of the functions of that path and name it is, from 0."""


class LastingNames:
    """The functions of a world by lasting name, and the lasting names by identifier."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.of: dict[str, Lasting] = {}
        seen: dict[tuple[str, str], int] = {}
        for key, function in functions.items():
            name = (function.path, function.name)
            seen[name] = seen.get(name, -1) + 1
            self.of[key] = (*name, seen[name])
        self.keys = {name: key for key, name in self.of.items()}

    def listed(self, keys: Iterable[str]) -> list[list[str | int]]:
        """The lasting names of ``keys``, as JSON has them."""
        return [list(self.of[key]) for key in keys]

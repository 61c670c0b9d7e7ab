"""A tree whose files are listed and read once, for those that are asked again and again."""

from __future__ import annotations

from pathlib import Path

from kicklint.source.tree import SourceTree


class KeptTree:
    """``tree`` as it was when it was first asked."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self._paths: tuple[str, ...] | None = None
        self._architectures: tuple[str, ...] | None = None
        self._texts: dict[str, bytes] = {}

    @property
    def root(self) -> Path:
        """The root of the tree."""
        return self.tree.root

    def paths(self) -> tuple[str, ...]:
        """The paths of the tree."""
        if self._paths is None:
            self._paths = self.tree.paths()
        return self._paths

    def read(self, path: str) -> bytes:
        """The bytes of one file. Raises SourceError when they cannot be had."""
        if path not in self._texts:
            self._texts[path] = self.tree.read(path)
        return self._texts[path]

    def architectures(self) -> tuple[str, ...]:
        """The architectures of the tree."""
        if self._architectures is None:
            self._architectures = self.tree.architectures()
        return self._architectures

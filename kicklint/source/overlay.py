"""A tree with some files changed, in memory only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kicklint.base import SourceError
from kicklint.source.tree import SourceTree


@dataclass(frozen=True, slots=True)
class OverlayTree:
    """``base`` with the files of ``changes`` in place of its own; None takes a file out.

    Nothing is ever written to ``base``.
    """

    base: SourceTree
    changes: Mapping[str, bytes | None]

    @property
    def root(self) -> Path:
        """The root of ``base``."""
        return self.base.root

    def paths(self) -> tuple[str, ...]:
        """The paths of ``base``, those that were added, without those that were taken out."""
        added = {path for path, text in self.changes.items() if text is not None}
        gone = self.changes.keys() - added
        return tuple(sorted({*self.base.paths(), *added} - gone))

    def read(self, path: str) -> bytes:
        """The bytes of one file. Raises SourceError when there are none."""
        if path not in self.changes:
            return self.base.read(path)
        text = self.changes[path]
        if text is None:
            raise SourceError(f"{path}: was taken out of the tree")
        return text

    def architectures(self) -> tuple[str, ...]:
        """The architectures of ``base`` and those that the changed files add."""
        parts = [path.split("/") for path, text in self.changes.items() if text is not None]
        added = {each[1] for each in parts if len(each) > 3 and each[0] == "arch" and each[2] == "kvm"}
        return tuple(sorted({*self.base.architectures(), *added}))

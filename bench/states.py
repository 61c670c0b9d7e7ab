"""What stands on the disk before a run is measured: the tree, edited or not, and kicklint's cache."""

from __future__ import annotations

import difflib
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from measure import Case, once
from trees import with_statement

_GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "core.autocrlf=false")


@dataclass
class States:
    """The folder of a tree, ``edits`` of it (name -> path) that are made and taken back, and the cache.

    The cache is what one run of ``check`` over the unedited tree leaves in it.
    """

    folder: Path
    edits: Mapping[str, str]
    check: Case
    cache: Path
    _plain: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._plain = {path: (self.folder / path).read_bytes() for path in self.edits.values()}

    def empty(self) -> None:
        """Nothing was ever run."""
        self._restore()
        shutil.rmtree(self.cache, ignore_errors=True)
        self.cache.mkdir()

    def known(self, edit: str = "", *, staged: bool = False) -> Callable[[], None]:
        """What makes the tree one that was checked before and has the ``edit`` since."""

        def prepare() -> None:
            self._restore()
            self._fill()
            if edit:
                path = self.edits[edit]
                (self.folder / path).write_bytes(with_statement(self._plain[path]))
                if staged:
                    _git(self.folder, "add", "--", path)

        return prepare

    def commit(self) -> None:
        """Make the folder a git repository with the tree in it."""
        _git(self.folder, "init", "-q")
        _git(self.folder, "add", ".")
        _git(self.folder, "commit", "-q", "-m", "everything")

    def patch(self, edit: str) -> str:
        """The ``edit`` as a diff."""
        path = self.edits[edit]
        old = self._plain[path]
        before, after = (text.decode().splitlines(keepends=True) for text in (old, with_statement(old)))
        return "".join(difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"))

    def _restore(self) -> None:
        for path, text in self._plain.items():
            (self.folder / path).write_bytes(text)
        if (self.folder / ".git").is_dir():
            _git(self.folder, "add", "--", *self._plain)

    def _fill(self) -> None:
        filled = self.cache.with_name(f"filled-{self.folder.name}")
        shutil.rmtree(self.cache, ignore_errors=True)
        if not filled.is_dir():
            self.cache.mkdir()
            once(self.check)
            self.cache.rename(filled)
        shutil.copytree(filled, self.cache)


def _git(folder: Path, *words: str) -> None:
    subprocess.run([*_GIT, *words], cwd=folder, check=True)

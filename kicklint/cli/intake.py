"""Where a review's patches come from: files, standard input, or git; and what is around them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicklint import source
from kicklint.base import Letter, Patch, SourceError, below

if TYPE_CHECKING:
    from kicklint.review import Place

_STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Intake:
    """What the command line names."""

    files: tuple[Path, ...]
    tree: Path | None
    base: str
    revisions: str
    staged: bool

    def patches(self) -> tuple[list[Patch], Place]:
        """The patches as they were read, and the place to look for their base. Raises SourceError."""
        # The engine behind it brings tree-sitter: 40 ms that --help need not wait for.
        from kicklint import review

        if (self.files and (self.revisions or self.staged)) or (self.revisions and self.staged):
            raise click.UsageError("give FILEs, --git or --staged, and no two of them")
        place = self.place()
        tree, repository = place.tree, place.repository
        if not (self.revisions or self.staged):
            prefix = repository.prefix if repository is not None else ""
            return [below(each, prefix) for each in self._read()], place
        if repository is None:
            raise SourceError(f"{tree.root if tree else Path.cwd()} is not the work tree of a git repository")
        if self.staged:
            data, revision = repository.staged(), self.base or "HEAD"
            read = [source.read_mail(data, "what is staged")] if data else []
        else:
            data = repository.patches(self.revisions)
            revision = self.base or repository.fork_point(self.revisions)
            commits = source.split(data, self.revisions) if data else ()
            read = [source.read_mail(text, place) for place, text in commits]
        return read, review.Place(tree, repository, revision)

    def place(self) -> Place:
        """The tree, its repository and the revision; without a tree where none was named or is around."""
        # As in patches().
        from kicklint import review

        tree = self._tree()
        repository = source.find_repository(tree.root) if tree is not None else None
        return review.Place(tree, repository, self.base)

    def _tree(self) -> source.SourceTree | None:
        if self.tree is not None:
            return source.KeptTree(source.find_tree(self.tree))
        try:
            return source.KeptTree(source.find_tree(Path.cwd()))
        except SourceError:
            return None

    def _read(self) -> Iterator[Patch]:
        for file in self.files or (Path(_STANDARD_INPUT),):
            try:
                if str(file) == _STANDARD_INPUT:
                    mails = source.stream(sys.stdin.buffer)
                else:
                    mails = source.mails(file)
                for place, data in mails:
                    yield source.read_mail(data, place)
            except SourceError as error:
                yield Patch(Letter(str(file)), trouble=str(error))

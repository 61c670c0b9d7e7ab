"""Where a review's patches come from: files, standard input, or git; and what is around them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
            mails = [below(each, prefix) for each in self._read()]
            return self._tracked(mails, place) or (mails, place)
        if repository is None:
            raise SourceError(f"{tree.root if tree else Path.cwd()} is not the work tree of a git repository")
        if not self.staged:
            return self._committed(self.revisions, place)
        data, revision = repository.staged(), self.base or "HEAD"
        read = [source.read_mail(data, "what is staged")] if data else []
        return read, review.Place(tree, repository, revision)

    def _committed(self, revisions: str, place: Place) -> tuple[list[Patch], Place]:
        """The commits of ``revisions`` as patches, and the place with their base. Raises SourceError."""
        assert place.repository is not None
        data = place.repository.patches(revisions)
        commits = source.split(data, revisions) if data else ()
        revision = self.base or place.repository.fork_point(revisions)
        return [source.read_mail(text, where) for where, text in commits], replace(place, revision=revision)

    def _tracked(self, mails: list[Patch], place: Place) -> tuple[list[Patch], Place] | None:
        """For a cover letter that b4 review hands to a check of the series: the series, as b4 has it."""
        named = os.environ.get(source.VARIABLE)
        if not named or len(mails) != 1 or mails[0].files or mails[0].trouble or place.repository is None:
            return None
        revisions = source.tracked_revisions(Path(named), mails[0].letter.message_id)
        try:
            return self._committed(revisions, place) if revisions else None
        except SourceError:
            return None  # the branch is gone

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

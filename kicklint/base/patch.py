"""A patch as a mail or a commit holds it: what it says of itself, and its diff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a hunk.

    ``kind`` is a space, ``+`` or ``-``. ``old`` and ``new`` are its numbers in the two files, None
    where it has none. ``at`` is its index in :attr:`Patch.diff`.
    """

    kind: str
    text: str
    old: int | None
    new: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Hunk:
    """One stretch of a file that is changed.

    ``old_count`` and ``new_count`` are what its head announces; it is ``cut`` when fewer lines are
    there. When no more are missing than context at its end could have, it is only ``short``, and the
    counts are of what is there. ``stray`` is a line without a sign, which may be a part of the one above.
    ``section`` is what stands behind the second ``@@``. ``old_open`` and ``new_open`` say that the file's
    last line has no line end. ``at`` is the index of the head in :attr:`Patch.diff`.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    lines: tuple[DiffLine, ...]
    at: int
    cut: bool = False
    old_open: bool = False
    new_open: bool = False
    short: bool = False
    stray: str = ""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a patch does to one file: ``old`` is None for a new file, ``new`` for a deleted one.

    ``old_blob`` is what the ``index`` line calls the file before. ``at`` is the index of its first line.
    One that is ``copied`` leaves ``old`` where it is.
    """

    old: str | None
    new: str | None
    old_blob: str = ""
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False
    mode: str = ""
    at: int = 0
    copied: bool = False

    @property
    def path(self) -> str:
        """The name that people know it by: the new one, or the old one of a deleted file."""
        return self.new or self.old or ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a patch says of itself. Headers are decoded, on one line, and "" where they are absent.

    ``place`` says where it was read, for messages. ``number`` of ``total`` is its place in a series of
    that ``version`` (0 of 0 where it names none).
    """

    place: str
    subject: str = ""
    sender: str = ""
    to: str = ""
    cc: str = ""
    date: str = ""
    message_id: str = ""
    references: str = ""
    number: int = 0
    total: int = 0
    version: int = 1
    base_commit: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """A letter and its diff.

    ``diff`` holds the lines of the diff as they were read, without line ends. ``quoted`` says that
    a reply quotes it; ``loose`` that its white space was lost. ``files`` is empty when there is no
    diff. ``trouble`` is why it could not be read, "" when it was.
    """

    letter: Letter
    diff: tuple[str, ...] = ()
    files: tuple[FileChange, ...] = ()
    quoted: bool = False
    loose: bool = False
    trouble: str = ""

    def hunks(self) -> Iterator[tuple[FileChange, Hunk]]:
        """Every hunk with its file."""
        for change in self.files:
            for hunk in change.hunks:
                yield change, hunk

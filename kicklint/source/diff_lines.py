"""Where in a text the diffs are: file heads and hunks, whole or cut, before anybody believes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from kicklint.base import SourceError

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)")
_EXTENDED = (
    "old mode ",
    "new mode ",
    "deleted file mode ",
    "new file mode ",
    "copy from ",
    "copy to ",
    "rename from ",
    "rename to ",
    "similarity index ",
    "dissimilarity index ",
    "index ",
    "Binary files ",
    "GIT binary patch",
)
# The lines of context that diff shows; what is missing at the end of a hunk can be no more.
CONTEXT = 3
_MOST_HUNKS = 50_000
# Mail programs break lines at 72 columns or more, at the last space before that.
_BROKEN_AT = 60
_TAB = 8
# No line of code that is worth joining is longer.
_LONGEST = 400
_SIGNS = ("+", "-", " ", "\\", "")


class Reading(Enum):
    """How the lines of a hunk are read: as they stand; with those that a mail program has broken
    joined again; or as of a text that has lost its leading white space, where a line that is neither
    added nor removed is context."""

    STRICT = "strict"
    JOINED = "joined"
    LOOSE = "loose"


@dataclass(slots=True)
class RawHunk:
    """A hunk as the text has it. ``lines`` are legal lines of a diff; ``left`` are the old and the new
    lines that the head announces and the text has not; ``sources`` are the indices of the lines.
    ``stray`` is a line without a sign in it that may be what was broken off a long one."""

    at: int
    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    lines: list[str] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    left: tuple[int, int] = (0, 0)
    stray: str = ""


@dataclass(slots=True)
class RawFile:
    """The head of one file, the paths as they are written ("" if there is no such line), and its hunks."""

    at: int
    git: str = ""
    head: list[str] = field(default_factory=list)
    old: str = ""
    new: str = ""
    hunks: list[RawHunk] = field(default_factory=list)


def scan(lines: Sequence[str | None], reading: Reading = Reading.STRICT) -> list[RawFile]:
    """The diffs in ``lines``. None is a place where something may be missing.

    Raises SourceError for more hunks than are read.
    """
    found: list[RawFile] = []
    index = count = 0
    while index < len(lines):
        line = lines[index]
        if line is None:
            index += 1
        elif line.startswith("diff --git "):
            found.append(RawFile(index, git=line))
            index = _head(lines, index + 1, found[-1])
        elif _bare_head(lines, index):
            found.append(RawFile(index))
            index = _head(lines, index, found[-1])
        elif found and (match := _HUNK.match(line)):
            hunk = _opened(index, match)
            found[-1].hunks.append(hunk)
            count += 1
            if count > _MOST_HUNKS:
                raise SourceError(f"more hunks than the {_MOST_HUNKS} that are read of one mail")
            index = _body(lines, index + 1, hunk, reading)
        else:
            index += 1
    return found


def _bare_head(lines: Sequence[str | None], index: int) -> bool:
    first = lines[index] or ""
    second = (lines[index + 1] if index + 1 < len(lines) else "") or ""
    third = (lines[index + 2] if index + 2 < len(lines) else "") or ""
    return first.startswith("--- ") and second.startswith("+++ ") and _HUNK.match(third) is not None


def _head(lines: Sequence[str | None], index: int, file: RawFile) -> int:
    while index < len(lines):
        line = lines[index]
        if line is None:
            index += 1
            continue
        if line.startswith("--- "):
            file.old = line[4:]
        elif line.startswith("+++ "):
            file.new = line[4:]
            return index + 1
        elif line.startswith(_EXTENDED):
            file.head.append(line)
        else:
            return index
        index += 1
    return index


def _opened(index: int, match: re.Match[str]) -> RawHunk:
    old_start, old_count, new_start, new_count = (
        int(each) if each is not None else 1 for each in match.groups()[:4]
    )
    return RawHunk(index, old_start, old_count, new_start, new_count, match[5])


def _body(lines: Sequence[str | None], index: int, hunk: RawHunk, reading: Reading) -> int:
    old, new = hunk.old_count, hunk.new_count
    while index < len(lines) and (old > 0 or new > 0):
        line = lines[index]
        if line is None:
            index += 1
            continue
        kind = _kind(lines, index, line, reading)
        broken = line[:1] not in _SIGNS and _goes_on(lines, hunk, line)
        if kind == "" and broken and reading is Reading.JOINED:
            _join(hunk, line)
            index += 1
            continue
        hunk.stray = hunk.stray or (line if broken and not _ends(lines, index) else "")
        if kind == "":
            break
        if (kind in " -" and old == 0) or (kind in " +" and new == 0):
            break
        _take(hunk, line, kind, index)
        index += 1
        old -= kind in " -"
        new -= kind in " +"
    if old == 0 == new and index < len(lines) and (lines[index] or "").startswith("\\ "):
        _take(hunk, lines[index] or "", "\\", index)
        index += 1
    hunk.left = (old, new)
    return index


def _take(hunk: RawHunk, line: str, kind: str, index: int) -> None:
    hunk.lines.append(line if line[:1] == kind else kind + line)
    hunk.sources.append(index)


def _goes_on(lines: Sequence[str | None], hunk: RawHunk, line: str) -> bool:
    """Whether ``line`` may be what a mail program has broken off the last line of ``hunk`` or its head."""
    last = hunk.lines[-1] if hunk.lines else lines[hunk.at] or ""
    if len(last) > _LONGEST or (not hunk.lines and last.count("(") <= last.count(")")):
        return False
    words = line.split(maxsplit=1)
    return bool(words) and len(last.expandtabs(_TAB)) + 1 + len(words[0]) >= _BROKEN_AT


def _join(hunk: RawHunk, line: str) -> None:
    if hunk.lines:
        hunk.lines[-1] = f"{hunk.lines[-1].rstrip(' ')} {line}"
    else:
        hunk.section = f"{hunk.section} {line}"


def _ends(lines: Sequence[str | None], index: int) -> bool:
    """Whether a hunk may end in front of the line at ``index``, and leave no doubt that it does."""
    line = lines[index] or ""
    return line.startswith(("diff --git ", "Index: ")) or _HUNK.match(line) is not None


def _kind(lines: Sequence[str | None], index: int, line: str, reading: Reading) -> str:
    """What ``line`` is in a hunk; "" when the hunk has ended before its time."""
    first = line[:1]
    if line.startswith("diff --git ") or _HUNK.match(line):
        return ""
    if line in ("-- ", "--") and _signature(lines, index):
        return ""
    if first in ("+", "-", "\\"):
        return first
    return " " if reading is Reading.LOOSE or first in (" ", "") else ""


def _signature(lines: Sequence[str | None], index: int) -> bool:
    after = lines[index + 1] if index + 1 < len(lines) else ""
    return after is None or after[:1] not in ("+", "-", " ", "\\")

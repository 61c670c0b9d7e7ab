"""Diff text in, checked changes of files out. ``unidiff`` reads the hunks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from kicklint.base import DiffLine, FileChange, Hunk, SourceError
from kicklint.source.diff_lines import CONTEXT, RawFile, RawHunk, Reading, scan

MOST_LINES = 400_000
"""Lines of one diff; the largest on the lists have some tens of thousands."""
_MOST_FILES = 5_000
_LONGEST_PATH = 4_096
_NOWHERE = "/dev/null"
# The time that `diff -N` gives a file that is not there, in any zone; `git apply` goes by it, too.
_EPOCH = re.compile(r"(?:1970-01-01|1969-12-31) \d\d:\d\d:00(?:\.0+)? [+-]\d{4}")
_GIT_PAIR = re.compile(r'diff --git ("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)')
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", '"': '"', "\\": "\\"}
_ESCAPED = re.compile(r"\\([0-7]{1,3}|.)")
# What people call the file that they keep beside the one that they edit.
_COPIES = (".orig", ".old", ".bak", "~")
_SYMLINK = "120000"
_SUBMODULE = "160000"


def read_diff(lines: Sequence[str | None], reading: Reading = Reading.STRICT) -> tuple[FileChange, ...]:
    """The changes in ``lines``; none when there is no diff. Raises SourceError for one not to be believed."""
    if len(lines) > MOST_LINES:
        raise SourceError(f"the text has {len(lines)} lines, more than the {MOST_LINES} that are read")
    raw = scan(lines, reading)
    if len(raw) > _MOST_FILES:
        raise SourceError(f"the diff names {len(raw)} files, more than the {_MOST_FILES} that are read")
    return tuple(change for each in raw if (change := _change(each)) is not None)


def _change(raw: RawFile) -> FileChange | None:
    old, new = _paths(raw)
    head = {key: line[len(key) :] for line in raw.head for key in _KEYS if line.startswith(key)}
    if "new file mode " in head:
        old = None
    if "deleted file mode " in head:
        new = None
    for was, name in (("rename from ", "rename to "), ("copy from ", "copy to ")):
        if was in head and name in head:
            old, new = _unquoted(head[was]), _unquoted(head[name])
    if old is None and new is None:
        return None
    for path in (old, new):
        if path is not None:
            _safe(path)
    mode = head.get("new file mode ") or head.get("new mode ") or head.get("deleted file mode ") or ""
    blob, _, rest = head.get("index ", "").partition("..")
    mode = (mode or rest.partition(" ")[2]).strip()
    if mode == _SYMLINK:
        raise SourceError(f"{_shown(new or old)}: the patch makes or changes a symbolic link")
    if raw.git and not (raw.head or raw.hunks):
        return None  # a line of prose, or a head that was cut off
    return FileChange(
        old,
        new,
        blob if re.fullmatch(r"[0-9a-f]{7,64}", blob) and set(blob) != {"0"} else "",
        () if mode == _SUBMODULE else tuple(_hunk(each) for each in raw.hunks),
        binary=any(line.startswith(("Binary files ", "GIT binary patch")) for line in raw.head),
        mode=mode,
        at=raw.at,
        copied="copy to " in head,
    )


_KEYS = (
    "new file mode ",
    "deleted file mode ",
    "new mode ",
    "rename from ",
    "rename to ",
    "copy from ",
    "copy to ",
    "index ",
)


def _paths(raw: RawFile) -> tuple[str | None, str | None]:
    """The two paths, without their prefixes, by the surest line that has them."""
    if raw.old and raw.new:
        return _paired(_stripped(raw.old), _stripped(raw.new))
    match = _GIT_PAIR.fullmatch(raw.git.rstrip())
    if match:
        return _stripped(match[1]), _stripped(match[2])
    # Without quotes a name may hold spaces; both are the same then.
    rest = raw.git.removeprefix("diff --git ").rstrip()
    half = len(rest) // 2
    if rest[:half] and rest[2:half] == rest[half + 3 :]:
        return _stripped(rest[:half]), _stripped(rest[half + 1 :])
    return None, None


def _paired(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """The paths without ``linux.orig/`` and ``linux/``, or the end of a copy's name, where that is all
    that they differ in."""
    if old is None or new is None or old == new:
        return old, new
    if old.startswith(new) and old[len(new) :] in _COPIES:
        return new, new
    inside = old.partition("/")[2]
    return (inside, inside) if inside and inside == new.partition("/")[2] else (old, new)


def _stripped(text: str) -> str | None:
    name, _, stamp = text.partition("\t")
    path = _unquoted(text if text.startswith('"') else name.rstrip())
    if path == _NOWHERE or _EPOCH.match(stamp):
        return None
    if re.match(r"[abciow12]/", path):
        return path[2:]
    return path


def _unquoted(text: str) -> str:
    """A path as git writes it, out of its quotes (git-diff, core.quotePath)."""
    text = text.strip()
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
        return text
    return _ESCAPED.sub(_escape, text[1:-1]).encode("latin-1", "replace").decode("utf-8", "replace")


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code, 8) & 0xFF) if code.isdigit() else _ESCAPES.get(code, code)


def _safe(path: str) -> None:
    """Raise SourceError for a path that no honest patch names."""
    parts = path.split("/")
    if len(path) > _LONGEST_PATH:
        raise SourceError(f"a path of {len(path)} characters")
    if any(ord(each) < 0x20 or ord(each) == 0x7F for each in path):
        raise SourceError(f"{_shown(path)}: a path with a control character")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or "\\" in path:
        raise SourceError(f"{_shown(path)}: not a path inside the tree")
    if not path or any(part in ("", ".", "..") for part in parts):
        raise SourceError(f"{_shown(path)}: a path that leads out of the tree")
    if any(part.lower().rstrip(". ") == ".git" for part in parts):
        raise SourceError(f"{_shown(path)}: a path into the repository's own files")


def _shown(path: str | None) -> str:
    return ascii((path or "")[:120])


def _hunk(raw: RawHunk) -> Hunk:
    """The hunk by unidiff, from legal lines and counts that add up."""
    old_left, new_left = raw.left
    lines = list(raw.lines)
    # Empty context at the end is what a mail loses when its ends are trimmed.
    whole = old_left == new_left <= CONTEXT and not any(line[:1] == "\\" for line in lines[-1:])
    old_count, new_count = raw.old_count - old_left, raw.new_count - new_left
    body = "".join(f"{line}\n" for line in lines)
    head = f"@@ -{raw.old_start},{old_count} +{raw.new_start},{new_count} @@\n"
    try:
        read = PatchSet(f"--- a/file\n+++ b/file\n{head}{body}")[0][0] if old_count or new_count else ()
    except (UnidiffParseError, IndexError) as error:
        raise SourceError(f"a hunk that cannot be read ({error})") from error
    found = []
    old_open = new_open = False
    last = ""
    for line in read:
        if line.line_type == "\\":
            old_open |= last in (" ", "-")
            new_open |= last in (" ", "+")
        elif line.line_type in ("+", "-", " ") and line.diff_line_no is not None:
            text = line.value.removesuffix("\n")
            at = raw.sources[line.diff_line_no - 4]
            found.append(DiffLine(line.line_type, text, line.source_line_no, line.target_line_no, at))
            last = line.line_type
    return Hunk(
        raw.old_start,
        old_count if whole else raw.old_count,
        raw.new_start,
        new_count if whole else raw.new_count,
        raw.section,
        tuple(found),
        raw.at,
        cut=raw.left != (0, 0) and not whole,
        short=raw.left != (0, 0),
        stray=raw.stray,
        old_open=old_open,
        new_open=new_open,
    )

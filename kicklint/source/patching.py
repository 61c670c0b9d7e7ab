"""Changes of files put to texts, in memory, forwards or backwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kicklint.base import FileChange, Hunk

_NOT_ASCII = re.compile(rb"[^\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Applied:
    """A file after a change.

    ``starts`` are the numbers, from 1, of the hunks' first lines in the new file, which is the one
    that a change put backwards was found in.
    """

    text: bytes
    starts: tuple[int, ...]


def applied(
    change: FileChange, text: bytes | None, *, backwards: bool = False, loose: bool = False
) -> Applied | None:
    """``text`` (None: no file) after ``change``, empty for a file that is gone; None when it does not fit.

    Context and what is taken away have to be there, near to where the hunk says or elsewhere, as
    git apply has it. ``loose`` ignores white space and what is not ASCII. A hunk that was cut is
    completed where the text already holds what it makes; else it does not fit.
    """
    old, new = (change.new, change.old) if backwards else (change.old, change.new)
    if (old is None) != (text is None) or change.binary:
        return None
    lines = (text or b"").split(b"\n")
    ended = not lines[-1]
    if ended:
        lines.pop()
    keys = [_key(line, loose) for line in lines]
    out: list[bytes] = []
    starts: list[int] = []
    place = drift = 0
    for hunk in change.hunks:
        before, after = _sides(hunk, backwards)
        begin = (hunk.new_start if backwards else hunk.old_start) - bool(before)
        wanted = [_key(line, loose) for _, line in before]
        # As in git: a hunk with nothing behind its change stands at the end of the file.
        last = wanted and not hunk.cut and hunk.lines[-1].kind != " " and hunk.lines[0].kind == " "
        at = _find(keys, wanted, begin + drift, len(keys) - len(wanted) if last else place)
        if at is None or at < place:
            return None
        drift = at - begin
        out += lines[place:at]
        starts.append((at if backwards else len(out)) + 1)
        # Context stays as the file has it.
        there = {number: lines[at + n] for n, (number, _) in enumerate(before)}
        out += [there.get(number, line) for number, line in after]
        place = at + len(before)
        if hunk.cut:
            rest = _completed(hunk, lines, place) if backwards else None
            if rest is None:
                return None
            place = rest
    if change.hunks and place >= len(lines):
        ended = not (change.hunks[-1].old_open if backwards else change.hunks[-1].new_open)
    out += lines[place:]
    if new is None and out:
        return None
    return Applied(b"\n".join(out) + (b"\n" if ended and out else b""), tuple(starts))


def _sides(hunk: Hunk, backwards: bool) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """The lines before and after, each with its index in the hunk."""
    gone, come = ("+", "-") if backwards else ("-", "+")
    coded = [
        (n, line.kind, line.text.encode("utf-8", "surrogateescape")) for n, line in enumerate(hunk.lines)
    ]
    before = [(n, text) for n, kind, text in coded if kind in (" ", gone)]
    after = [(n, text) for n, kind, text in coded if kind in (" ", come)]
    return before, after


def _key(line: bytes, loose: bool) -> bytes:
    return _NOT_ASCII.sub(b"", line) if loose else line.removesuffix(b"\r")


def _find(keys: Sequence[bytes], wanted: Sequence[bytes], start: int, least: int) -> int | None:
    """Where ``wanted`` stands in ``keys``, not before ``least``: the place nearest to ``start``."""
    if not wanted:
        return min(max(start, least), len(keys))
    size = len(wanted)
    wanted = list(wanted)
    places = [
        n
        for n in range(max(least, 0), len(keys) - size + 1)
        if keys[n] == wanted[0] and list(keys[n : n + size]) == wanted
    ]
    return min(places, key=lambda n: (abs(n - start), n)) if places else None


def _completed(hunk: Hunk, lines: Sequence[bytes], place: int) -> int | None:
    """Where the text goes on behind a cut hunk that it already holds.

    All that is left of the old lines is the context at the end, so the lines before that were
    added and are left out.
    """
    old_left = hunk.old_count - sum(line.kind in (" ", "-") for line in hunk.lines)
    new_left = hunk.new_count - sum(line.kind in (" ", "+") for line in hunk.lines)
    if not 0 <= old_left <= min(3, new_left) or place + new_left > len(lines):
        return None
    return place + new_left - old_left

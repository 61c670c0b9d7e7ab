"""Patches as they were read in, series in their own order out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kicklint.base import Patch

_PREFIX = re.compile(r"^(?:(?:re|aw|fwd?|sv)\s*:\s*)+", re.IGNORECASE)


def series(patches: Iterable[Patch]) -> tuple[Patch, ...]:
    """The patches to review, in the order of their numbers.

    What has no number keeps its place behind what has. A reply that quotes a patch gives way to
    the patch itself, and an older version of a series to the newest. Cover letters and replies
    without a diff are left out when anything else is there.
    """
    every = list(patches)
    holding = [each for each in every if each.files or each.trouble]
    if not holding:
        return tuple(every[:1])
    own = [each for each in holding if not each.quoted]
    chosen = [each for each in holding if not each.quoted or not _answered(each, own)]
    numbered = [each for each in chosen if each.letter.number]
    newest = max((each.letter.version for each in numbered), default=1)
    latest = [each for each in chosen if not each.letter.number or each.letter.version == newest]
    ordered = _once(sorted(latest, key=_place))
    named = next((each.letter.base_commit for each in every if each.letter.base_commit), "")
    if named and not any(each.letter.base_commit for each in ordered):
        first = ordered[0]
        ordered[0] = replace(first, letter=replace(first.letter, base_commit=named))
    return tuple(ordered)


def _answered(reply: Patch, own: Sequence[Patch]) -> bool:
    title = bare_subject(reply.letter.subject)
    named = set(reply.letter.references.split())
    return any(
        each.letter.message_id in named or (title and bare_subject(each.letter.subject) == title)
        for each in own
    )


def _place(patch: Patch) -> tuple[bool, int]:
    return (not patch.letter.number, patch.letter.number)


def _once(patches: Sequence[Patch]) -> list[Patch]:
    """Without what was sent or named twice."""
    seen: set[tuple[object, ...]] = set()
    found = []
    for each in patches:
        key = (each.letter.subject, each.letter.number, each.diff)
        if key not in seen or each.trouble:
            found.append(each)
        seen.add(key)
    return found


def bare_subject(subject: str) -> str:
    """``subject`` without ``Re:``, in small letters and single spaces."""
    return " ".join(_PREFIX.sub("", subject.strip()).lower().split())

"""Patches as they were read in, series in their own order out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kicklint.base import Letter, Patch

_PREFIX = re.compile(r"^(?:(?:re|aw|fwd?|sv)\s*:\s*)+", re.IGNORECASE)
_TAGS = re.compile(r"^(?:\s*\[[^\]]{0,200}\])+\s*")


def all_series(patches: Iterable[Patch]) -> tuple[tuple[Patch, ...], ...]:
    """The series that ``patches`` are of, in the order of their first mails, each as series() has it.

    Mails are of one series when they are of one thread, have the same title but for its tags (which
    is how versions look), or are numbered as one by one sender who put them into no thread. What
    bears no Message-ID, as what git writes by itself, is one series.
    """
    every = list(patches)
    groups: dict[str, list[Patch]] = defaultdict(list)
    joined = _Joined()
    for number, each in enumerate(every):
        for key in _keys(each.letter):
            joined.join(f"#{number}", key)
    answered = {name for each in every for name in each.letter.references.split()}
    for number, each in enumerate(every):
        letter = each.letter
        if letter.total > 1 and not letter.references and letter.message_id not in answered:
            joined.join(f"#{number}", f"={letter.sender} {letter.version} {letter.total}")
    for number, each in enumerate(every):
        groups[joined.root(f"#{number}")].append(each)
    found = [series(group) for group in groups.values()]
    # Talk is only shown where there is nothing else.
    holding = [each for each in found if any(patch.files or patch.trouble for patch in each)]
    return tuple(holding or found[:1])


def series(patches: Iterable[Patch]) -> tuple[Patch, ...]:
    """The patches of one series to review, in the order of their numbers.

    What has no number keeps its place behind what has. A reply, one that quotes a patch or one with
    a diff of its own, gives way to patches, and an older version to the newest; of a version that
    sends only some patches anew, each in answer to its older one, the others are the older ones.
    Cover letters and replies without a diff are left out when anything else is there.
    """
    every = list(patches)
    holding = [each for each in every if each.files or each.trouble]
    if not holding:
        return tuple(every[:1])
    own = [each for each in holding if not each.quoted and not _PREFIX.match(each.letter.subject)]
    quoting = [each for each in holding if each.quoted and each.letter.number and not _answered(each, own)]
    chosen = own + quoting if own else [each for each in holding if not each.quoted] or holding
    ordered = _once(sorted(_latest(chosen), key=_place))
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


def _latest(patches: Sequence[Patch]) -> list[Patch]:
    """The newest version of ``patches``; those without a number have one only among themselves."""
    numbered = [each for each in patches if each.letter.number]
    newest = max((each.letter.version for each in numbered or patches), default=1)
    latest = [each for each in numbered or patches if each.letter.version == newest]
    older = sorted((each for each in numbered if each not in latest), key=lambda each: -each.letter.version)
    if all(any(_resent(each, old) for old in older) for each in latest):
        for old in older:
            if old.letter.total == latest[0].letter.total and old.letter.number not in {
                each.letter.number for each in latest
            }:
                latest.append(old)
    return latest + ([each for each in patches if not each.letter.number] if numbered else [])


def _resent(patch: Patch, old: Patch) -> bool:
    """Whether ``patch`` answers ``old`` and has its place."""
    letter, other = patch.letter, old.letter
    place, same = (letter.number, letter.total), (other.number, other.total)
    return place == same and other.message_id in letter.references.split()


def _keys(letter: Letter) -> Iterator[str]:
    """What the mails of a thread, and the versions of a patch, have in common."""
    if not letter.message_id:
        yield "<>"
    yield from letter.references.split()
    if letter.message_id:
        yield letter.message_id
    title = _TAGS.sub("", bare_subject(letter.subject))
    if title:
        yield f"={title}"


def gap(patches: Sequence[Patch], at: int) -> str:
    """What is to be said where patches of the series are missing right before ``patches[at]``, else ""."""
    before = patches[at - 1].letter.number if at else 0
    number = patches[at].letter.number
    if number <= before + 1 or (at and not before):
        return ""
    if number == before + 2:
        return f"patch {before + 1} of the series is missing"
    return f"patches {before + 1} to {number - 1} of the series are missing"


class _Joined:
    """Names, and which of them belong together."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The one name that stands for all that ``name`` belongs to."""
        while (above := self._above.setdefault(name, name)) != name:
            self._above[name] = self._above.setdefault(above, above)
            name = self._above[name]
        return name

    def join(self, one: str, other: str) -> None:
        """Let the two belong together."""
        self._above[self.root(other)] = self.root(one)


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

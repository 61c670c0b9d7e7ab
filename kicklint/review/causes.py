"""Which hunk of a patch a new finding comes from, and which line of the diff it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from kicklint.base import Cause, DiffLine, FileChange, Finding, Hunk, Patch, Span
from kicklint.review.worlds import relevant_changes

# More trials than this are not made to find a hunk among many.
_MOST_TRIALS = 24


@dataclass(frozen=True, slots=True)
class Shown:
    """Where the lines of a patch stand in the world after it."""

    added: Mapping[tuple[str, int], tuple[int, int]]
    context: Mapping[tuple[str, int], tuple[int, int]]


def shown(patch: Patch, starts: Mapping[str, tuple[int, ...]]) -> Shown:
    """By path and line of the world after: the line of the diff, and the number of the hunk."""
    added: dict[tuple[str, int], tuple[int, int]] = {}
    context: dict[tuple[str, int], tuple[int, int]] = {}
    for change in relevant_changes(patch):
        for number, (hunk, start) in enumerate(zip(change.hunks, starts.get(change.path, ()), strict=False)):
            at = start
            for line in hunk.lines:
                if line.kind == "-":
                    continue
                (added if line.kind == "+" else context)[change.path, at] = (line.at, number)
                at += 1
    return Shown(added, context)


def touches(finding: Finding, lines: Shown) -> bool:
    """Whether the patch added the line that ``finding`` is about."""
    return _place(finding.span) in lines.added


def cause(
    finding: Finding, patch: Patch, lines: Shown, remains_without: Callable[[Patch, Finding], bool]
) -> tuple[int | None, Cause | None]:
    """The line of the diff that ``finding`` is about, and the hunk that brings it.

    That is the hunk that added the line, else the one that added a step of the trail, else
    the one without which the finding is not there, which is tried.
    """
    here = _place(finding.span)
    if here in lines.added:
        at, number = lines.added[here]
        return at, Cause(finding.span.path, number + 1, _head(patch, finding.span.path, number))
    hunk = _by_trail(finding, patch, lines) or _by_trial(finding, patch, remains_without)
    at_context = lines.context.get(here)
    if at_context is not None:
        return at_context[0], hunk
    return (_last_change(patch, hunk) if hunk is not None else None), hunk


def _place(span: Span) -> tuple[str, int]:
    return (span.path, span.line)


def _hunks(patch: Patch) -> Iterator[tuple[FileChange, int, Hunk]]:
    for change in relevant_changes(patch):
        for number, hunk in enumerate(change.hunks):
            yield change, number, hunk


def _head(patch: Patch, path: str, number: int) -> int:
    return next(hunk.at for change, n, hunk in _hunks(patch) if change.path == path and n == number)


def _by_trail(finding: Finding, patch: Patch, lines: Shown) -> Cause | None:
    only = list(_hunks(patch))
    if len(only) == 1:
        return Cause(only[0][0].path, 1, only[0][2].at)
    for step in reversed(finding.trail):
        found = lines.added.get(_place(step.span))
        if found is not None:
            path = step.span.path
            return Cause(path, found[1] + 1, _head(patch, path, found[1]))
    return None


def _by_trial(
    finding: Finding, patch: Patch, remains_without: Callable[[Patch, Finding], bool]
) -> Cause | None:
    """Leave out one hunk after the other, those of the finding's own functions first."""
    functions = {finding.function, *(step.function for step in finding.trail)}
    paths = {finding.span.path, *(step.span.path for step in finding.trail)}
    every = sorted(
        _hunks(patch),
        key=lambda each: (
            not any(f"{name}(" in each[2].section for name in functions if name),
            each[0].path not in paths,
        ),
    )
    for change, number, hunk in every[:_MOST_TRIALS]:
        if not remains_without(_without(patch, change, number), finding):
            return Cause(change.path, number + 1, hunk.at)
    return None


def _without(patch: Patch, change: FileChange, number: int) -> Patch:
    hunks = tuple(hunk for n, hunk in enumerate(change.hunks) if n != number)
    files = tuple(replace(each, hunks=hunks) if each is change else each for each in patch.files)
    return replace(patch, files=files)


def _last_change(patch: Patch, at: Cause) -> int | None:
    for change, number, hunk in _hunks(patch):
        if change.path == at.path and number == at.hunk - 1:
            changed: list[DiffLine] = [line for line in hunk.lines if line.kind != " "]
            return changed[-1].at if changed else hunk.at
    return None

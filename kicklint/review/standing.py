"""The findings of two worlds, before and after a patch: what is new, what is fixed, what was there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kicklint.base import Finding, Report, Severity

_RANK = {Severity.NOTE: 0, Severity.WARNING: 1, Severity.ERROR: 2}
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """``new`` and ``known`` are of the world after, each with its counterpart before, if any; ``fixed``
    are of the world before. A new one with a counterpart has become graver."""

    new: tuple[tuple[Finding, Finding | None], ...]
    known: tuple[Finding, ...]
    fixed: tuple[Finding, ...]


def difference(
    before: Report,
    after: Report,
    renamed: Mapping[str, str],
    touched: Callable[[Finding], bool],
    replaced: Callable[[Finding, Finding], bool] = lambda _old, _new: False,
) -> Difference:
    """Compare by rule, file, function and text of the line, as fingerprints do.

    ``renamed`` maps old paths to new ones. Where there are more of one kind than before, those
    that are ``touched`` by the patch are the new ones. What keeps its rule, function and message
    though its line was rewritten or its file changed was there already, and so was what keeps its rule, file
    and line in a function that stands in the place of another: ``replaced`` says that of an old finding and
    a new one.
    """
    left = _by_key(before, renamed)
    pairs: dict[int, Finding] = {}
    order = sorted(range(len(after.findings)), key=lambda at: (touched(after.findings[at]), at))
    lines = _lines(after)
    for at in order:
        finding = after.findings[at]
        rest = left.get(_key(finding, lines, {}))
        if rest:
            pairs[at] = rest.pop(0)
    others = [each for group in left.values() for each in group]
    for at, finding in enumerate(after.findings):
        match = next((each for each in others if at not in pairs and _alike(each, finding)), None)
        if match is not None:
            others.remove(match)
            pairs[at] = match
    old_lines = _lines(before)
    for at, finding in enumerate(after.findings):
        place = _place(_key(finding, lines, {}))
        for each in others if at not in pairs and place[-1] else ():
            if _place(_key(each, old_lines, renamed)) == place and replaced(each, finding):
                others.remove(each)
                pairs[at] = each
                break
    new = []
    known = []
    for at, finding in enumerate(after.findings):
        old = pairs.get(at)
        if old is not None and _RANK[finding.severity] <= _RANK[old.severity]:
            known.append(finding)
        else:
            new.append((finding, old))
    return Difference(tuple(new), tuple(known), tuple(others))


def _lines(report: Report) -> Mapping[tuple[str, int], str]:
    return {(each.path, each.line): each.text for each in report.excerpts}


def _key(finding: Finding, lines: Mapping[tuple[str, int], str], renamed: Mapping[str, str]) -> Key:
    span = finding.span
    text = "".join(lines.get((span.path, span.line), "").split())
    return (finding.rule, renamed.get(span.path, span.path), finding.function, text)


def _place(key: Key) -> tuple[str, str, str]:
    """``key`` without the function."""
    rule, path, _, text = key
    return rule, path, text


def _by_key(report: Report, renamed: Mapping[str, str]) -> dict[Key, list[Finding]]:
    lines = _lines(report)
    found: dict[Key, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        found[_key(finding, lines, renamed)].append(finding)
    return found


def _alike(old: Finding, new: Finding) -> bool:
    return (old.rule, old.function, old.message) == (new.rule, new.function, new.message)

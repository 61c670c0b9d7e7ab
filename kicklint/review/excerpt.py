"""A patch judged by its hunks alone, by the rules that an excerpt is enough for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kicklint.base import Finding, Judged, Outcome, Patch, PatchReview, Report, Severity
from kicklint.review.causes import Shown, cause, shown, touches
from kicklint.review.fragments import ShownTree, shown_tree
from kicklint.review.standing import difference
from kicklint.review.worlds import relevant_changes
from kicklint.rulebook import load_rulebook

Analyse = Callable[[ShownTree, frozenset[str]], Report]


@dataclass(frozen=True, slots=True)
class _Stretches:
    """Which lines of the files after the patch stand together in one hunk."""

    where: dict[tuple[str, int], tuple[str, int]]

    def holds(self, finding: Finding) -> bool:
        """Whether the way of ``finding`` leads over no line that is not shown."""
        steps = [step.span for step in finding.trail if step.function == finding.function]
        places = {self.where.get((span.path, span.line)) for span in (finding.span, *steps)}
        return len(places) == 1 and None not in places


def by_hunks(patch: Patch, refused: tuple[str, ...], analyse: Analyse) -> PatchReview:
    """What the hunks of ``patch`` show to be new. Its severity is no more than a warning."""
    changes = relevant_changes(patch)
    chosen = frozenset(rule.id for rule in load_rulebook().rules if rule.excerpts)
    before = analyse(shown_tree(changes, after=False), chosen)
    after = analyse(shown_tree(changes, after=True), chosen)
    lines = shown(patch, {each.path: tuple(hunk.new_start for hunk in each.hunks) for each in changes})
    stretches = _stretches(lines)
    found = difference(before, after, {}, lambda each: touches(each, lines))
    judged = [_judged(each, patch, lines) for each, old in found.new if old is None and stretches.holds(each)]
    reason = "; ".join(refused) or "there is no tree to compare it with"
    return PatchReview(
        patch,
        Outcome.HUNKS_ONLY,
        "the hunks only",
        reason,
        tuple(judged),
        after.excerpts,
        after.architectures,
    )


def _stretches(lines: Shown) -> _Stretches:
    every = {**lines.context, **lines.added}
    return _Stretches({place: (place[0], number) for place, (_, number) in every.items()})


def _judged(finding: Finding, patch: Patch, lines: Shown) -> Judged:
    low = Severity.WARNING if finding.severity is Severity.ERROR else finding.severity
    at, hunk = cause(finding, patch, lines, lambda _rest, _finding: True)
    return Judged(replace(finding, severity=low), at, hunk, hunks_only=True)

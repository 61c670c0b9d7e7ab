"""Findings that only repeat what another rule says of the same event.

A kick that comes too early is also one that nothing was requested for, and its request one that
no kick follows: whoever reads the report has one fault to mend, at one place.
"""

from __future__ import annotations

from collections.abc import Iterable

from kicklint.base import Finding, Span, StepKind
from kicklint.engine.drafts import Draft
from kicklint.rulebook import RuleInfo


def without_consequences(rules: Iterable[RuleInfo], drafts: list[Draft]) -> list[Draft]:
    """``drafts`` of one world without those whose rule leaves the event to another that reports it."""
    yields = {rule.id: set(rule.consequence_of) for rule in rules if rule.consequence_of}
    told: dict[str, set[Span]] = {}
    for draft in drafts:
        told.setdefault(draft.finding.rule, set()).update(_about(draft.finding))
    kept = []
    for draft in drafts:
        others = yields.get(draft.finding.rule, set())
        known = set().union(*(told.get(each, set()) for each in others))
        if not known or not _repeats(draft.finding, known):
            kept.append(draft)
    return kept


def _about(finding: Finding) -> set[Span]:
    """What is at fault, and where what is missing was to be."""
    missing = {step.span for step in finding.trail if step.kind is StepKind.MISSING}
    return {finding.span, *missing}


def _repeats(finding: Finding, known: set[Span]) -> bool:
    """Whether the event of ``finding``, or that at the end of every way that it tells of, is ``known``."""
    if finding.span in known or not finding.trail:
        return finding.span in known
    began = finding.trail[0].span
    ends = {finding.trail[-1].span, *(each.span for each in finding.related if each.span != began)}
    return ends <= known

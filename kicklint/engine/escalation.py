"""What the outcome of other rules, in all worlds, makes of a finding."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kicklint.base import Finding, Note, Related, Severity, Step
from kicklint.engine.drafts import Draft
from kicklint.rulebook import Escalation, Rulebook


@dataclass(frozen=True, slots=True)
class WorldResult:
    """What one world says.

    ``clean`` are the rules without a violation; ``enters`` tells whether a guest entry
    was seen; ``guards`` are, by rule, the tests and entries that it found in order.
    """

    architecture: str
    drafts: tuple[Draft, ...]
    notes: tuple[Note, ...]
    clean: frozenset[str]
    enters: bool
    files: frozenset[str]
    functions: frozenset[str]
    guards: tuple[tuple[str, tuple[Step, ...]], ...]


def escalated(draft: Draft, rulebook: Rulebook, results: list[WorldResult]) -> Draft:
    """``draft`` with the level, the message and the trail that its rule's escalation gives."""
    rule = rulebook.rule(draft.finding.rule)
    if rule is None or rule.escalation is None:
        return draft
    level, text = _later_test(rule.escalation, rule.level, results)
    finding = replace(draft.finding, severity=level, message=f"{draft.finding.message}; {text}")
    if level is rule.level:
        finding = _with_guards(finding, rule.escalation.witness, results)
    return Draft(draft.key, finding)


def _later_test(escalation: Escalation, level: Severity, results: list[WorldResult]) -> tuple[Severity, str]:
    """The level and the rest of the message, by what the other rules say of every world."""
    failing = {
        result.architecture: sorted(set(escalation.unless) - result.clean)
        for result in results
        if not set(escalation.unless) <= result.clean
    }
    if failing:
        rules = sorted({rule for found in failing.values() for rule in found})
        text = escalation.unproven.format(rules=", ".join(rules), architectures=", ".join(sorted(failing)))
        return escalation.level, text
    if not any(result.enters for result in results):
        return escalation.level, escalation.no_entry
    return level, escalation.proven


def _with_guards(finding: Finding, witness: str, results: list[WorldResult]) -> Finding:
    """``finding`` with the way on from it: the later tests and the entries behind them.

    The trail goes on in the first architecture that has them; the tests of the others
    are related places.
    """
    trail = list(finding.trail)
    related = list(finding.related)
    for result in results:
        steps = dict(result.guards).get(witness, ())
        named = [replace(step, message=f"{result.architecture}: {step.message}") for step in steps]
        if len(trail) == len(finding.trail):
            trail += named
        else:
            related += [Related(step.span, step.function, step.message) for step in named]
    return replace(finding, trail=tuple(trail), related=tuple(related))

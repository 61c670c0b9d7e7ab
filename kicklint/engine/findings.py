"""Violations of one world in, findings out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kicklint.base import Finding, Related, Span
from kicklint.engine.blame import Blame, cause, last_step
from kicklint.engine.drafts import Draft
from kicklint.engine.racing import composed, with_race
from kicklint.engine.trails import readable
from kicklint.engine.world import World
from kicklint.events import Event
from kicklint.flow import Call, TableCall, show
from kicklint.race.compose import Composed
from kicklint.rulebook import EVENT_ANCHOR, RuleInfo
from kicklint.typestate import Outcome, RawStep, Violation

# Ways to one place that are put to the memory model.
_MOST_RACES = 4


def drafts(world: World, rule: RuleInfo, outcome: Outcome) -> list[Draft]:
    """One draft for every place that the violations of ``rule`` are put down to."""
    found: dict[tuple[str, Span, str], Draft] = {}
    races: dict[tuple[str, Span, str], list[Composed]] = {}
    blame = Blame(world, outcome.violations)
    for violation in outcome.violations:
        draft = _draft(world, rule, violation, blame)
        race = composed(world, rule, violation) if len(races.get(draft.key, ())) < _MOST_RACES else None
        if race is not None:
            races.setdefault(draft.key, []).append(race)
        first = found.get(draft.key)
        if first is None:
            found[draft.key] = draft
        else:
            found[draft.key] = Draft(draft.key, _also(first.finding, draft.finding))
    return [Draft(key, with_race(draft.finding, races.get(key, []))) for key, draft in found.items()]


def _also(first: Finding, other: Finding) -> Finding:
    """``first`` with the end of ``other``, another way to the same place, as a related place."""
    if not other.trail:
        return first
    end = other.trail[-1]
    place = Related(end.span, end.function, f"another way ends here: {end.message}")
    known = {each.span for each in first.related} | {first.span, first.trail[-1].span}
    return first if place.span in known else replace(first, related=(*first.related, place))


def _draft(world: World, rule: RuleInfo, violation: Violation, blame: Blame) -> Draft:
    machine = violation.simulator.machine
    transition = machine.automaton.transition[violation.transition]
    steps = violation.steps
    place = steps[-1] if violation.brought else blame.anchor(steps, transition, violation.simulator)
    end = last_step(steps)
    named = transition.anchor not in ("", EVENT_ANCHOR)
    reason = cause(steps, transition.anchor_state) if named else end
    words = {
        "cause": _name(reason),
        "entry": _name(end),
        "vcpu": _vcpu(end.event),
        "reason": _reason(world, reason.event),
    }
    span = _span(place)
    function = place.graph.function
    trail = readable(steps, machine, transition.missing.format(**words), world)
    related = tuple(
        Related(each.span, each.function, each.message)
        for each in (trail[:1] if trail and trail[0].span != span else ())
    )
    finding = Finding(
        rule=rule.id,
        name=rule.name,
        severity=transition.level or rule.level,
        message=transition.message.format(**words),
        span=span,
        function=function,
        fingerprint="",
        architectures=(world.architecture,) if world.architecture else (),
        trail=trail,
        related=related,
        remedy=" ".join(rule.fix.split()),
    )
    return Draft((rule.id, span, function), finding)


def _name(step: RawStep) -> str:
    event: Event | None = step.event
    if event is not None:
        return event.text.partition(" returns into")[0]
    instruction = step.graph.nodes[step.node].instruction
    if isinstance(instruction, Call):
        return f"{instruction.name or show(instruction.callee)}()"
    return f"{instruction.member}()" if isinstance(instruction, TableCall) else "this"


def _reason(world: World, event: Event | None) -> str:
    """Why ``event`` orders too little, by the kernel's memory model."""
    order = dict(event.attributes).get("order", "none") if event is not None else "none"
    return world.lexicon.vocabulary.reasons.get(order, "")


def _vcpu(event: Event | None) -> str:
    if event is None or event.subject is None:
        return "the vCPU"
    return show(event.subject).lstrip("*&")


def _span(step: RawStep) -> Span:
    if step.event is not None and not step.inner:
        return step.event.span
    return step.graph.nodes[step.node].span


def unanalysed(world: World, rule: RuleInfo, problems: Mapping[str, str]) -> list[Draft]:
    """KICK000 for every function in ``problems`` (identifier -> reason)."""
    found = []
    for key, reason in sorted(problems.items()):
        function = world.index.functions[key]
        finding = Finding(
            rule=rule.id,
            name=rule.name,
            severity=rule.level,
            message=f"{function.name}() touches the kick protocol and was not wholly understood: {reason}",
            span=function.span,
            function=function.name,
            fingerprint="",
            architectures=(world.architecture,) if world.architecture else (),
            remedy=" ".join(rule.fix.split()),
        )
        found.append(Draft((rule.id, function.span, function.name), finding))
    return found

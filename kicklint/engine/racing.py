"""Findings about order with the interleaving in which they go wrong."""

from __future__ import annotations

from dataclasses import replace

from kicklint.base import Finding, Interleaving, Severity
from kicklint.engine.drafts import shorter
from kicklint.engine.world import World
from kicklint.race import Beat, Composer, Reader
from kicklint.race.compose import Composed
from kicklint.rulebook import Automaton, EventKind, RuleInfo
from kicklint.typestate import Outcome, Violation, search

_COMPOSER = "composer"
_UNPROVEN = "the memory model, with what is known of the other thread, allows no execution that ends badly"


def outcome_of(
    world: World, automaton: Automaton, learnt: tuple[str, frozenset[str]] | None = None
) -> Outcome:
    """What ``automaton`` says of ``world``; run once, unless it has learnt something."""
    if learnt is not None:
        return search(world, automaton, learnt)
    key = ("outcome", id(automaton))
    if key not in world.scratch:
        world.scratch[key] = search(world, automaton)
    found = world.scratch[key]
    assert isinstance(found, Outcome)
    return found


def composed(world: World, rule: RuleInfo, violation: Violation) -> Composed | None:
    """What the memory model says of ``violation``; None where its rule is not about order."""
    machine = violation.simulator.machine
    race = machine.automaton.race
    if race is None:
        return None
    return _composer(world).compose(rule.id, race, violation.steps, violation.simulator)


def with_race(finding: Finding, found: list[Composed]) -> Finding:
    """``finding`` with an interleaving of ``found``, one without an assumption if there is one.

    Where there was something to judge and nothing ends badly, it is no error: the
    message says so.
    """
    best: Interleaving | None = None
    for each in found:
        best = shorter(best, each.interleaving)
    if best is not None:
        return replace(finding, interleaving=best)
    if found and all(each.judged for each in found) and finding.severity is Severity.ERROR:
        return replace(finding, severity=Severity.WARNING, message=f"{finding.message}; {_UNPROVEN}")
    return finding


def _composer(world: World) -> Composer:
    if _COMPOSER not in world.scratch:
        vocabulary = world.lexicon.vocabulary
        reader = Reader(world, vocabulary.deciding)
        world.scratch[_COMPOSER] = Composer(reader, lambda: _run(world, reader), vocabulary)
    found = world.scratch[_COMPOSER]
    assert isinstance(found, Composer)
    return found


def _run(world: World, reader: Reader) -> tuple[Beat, ...]:
    """The shortest way that was found from an IN_GUEST_MODE write over a test to the guest."""
    ways = []
    for rule in world.rulebook.rules:
        witness = world.rulebook.rule(rule.escalation.witness) if rule.escalation is not None else None
        for automaton in witness.automaton if witness is not None else ():
            for each in outcome_of(world, automaton).witnesses:
                way = _announced(reader.beats(each.steps, each.simulator), automaton.begin)
                if way and way[-1].kind is EventKind.GUEST_ENTRY:
                    ways.append(way)
    return min(ways, key=lambda way: (len(way), way[0].span), default=())


def _announced(way: tuple[Beat, ...], begin: str) -> tuple[Beat, ...]:
    """``way`` from the last event that begins an instance."""
    kind, _, value = begin.partition(":")
    starts = [n for n, each in enumerate(way) if each.kind == kind and each.mode == value]
    return way[starts[-1] :] if starts else ()

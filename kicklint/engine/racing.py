"""Findings about order with the interleaving in which they go wrong."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from kicklint.base import Finding, Interleaving, Severity
from kicklint.engine.consumers import Consumers, Reading
from kicklint.engine.drafts import shorter
from kicklint.engine.world import World
from kicklint.events import Event, Reach
from kicklint.race import Beat, Composer, Reader
from kicklint.race.compose import Composed
from kicklint.race.threads import PLACE
from kicklint.rulebook import Announced, Automaton, EventKind, RuleInfo
from kicklint.typestate import Outcome, Violation, search

_COMPOSER, _CONSUMERS = "composer", "consumers"
UNPROVEN = "the memory model, with what is known of the other thread, allows no execution that ends badly"


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
    race = violation.simulator.machine.automaton.race
    if race is None:
        return None
    composer = composer_of(world)
    reader = composer.reader
    return composer.compose(
        rule.id,
        race,
        composer.trail(race, violation.steps, violation.simulator),
        proven=lambda: _proven(world, rule, reader),
        before=lambda: reader.tested_before(violation.steps),
        absent=violation.simulator.excluded | violation.simulator.foreign,
    )


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
        return replace(finding, severity=Severity.WARNING, message=f"{finding.message}; {UNPROVEN}")
    return finding


def composer_of(world: World) -> Composer:
    """What composes the interleavings of ``world``."""
    if _COMPOSER not in world.scratch:
        made = Composer(
            Reader(world, world.lexicon.vocabulary),
            lambda reader, absent: _run(world, reader, absent),
            world.lexicon.vocabulary,
            lambda: _reading(world),
        )
        world.scratch[_COMPOSER] = made
    found = world.scratch[_COMPOSER]
    assert isinstance(found, Composer)
    return found


def _run(world: World, reader: Reader, absent: frozenset[str]) -> tuple[Beat, ...]:
    """The shortest way that was found from an IN_GUEST_MODE write over a test to the guest.

    It goes through none of the files ``absent``. What its tests find is taken care of before the guest,
    as was proven, also where the vCPU goes on: so they count as tests that keep it out.
    """
    ways = []
    for rule in world.rulebook.rules:
        witness = world.rulebook.rule(rule.escalation.witness) if rule.escalation is not None else None
        for automaton in witness.automaton if witness is not None else ():
            kind, _, mode = automaton.begin.partition(":")
            for each in outcome_of(world, automaton).witnesses:
                begins = partial(_begins, kind, mode)
                way = reader.beats(each.steps, each.simulator, begins, over=EventKind.REQUEST_TEST)
                there = not any(beat.span.path in absent for beat in way)
                if way and there and _begins(kind, mode, way[0]) and way[-1].kind is EventKind.GUEST_ENTRY:
                    ways.append(way)
    best = min(ways, key=lambda way: (len(way), way[0].span), default=())
    return tuple(replace(each, ignored=False) for each in best)


def _begins(kind: str, mode: str, beat: Beat) -> bool:
    return beat.kind == kind and beat.mode == mode


def _proven(world: World, rule: RuleInfo, reader: Reader) -> tuple[Beat, ...]:
    """The shortest way of the vCPU's that ``rule`` has found to be as it should be."""
    ways = [
        reader.beats(each.steps, each.simulator, lambda _: False)
        for automaton in rule.automaton
        if not automaton.architectures or world.architecture in automaton.architectures
        if any(each.witness for each in automaton.transition)
        for each in outcome_of(world, automaton).witnesses
    ]
    return min((way for way in ways if way), key=lambda way: (len(way), way[0].span), default=())


def _reading(world: World) -> Beat | None:
    """Where state that a request announces is read: by the first consumer that is known to read any."""
    for rule in world.rulebook.rules:
        if rule.announced is not None:
            place = consumers_of(world, rule.announced).any_reading()
            return beat_at(world, place) if place is not None else None
    return None


def beat_at(world: World, place: Reading, text: str = "") -> Beat:
    """The node ``place`` as something that is done there; ``text`` says what."""
    graph = world.graph(place[0]).graph
    span = graph.nodes[place[1]].span
    says = text or "reads the state that the request announces"
    return Beat(Event(EventKind.FLAG_TEST, Reach.ANY, None, span, says, how=PLACE), graph.function, span)


def made_at(world: World, place: Reading, text: str) -> tuple[Beat, ...]:
    """What the node ``place`` at which a request is made does: the event, or what the call ``text`` does."""
    graph, node = world.graph(place[0]), place[1]
    inside = composer_of(world).reader.at(graph, node)
    if node in graph.events:
        return inside
    called = beat_at(world, place, text)
    return tuple(replace(each, via=called) for each in inside)


def consumers_of(world: World, form: Announced) -> Consumers:
    """What requests announce in ``world``; learnt once."""
    if _CONSUMERS not in world.scratch:
        world.scratch[_CONSUMERS] = Consumers(world, form)
    found = world.scratch[_CONSUMERS]
    assert isinstance(found, Consumers)
    return found

"""The tests that stand between the code of a run loop and the guest, as they were found."""

from __future__ import annotations

from kicklint.base import Step, StepKind
from kicklint.engine.blame import cause, last_step
from kicklint.events import Event
from kicklint.typestate import Outcome, RawStep

_SHOWN = 2


def guards(outcome: Outcome) -> tuple[Step, ...]:
    """The tests that let a vCPU through to the guest, each before the entry that follows it.

    They come from the witnesses of ``outcome``; a test is listed once, a few are
    listed, in the order of the source.
    """
    pairs: dict[tuple[object, str], tuple[Step, Step]] = {}
    for witness in outcome.witnesses:
        source = witness.simulator.machine.automaton.transition[witness.transition].source
        test = cause(witness.steps, source[0])
        entry = last_step(witness.steps)
        if test.event is None or entry.event is None:
            continue
        first = _step(test, test.event, "tests the requests")
        pairs.setdefault((first.span, first.function), (first, _step(entry, entry.event, "enters the guest")))
    ordered = sorted(pairs.values(), key=lambda pair: (pair[0].span, pair[0].function))
    return tuple(step for pair in ordered[:_SHOWN] for step in pair)


def values_learnt(outcome: Outcome, attribute: str) -> frozenset[str]:
    """The values of ``attribute`` at the events that the witnesses of ``outcome`` end in."""
    events = (last_step(witness.steps).event for witness in outcome.witnesses)
    return frozenset(
        value
        for event in events
        if event is not None
        for name, value in event.attributes
        if name == attribute
    )


def _step(raw: RawStep, event: Event, text: str) -> Step:
    message = event.text if "returns" in event.text else f"{event.text} {text}"
    return Step(StepKind.EVENT, event.span, raw.graph.function, message)

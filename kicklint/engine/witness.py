"""The tests that stand between the code of a run loop and the guest, as they were found."""

from __future__ import annotations

from collections.abc import Iterator

from kicklint.base import Step, StepKind
from kicklint.events import Event
from kicklint.flow import ControlFlowGraph
from kicklint.rulebook import EventKind
from kicklint.typestate import Outcome, Program, Simulator

_TESTS = (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME)
_SHOWN = 3


def guards(program: Program, outcome: Outcome) -> tuple[Step, ...]:
    """The tests that let a vCPU through to the guest, then the entries that follow them.

    ``outcome`` is that of a rule whose harmless states at a guest entry are the tested
    ones. Each place is listed once, a few of each kind, in the order of the source.
    """
    tests: dict[tuple[object, str], Step] = {}
    entries: dict[tuple[object, str], Step] = {}
    for simulator in outcome.simulators:
        for kind, graph, event in _happened(program, simulator):
            found = tests if kind in _TESTS else entries
            text = "tests the requests" if kind in _TESTS else "enters the guest"
            message = event.text if "returns" in event.text else f"{event.text} {text}"
            found.setdefault(
                (event.span, graph.function), Step(StepKind.EVENT, event.span, graph.function, message)
            )
    return tuple(step for found in (tests, entries) for step in _first(list(found.values())))


def _first(steps: list[Step]) -> list[Step]:
    return sorted(steps, key=lambda step: (step.span, step.function))[:_SHOWN]


def _happened(program: Program, simulator: Simulator) -> Iterator[tuple[EventKind, ControlFlowGraph, Event]]:
    """The tests that led to a tested state, and the entries that were made in one."""
    machine = simulator.machine
    safe = machine.harmless(EventKind.GUEST_ENTRY) - {machine.automaton.initial}
    for context, summary in simulator.summaries.items():
        events = program.graph(context.function)
        for point, link in summary.links.items():
            if link.previous is None or link.inner is not None:
                continue
            node, before = link.previous
            event = events.events.get(node)
            if event is None:
                continue
            tested = event.kind in _TESTS and point[1].state in safe and before.state not in safe
            if tested or (event.kind is EventKind.GUEST_ENTRY and before.state in safe):
                yield event.kind, events.graph, event

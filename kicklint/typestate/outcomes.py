"""The ways in which one event can turn out, and what its result is then."""

from __future__ import annotations

from collections.abc import Iterator

from kicklint.events import Event
from kicklint.rulebook import EventKind
from kicklint.typestate.evaluate import Evaluator, Valuation
from kicklint.typestate.forgetting import EXPECTED
from kicklint.typestate.machine import Machine
from kicklint.typestate.values import ONE, ZERO, Range, Value, contains, exactly, number

PLAIN_READS = (EventKind.CPU_READ, EventKind.FLAG_TEST)
# What a read of the requests gives when one is pending: they are unsigned.
_SOME_BITS = Range(1, None)
_MAX_MODES = 4

Outcome = tuple[str, Value | None, str]
"""The outcome (``set``, ``clear`` or ""), the result, and the mode that is written ("" when not known)."""


def outcomes(event: Event, known: Valuation, evaluate: Evaluator, machine: Machine) -> Iterator[Outcome]:
    """The ways in which ``event`` can turn out where ``known`` is known."""
    if event.forks:
        # A test through a call gives a bool; a read of the place gives the bits themselves.
        some = ONE if event.boolean else _SOME_BITS
        yes, no = (ZERO, some) if event.how == "!=" else (some, ZERO)
        yield "set", yes, ""
        yield "clear", no, ""
    elif event.kind is EventKind.FLAG_TEST and dict(event.attributes).get("bits"):
        # A word of bits that are tested together: all of them are set, or none is.
        yield "set", exactly(-1), ""
        yield "clear", ZERO, ""
    elif event.expected is not None and event.dst is not None and machine.compares:
        yield from _compared(event, known, evaluate)
    elif event.kind in PLAIN_READS:
        yield "", read_value(event, known, evaluate), ""
    else:
        for mode in _possible_modes(event, known, evaluate) or [""]:
            yield "", None, mode


def read_value(event: Event, known: Valuation, evaluate: Evaluator) -> Value | None:
    """What is known of the place that a plain read reads."""
    return evaluate.value(event.place, known) if event.place is not None else None


def _compared(event: Event, known: Valuation, evaluate: Evaluator) -> Iterator[Outcome]:
    """What a compare-and-exchange finds and gives: the mode that it expects, or another one."""
    expected = known.get(EXPECTED) or evaluate.value(event.expected, known)
    exact = number(expected)
    if event.how.startswith("try_"):
        yield "set", ONE, ""
        yield "clear", ZERO, ""
    else:
        yield "set", expected, ""
        yield "clear", Range(None, None, 0, frozenset({exact})) if exact is not None else None, ""


def _possible_modes(event: Event, known: Valuation, evaluate: Evaluator) -> list[str]:
    """The modes that a write may write, when its value is one of a few numbers but not one."""
    value = evaluate.value(event.value, known) if event.value is not None else None
    if not isinstance(value, Range) or value.low is None or value.high is None:
        return []
    if not 0 < value.high - value.low < _MAX_MODES:
        return []
    numbers = [each for each in range(value.low, value.high + 1) if contains(value, each)]
    names = [evaluate.program.mode_name(exactly(each)) for each in numbers]
    return [name for name in names if name]

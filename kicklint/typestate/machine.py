"""An automaton made ready to run: what an event does to a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kicklint.rulebook import SAME, Automaton, EventKind, Transition

INTERRUPTS_CHANGE = "interrupts-change"
"""The class of functions that may leave interrupts in another state than they found."""

IDLE = "idle"
BUSY = "busy"
"""The states of what runs functions for their values: the caller's instance has not begun, or has."""


class ProtocolState(NamedTuple):
    """The automaton's state, and the kinds of request consumed since it was entered.

    Where a function returns, ``result`` tells apart what it returns: zero, something
    else, or either. ``interrupts`` is ``on``, ``off``, ``held`` (off whatever is done
    about them) or "" when not known, for automata that follow them. ``assumed`` are
    conditions with the outcome that they have while the state lasts. ``about`` is what the event
    that entered the state was about, where a transition from it asks. It is a tuple because
    it is a key everywhere, and tuples are hashed and compared fastest.
    """

    state: str
    consumed: frozenset[str] = frozenset()
    result: str = ""
    interrupts: str = ""
    assumed: frozenset[tuple[str, bool]] = frozenset()
    about: str = ""

    @property
    def plain(self) -> ProtocolState:
        """The state without what is returned in it."""
        return self._replace(result="") if self.result else self


@dataclass(frozen=True, slots=True)
class Machine:
    """``automaton`` with its transitions by state and kind of event.

    ``counts`` are the states in which consumed requests are counted, ``asks`` those that remember an
    attribute of the event that entered them, with its name.
    """

    automaton: Automaton
    table: Mapping[tuple[str, EventKind], tuple[tuple[int, Transition], ...]]
    enabled: Mapping[str, frozenset[str]]
    counts: frozenset[str]
    asks: Mapping[str, str]
    handles: frozenset[EventKind]
    compares: bool = False
    """Whether it matters what a compare-and-exchange of the mode found."""

    @classmethod
    def of(cls, automaton: Automaton) -> Machine:
        """Arrange the transitions of ``automaton`` for look-up."""
        table: dict[tuple[str, EventKind], list[tuple[int, Transition]]] = {}
        counts = set()
        asks: dict[str, str] = {}
        for index, step in enumerate(automaton.transition):
            for state in automaton.states if "*" in step.source else step.source:
                table.setdefault((state, step.on), []).append((index, step))
                if "complete" in step.where:
                    counts.add(state)
                asks.update((state, name) for name, allowed in step.where.items() if SAME in allowed)
        enabled: dict[str, set[str]] = {state: set() for state in automaton.states}
        for (state, kind), steps in table.items():
            for _, step in steps:
                if step.to not in (state, "*") or step.message or step.witness:
                    enabled[state] |= _names(kind, step)
        if automaton.handlers:  # an entry is the call of what assembly calls
            for names in enabled.values():
                names.add(EventKind.GUEST_ENTRY)
        if automaton.interrupts:
            for names in enabled.values():
                names.add(INTERRUPTS_CHANGE)
        return cls(
            automaton,
            {key: tuple(steps) for key, steps in table.items()},
            {state: frozenset(names) for state, names in enabled.items()},
            frozenset(counts),
            asks,
            frozenset(kind for _, kind in table),
            any(step.on is EventKind.MODE_WRITE and "outcome" in step.where for step in automaton.transition),
        )

    @property
    def ends(self) -> frozenset[str]:
        """The names of the events that end an instance as it should end."""
        initial = self.automaton.initial
        return frozenset(
            name
            for (state, kind), steps in self.table.items()
            for _, step in steps
            if state != initial and step.to == initial and not step.message
            for name in _names(kind, step)
        )

    @property
    def initial(self) -> ProtocolState:
        """Where every instance begins."""
        return ProtocolState(self.automaton.initial)

    def harmless(self, kind: EventKind) -> frozenset[str]:
        """The states in which an event of ``kind`` does no harm."""
        return frozenset(
            state
            for state in self.automaton.states
            if not any(step.message for _, step in self.table.get((state, kind), ()))
        )

    def step(
        self, state: ProtocolState, kind: EventKind, attributes: Mapping[str, str], required: frozenset[str]
    ) -> tuple[ProtocolState, int | None]:
        """The state after the event, and the number of the transition taken (None: none).

        ``required`` are the kinds of request that must all have been consumed for
        the attribute ``complete`` to be ``yes``.
        """
        steps = self.table.get((state.state, kind), ())
        consumed = state.consumed
        if kind is EventKind.REQUEST_CONSUME and state.state in self.counts:
            consumed = consumed | {attributes.get("request", "")}
            complete = "yes" if required and required <= consumed else "no"
            attributes = {**attributes, "complete": complete}
        if "interrupts" not in attributes:
            attributes = {**attributes, "interrupts": state.interrupts or "unknown"}
        for index, step in steps:
            if all(
                _allows(allowed, attributes.get(name, ""), state.about)
                for name, allowed in step.where.items()
            ):
                to = state.state if step.to == "*" else step.to
                if to == state.state:
                    return self._entered(state, to, consumed, state.about), index
                about = attributes.get(self.asks[to], "") if to in self.asks else ""
                return self._entered(state, to, frozenset(), about), index
        return (state if consumed == state.consumed else state._replace(consumed=consumed)), None

    def _entered(self, state: ProtocolState, to: str, consumed: frozenset[str], about: str) -> ProtocolState:
        assumed = state.assumed if to != self.automaton.initial else frozenset()
        return ProtocolState(to, consumed, "", state.interrupts, assumed, about)


def _names(kind: EventKind, step: Transition) -> set[str]:
    """The names under which a program says that it may hold the event of ``step``."""
    values = step.where.get("value", ())
    if kind is EventKind.MODE_WRITE and values and not any(value.startswith("!") for value in values):
        return {f"{kind}:*", *(f"{kind}:{value}" for value in values)}
    return {kind}


def _allows(allowed: tuple[str, ...], value: str, about: str) -> bool:
    refused = [each[1:] for each in allowed if each.startswith("!")]
    if refused:
        return value not in refused
    return bool(value) and (value in allowed or (SAME in allowed and value == about))

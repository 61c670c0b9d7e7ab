"""Which callers of a function see to it that a harm in it does not happen, and which do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kicklint.rulebook import CallerPays, EventKind
from kicklint.typestate.machine import INTERRUPTS_CHANGE, Machine
from kicklint.typestate.program import Program
from kicklint.typestate.simulate import Simulator
from kicklint.typestate.summary import Context, Harm, HarmKey, Summary
from kicklint.typestate.trail import depth_of_state

_INTERRUPTS = {EventKind.INTERRUPTS_OFF, EventKind.INTERRUPTS_ON, INTERRUPTS_CHANGE}
_MAX_PAYING_DEPTH = 4
# How many callers may have forgotten something for each that has not.
_FORGETFUL = 2


@dataclass(frozen=True, slots=True)
class Debt:
    """A harm that a caller brings: ``context`` of the caller, and ``key`` of the harm in its summary."""

    simulator: Simulator
    context: Context
    key: HarmKey


@dataclass(frozen=True, slots=True)
class _Way:
    """A call by which ``caller`` brings a harm about that nobody above it prevents."""

    simulator: Simulator
    caller: Context
    callee: Context


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether ``paid`` by all callers; else the ways of the few that do not, or none: its own fault."""

    paid: bool
    ways: tuple[_Way, ...] = ()


_PAID = Judgement(True)
_OWN_FAULT = Judgement(False)


class Payment:
    """Asks the callers of harmful functions, for one automaton.

    ``climb`` gives the callers of a context, ``simulators`` the kernels that a function can be in.
    """

    def __init__(
        self,
        program: Program,
        machine: Machine,
        climb: Callable[[Context], list[Context]],
        simulators: Callable[[str], list[Simulator]],
    ) -> None:
        self.program = program
        self.machine = machine
        self.climb = climb
        self.simulators = simulators
        aside = machine.automaton.aside
        self._judged: dict[tuple[Context, HarmKey, int], Judgement] = {}
        self.answering = frozenset(program.implementing(EventKind(aside)) if aside else ())

    def judge(self, context: Context, key: HarmKey, depth: int = 0) -> Judgement:
        """Who answers for the harm ``key``, which ``context`` has when nothing was done before it.

        It does not stand when every caller prevents it. When enough of them do for it to be
        what the function expects, the others have forgotten something, and the harm is
        theirs; else it is the function's own.
        """
        asked = context, key, depth
        if asked not in self._judged:
            self._judged[asked] = self._judge(context, key, depth)
        return self._judged[asked]

    def _judge(self, context: Context, key: HarmKey, depth: int) -> Judgement:
        pays = self.machine.automaton.caller_pays
        if pays is CallerPays.NO or depth >= _MAX_PAYING_DEPTH:
            return _OWN_FAULT
        if pays is CallerPays.DIRECT and self.program.address_taken(context.function):
            return _OWN_FAULT
        if self.program.unprompted(context.function):
            return _OWN_FAULT
        limit = self.machine.automaton.callees
        if limit is not None and self.program.length(context.function) > limit:
            return _OWN_FAULT  # it is not gone into, so its callers cannot be asked
        # The function saves and restores what its callers may have set: it is to be right for all of them.
        restored = "restored" in self.machine.automaton.transition[key.transition].where
        callers = self.climb(context)
        if not callers:
            # Of code that nobody is known to call, and that leaves interrupts alone, nothing is known.
            touched = restored or self.program.may(context.function) & _INTERRUPTS
            unknown = self.machine.automaton.interrupts and not touched
            return _PAID if unknown or self.program.deferred(context.function) else _OWN_FAULT
        # What is such an event itself, by its name, is looked at from its own callers.
        event = EventKind(self.machine.automaton.transition[key.transition].on)
        passed = self.answering.union(self.program.implementing(event))
        careful: set[str] = set()
        careless: set[str] = set()
        ways: list[_Way] = []
        for caller in callers:
            if caller.function in passed:
                careful.add(caller.function)
                continue
            for simulator in self.simulators(caller.function):
                prevented, found = self._ask(simulator, caller, context, key, depth)
                careful |= {caller.function} if prevented else set()
                careless |= {each.caller.function for each in found}
                ways += found
        if not ways:
            return _PAID
        named = (
            pays is CallerPays.ANY and not restored and len(careless) <= _FORGETFUL * len(careful - careless)
        )
        return Judgement(False, tuple(ways)) if named else _OWN_FAULT

    def _ask(
        self, simulator: Simulator, caller: Context, context: Context, key: HarmKey, depth: int
    ) -> tuple[bool, list[_Way]]:
        """Whether ``caller`` prevents the harm on some way, and the ways on which nobody does."""
        ways: list[_Way] = []
        summary = simulator.whole(caller)
        if self._at(summary, key) is not None:
            return False, []  # a harm that it has of its own
        entered = [each for each in summary.entered if each.function == context.function]
        # A call in a state in which the callee cannot matter is not gone into.
        prevented = not entered and self._there(simulator, context)
        for each in entered:
            if not self._reaches(simulator, each, key, set()) or self._too_deep(simulator, caller, each):
                # What it hands over keeps the callee from it, so that it does not have to do anything.
                prevented = prevented or each.entry != self.machine.initial
                continue
            above = self.judge(caller, key, depth + 1) if each.entry == self.machine.initial else _OWN_FAULT
            prevented = prevented or above.paid or bool(above.ways)
            if above.ways:
                ways += above.ways
            elif not above.paid:
                ways.append(_Way(simulator, caller, each))
        return prevented, ways

    def _too_deep(self, simulator: Simulator, caller: Context, callee: Context) -> bool:
        """Whether ``caller`` gets into the state in which it calls only where nobody believes it."""
        limit = self.machine.automaton.within
        if limit is None:
            return False
        return depth_of_state(simulator, caller, simulator.whole(caller).entered[callee]) > limit

    def _there(self, simulator: Simulator, context: Context) -> bool:
        """Whether the function of ``context`` is in the kernel of ``simulator``."""
        return self.program.path(context.function) not in simulator.excluded | simulator.foreign

    def _reaches(self, simulator: Simulator, context: Context, key: HarmKey, seen: set[Context]) -> bool:
        """Whether a harm at the place of ``key`` lies in ``context`` or in what it calls."""
        seen.add(context)
        summary = simulator.summaries.get(context)
        if summary is None:
            return False
        return self._at(summary, key) is not None or any(
            each not in seen and self._reaches(simulator, each, key, seen) for each in summary.entered
        )

    def debts(self, judgement: Judgement, key: HarmKey) -> list[Debt]:
        """The harm put down in the summaries of the callers that bring it, one for each of them."""
        found: dict[tuple[str, HarmKey], Debt] = {}
        for way in judgement.ways:
            lifted = self._lift(way.simulator, way.caller, key, (way.callee,), set())
            if lifted is not None:
                found.setdefault((way.caller.function, lifted), Debt(way.simulator, way.caller, lifted))
        return list(found.values())

    def _lift(
        self,
        simulator: Simulator,
        context: Context,
        key: HarmKey,
        callees: Iterable[Context],
        seen: set[Context],
    ) -> HarmKey | None:
        """Put the harm at the place of ``key`` down in ``context``: it lies in one of its ``callees``."""
        summary = simulator.summaries[context]
        known = self._at(summary, key)
        if known is not None:
            return known
        seen.add(context)
        for each in callees:
            if each in seen or not self._reaches(simulator, each, key, set(seen)):
                continue
            below = simulator.summaries[each]
            inner = self._lift(simulator, each, key, below.entered, seen)
            if inner is not None:
                event = simulator.summaries[each].harms[inner].event
                simulator.add_harm(context, inner, Harm(summary.entered[each], event, (each, inner)))
                return inner
        return None

    def _at(self, summary: Summary, key: HarmKey) -> HarmKey | None:
        """The harm of ``summary`` at the place of ``key``; what shows the opposite is none."""
        if key in summary.harms:
            return key
        steps = self.machine.automaton.transition
        here = (each for each in summary.harms if each.span == key.span)
        return next((each for each in here if steps[each.transition].message), None)

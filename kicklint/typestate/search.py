"""Where to begin, and which harms stand: from an automaton to its violations."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from kicklint.events import RUNNING, Event, Identity, Role
from kicklint.flow import show
from kicklint.rulebook import Automaton, EventKind
from kicklint.typestate.machine import Machine, ProtocolState
from kicklint.typestate.program import Program
from kicklint.typestate.simulate import Simulator
from kicklint.typestate.summary import Context, HarmKey
from kicklint.typestate.trail import RawStep, trail

_MAX_CLIMB = 400
_MAX_PAYING_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Violation:
    """A harm that stands: ``transition`` of the automaton taken at the end of ``steps``."""

    transition: int
    context: Context
    key: HarmKey
    simulator: Simulator
    steps: tuple[RawStep, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything one automaton says about one program.

    ``witnesses`` are like violations, for the transitions that show how it should be.
    ``problems`` are (function, reason) for what was run and not wholly understood.
    """

    violations: tuple[Violation, ...]
    witnesses: tuple[Violation, ...]
    problems: tuple[tuple[str, str], ...]
    simulators: tuple[Simulator, ...]


def search(program: Program, automaton: Automaton) -> Outcome:
    """Run ``automaton`` from every function that begins an instance of it."""
    return _Search(program, automaton).run()


class _Search:
    def __init__(self, program: Program, automaton: Automaton) -> None:
        self.program = program
        self.machine = Machine.of(automaton)
        self.simulators: dict[tuple[frozenset[str], frozenset[str]], Simulator] = {}
        kind, _, self.value = automaton.begin.partition(":")
        self.kind = EventKind(kind)
        self.done: set[Context] = set()
        self.accessors: set[str] = set()

    def run(self) -> Outcome:
        pending: deque[Context] = deque(self._starts())
        while pending and len(self.done) < _MAX_CLIMB:
            context = pending.popleft()
            if context in self.done:
                continue
            self.done.add(context)
            exits: set[ProtocolState] = set()
            for simulator in self._simulators(context.function):
                exits |= {each.plain for each in simulator.run(context).exits}
            # An instance that is still alive at return goes on in the callers.
            automaton = self.machine.automaton
            alive = automaton.thread == "own" and any(
                state != self.machine.initial and state.state not in automaton.ended for state in exits
            )
            if alive or self._leaves_value(context):
                pending.extend(self._climb(context))
        cut = {(context.function, f"more than {_MAX_CLIMB} ways to it to follow") for context in pending}
        found = self._reported()
        harms = self.machine.automaton.transition
        violations = tuple(each for each in found if harms[each.transition].message)
        witnesses = tuple(each for each in found if harms[each.transition].witness)
        problems = sorted(
            cut
            | {
                (context.function, problem)
                for simulator in self.simulators.values()
                for context, summary in simulator.summaries.items()
                for problem in summary.problems
            }
        )
        return Outcome(violations, witnesses, tuple(problems), tuple(self.simulators.values()))

    def _simulators(self, function: str) -> list[Simulator]:
        """The simulators for the kernels that ``function`` can be in, one for each back end."""
        excluded = self.program.incompatible(function)
        found = []
        for foreign in self.program.back_ends(function):
            key = (excluded, foreign)
            if key not in self.simulators:
                self.simulators[key] = Simulator(self.program, self.machine, excluded, foreign)
            found.append(self.simulators[key])
        return found

    def _starts(self) -> list[Context]:
        found: dict[Context, None] = {}
        for function in self.program.holders(self.kind, self.value):
            for event in self._beginnings(function):
                identity = self._identity(function, event)
                found[self._context(function, {(identity.root, Role.VCPU)})] = None
        if self.machine.automaton.thread == "own":
            for function in self.program.resuming():
                for name in self.program.parameters(function):
                    found[self._context(function, {(name, Role.VCPU)})] = None
        return list(found)

    def _context(self, function: str, pairs: set[tuple[str, Role]]) -> Context:
        if self.machine.automaton.thread == "own":
            pairs = pairs | {(RUNNING, Role.VCPU)}
        return Context(function, frozenset(pairs), self.machine.initial)

    def _identity(self, function: str, event: Event) -> Identity:
        aliases = self.program.graph(function).aliases
        found = aliases.identity(event.subject)
        if found is None or found.role is Role.VM:
            return Identity("=" + (show(event.subject) if event.subject is not None else ""), Role.VCPU)
        return found

    def _beginnings(self, function: str) -> list[Event]:
        """The events in ``function`` itself that begin an instance, or may."""
        found = []
        for event in self.program.graph(function).events.values():
            if event.kind is not self.kind:
                continue
            if not self.value or self._written(function, event) in (self.value, ""):
                found.append(event)
        return found

    def _written(self, function: str, event: Event) -> str:
        text = show(event.value) if event.value is not None else ""
        return (
            self.program.mode_name(self.program.constant(text, self.program.path(function))) if text else ""
        )

    def _leaves_value(self, context: Context) -> bool:
        """Whether the mode that is written, here or by a callee, comes from the caller."""
        function = context.function
        graph = self.program.graph(function)
        parameters = set(self.program.parameters(function))
        leaves = any(
            event.kind is self.kind and event.value is not None and not self._written(function, event)
            for event in graph.events.values()
        ) or any(
            target.function in self.accessors and any(show(each) in parameters for each in target.args)
            for site in graph.calls.values()
            for target in site.targets
        )
        if leaves:
            self.accessors.add(function)
        return leaves

    def _climb(self, context: Context) -> list[Context]:
        """The callers of a context, each run for the vcpu that it passes on."""
        parameters = self.program.parameters(context.function)
        bound = {name for name, role in context.binding if role is Role.VCPU}
        found: dict[Context, None] = {}
        for caller in self.program.callers(context.function):
            events = self.program.graph(caller)
            for site in events.calls.values():
                for target in site.targets:
                    if target.function != context.function:
                        continue
                    for name, argument in zip(parameters, target.args, strict=False):
                        identity = events.aliases.identity(argument) if name in bound else None
                        if identity is not None and identity.role is Role.VCPU and identity.root != RUNNING:
                            found[self._context(caller, {(identity.root, Role.VCPU)})] = None
        return list(found)

    def _reported(self) -> list[Violation]:
        found = []
        for simulator in list(self.simulators.values()):
            for context, summary in list(simulator.summaries.items()):
                if context.entry != self.machine.initial or context.constants:
                    continue  # what a caller brings is the caller's
                for key in summary.harms:
                    if self.machine.automaton.caller_pays and self._paid(context, 0):
                        continue
                    steps = trail(simulator, context, key)
                    found.append(Violation(key.transition, context, key, simulator, steps))
        found.sort(key=lambda each: (each.key.span, each.context.function, each.transition))
        return found

    def _paid(self, context: Context, depth: int) -> bool:
        """Whether every caller is known, and none reaches the harm of ``context``."""
        if depth >= _MAX_PAYING_DEPTH or self.program.address_taken(context.function):
            return False
        callers = self._climb(context)
        if not callers:
            return False
        return all(
            self._pays(simulator, caller, context, depth)
            for caller in callers
            for simulator in self._simulators(caller.function)
        )

    def _pays(self, simulator: Simulator, caller: Context, context: Context, depth: int) -> bool:
        """Whether ``caller`` never reaches the harm of ``context``, or all of its own callers see to it."""
        for each in simulator.run(caller).entered:
            if each.function != context.function or not self._reaches(simulator, each, set()):
                continue
            if each.entry != self.machine.initial or not self._paid(caller, depth + 1):
                return False
        return True

    def _reaches(self, simulator: Simulator, context: Context, seen: set[Context]) -> bool:
        """Whether a harm lies in ``context`` or in what it enters without having done anything about it."""
        seen.add(context)
        summary = simulator.summaries.get(context)
        if summary is None or summary.harms:
            return summary is not None
        return any(
            each.entry == self.machine.initial and each not in seen and self._reaches(simulator, each, seen)
            for each in summary.entered
        )

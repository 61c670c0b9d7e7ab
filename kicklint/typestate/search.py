"""Where to begin, and which harms stand: from an automaton to its violations."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from kicklint.events import RUNNING, Event, Identity, Reach, Role
from kicklint.flow import Expr, Name, reach, show
from kicklint.rulebook import Automaton, EventKind, Thread
from kicklint.typestate.machine import Machine, ProtocolState
from kicklint.typestate.payment import Debt, Judgement, Payment
from kicklint.typestate.program import Program
from kicklint.typestate.sharing import Shared
from kicklint.typestate.simulate import TOO_MUCH, Simulator, value_runner
from kicklint.typestate.summary import Context, Harm, HarmKey
from kicklint.typestate.trail import RawStep, too_deep, trail

# Kinds of event whose functions may be wrappers of each other.
_WHOLE = (EventKind.KICK, EventKind.GUEST_ENTRY)
# No caller prevents these: an instance that is never ended, and a sleep in one that the function began.
_OWN = (EventKind.LEAVE, EventKind.SLEEP)
_MAX_CLIMB = 400
# How far up it is looked for a caller that ends an instance.
_MAX_PAIRED = 3


@dataclass(frozen=True, slots=True)
class Violation:
    """A harm that stands: ``transition`` of the automaton taken at the end of ``steps``.

    One that is ``brought`` lies in a callee, and other callers of the callee prevent it.
    """

    transition: int
    context: Context
    key: HarmKey
    simulator: Simulator
    steps: tuple[RawStep, ...]
    brought: bool = False


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


def search(
    program: Program,
    automaton: Automaton,
    learnt: tuple[str, frozenset[str]] | None = None,
    only: Callable[[str], bool] = lambda _function: True,
) -> Outcome:
    """Run ``automaton`` from every function that begins an instance of it, or from those that ``only`` takes.

    ``learnt`` is an attribute of events, with the values of it that an earlier automaton
    of the same rule has learnt.
    """
    if automaton.decides and automaton.decides != program.decides():
        return Outcome((), (), (), ())
    return _Search(program, automaton, learnt, only).run()


class _Search:
    def __init__(
        self,
        program: Program,
        automaton: Automaton,
        learnt: tuple[str, frozenset[str]] | None,
        only: Callable[[str], bool],
    ) -> None:
        self.program = program
        self.only = only
        self.learnt = learnt
        self.own = automaton.thread is Thread.OWN
        self.machine = Machine.of(automaton)
        self.simulators: dict[tuple[frozenset[str], frozenset[str]], Simulator] = {}
        self.shared = Shared()
        kind, _, self.value = automaton.begin.partition(":")
        self.kind = EventKind(kind)
        self.done: set[Context] = set()
        self.accessors: set[str] = set()
        self.levels: dict[Context, int] = {}

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
            alive = automaton.thread is not Thread.OTHER and any(
                state.state != automaton.initial and state.state not in automaton.ended for state in exits
            )
            level = self.levels.get(context, 0)
            follow = alive and (self.own or level < automaton.climb)
            # What only begins instances leaves it to its callers to end them.
            if follow and automaton.paired and (level > 0 or self._ends_in(context.function)):
                follow = self._ended_above(context, _MAX_PAIRED)
            above = self._climb(context, follow) if follow or self._leaves_value(context) else []
            if not above or not follow:
                self._leave(context)
            for each in above:
                self.levels.setdefault(each, level + 1)
            pending.extend(above)
        cut = {(context.function, f"more than {_MAX_CLIMB} ways to it to follow") for context in pending}
        # Before the callers are asked who pays: where that cannot be followed, the function answers itself.
        problems = self._problems()
        found = self._reported()
        harms = self.machine.automaton.transition
        violations = tuple(each for each in found if harms[each.transition].message)
        witnesses = tuple(each for each in found if harms[each.transition].witness)
        return Outcome(violations, witnesses, tuple(sorted(cut | problems)), tuple(self.simulators.values()))

    def _problems(self) -> set[tuple[str, str]]:
        """The functions that could not be followed as far as they are there, and why.

        Where there was too much to run, it is the function that was begun with, and not all those left out.
        """
        problems: set[tuple[str, str]] = set()
        for simulator in self.simulators.values():
            problems |= {(each, TOO_MUCH) for each in simulator.cut}
            for context, summary in simulator.summaries.items():
                problems |= {(context.function, each) for each in summary.problems if each != TOO_MUCH}
        return problems

    def _ended_above(self, context: Context, levels: int) -> bool:
        """Whether some caller, up to ``levels`` above, may end the instance that ``context`` returns with."""
        callers = self._climb(context)
        return any(self._ends_behind(each.function, context.function) for each in callers) or (
            levels > 1 and any(self._ended_above(each, levels - 1) for each in callers)
        )

    def _ends_behind(self, caller: str, callee: str) -> bool:
        """Whether ``caller``, behind a call of ``callee``, does or calls what only ends instances."""
        graph = self.program.graph(caller)
        nodes = graph.graph.nodes
        calls = [
            node
            for node, site in graph.calls.items()
            if any(each.function == callee for each in site.targets)
        ]
        behind = set().union(*(reach(nodes, after) for node in calls for after in nodes[node].successors))
        return self._ends_in(caller, behind)

    def _ends_in(self, function: str, among: set[int] | None = None) -> bool:
        """Whether a node of ``function`` (of ``among``, if given) does or calls what only ends instances."""
        graph = self.program.graph(function)
        begin, ends = self.machine.automaton.begin, self.machine.ends
        for node in among if among is not None else range(len(graph.graph.nodes)):
            event = graph.events.get(node)
            if event is not None and event.kind is self.kind and self._written(function, event) != self.value:
                return True
            site = graph.calls.get(node)
            for target in site.targets if site is not None else ():
                may = self.program.may(target.function)
                if ends & may and begin not in may:
                    return True
        return False

    def _leave(self, context: Context) -> None:
        """Let an instance come to the end of everything that is known of its way."""
        if EventKind.LEAVE not in self.machine.handles or self.program.resume(context.function) is not None:
            return
        events = self.program.graph(context.function)
        for simulator in self._simulators(context.function):
            summary = simulator.run(context)
            for state in list(summary.exits):
                _, index = self.machine.step(state.plain, EventKind.LEAVE, {}, frozenset())
                point = (events.graph.exit, state)
                if index is None or not self.machine.automaton.transition[index].message:
                    continue
                summary = simulator.whole(context)
                link = summary.links.get(point)
                node = link.previous[0] if link is not None and link.previous is not None else 0
                span = events.graph.nodes[node].span
                text = f"{events.graph.function}() is left"
                event = Event(EventKind.LEAVE, Reach.ANY, None, span, text)
                simulator.add_harm(context, HarmKey(index, span), Harm(point, event))

    def _simulators(self, function: str) -> list[Simulator]:
        """The simulators for the kernels that ``function`` can be in, one for each back end."""
        found = []
        kernels = product(self.program.kernels(function), self.program.back_ends(function))
        for excluded, foreign in kernels:
            key = (excluded, foreign)
            if key not in self.simulators:
                self.simulators[key] = Simulator(
                    self.program,
                    self.machine,
                    excluded,
                    foreign,
                    self.learnt,
                    value_runner(self.program, excluded, foreign),
                    self.shared,
                )
            found.append(self.simulators[key])
        return found

    def _starts(self) -> list[Context]:
        found: dict[Context, None] = {}
        automaton = self.machine.automaton
        if automaton.thread is Thread.OTHER:
            for function in filter(self.only, self.program.seekers(self.kind)):
                if self.program.implements(function) is not automaton.implements:
                    continue
                for root in self.program.others(function):
                    found[self._context(function, {(root, Role.VCPU)})] = None
            return list(found)
        if automaton.thread is Thread.AWAY:
            for function in filter(self.only, self.program.away(self.kind)):
                for name in self.program.parameters(function):
                    found[self._context(function, {(name, Role.VCPU)})] = None
            return list(found)
        if automaton.implements:
            for function in filter(self.only, self.program.implementing(self.kind)):
                for name in self.program.vcpu_parameters(function):
                    found[self._context(function, {(name, Role.VCPU)})] = None
            return list(found)
        harmful = {step.on for step in automaton.transition if step.message or step.witness}
        harmful -= {EventKind.RETURN, EventKind.LEAVE}
        passed = set(self.program.implementing(self.kind)) if self.kind in _WHOLE else set()
        if automaton.aside:
            passed |= set(self.program.implementing(EventKind(automaton.aside)))
        for function in filter(self.only, self.program.holders(self.kind, self.value)):
            if not self.own and harmful and not self._may_harm(function, harmful):
                continue
            if function in passed:  # what is such an event by its name is looked at from its callers
                continue
            for event in self._beginnings(function):
                roots = {self._identity(function, event).root}
                if RUNNING in roots and EventKind.SELF_TEST in self.machine.handles:
                    continue  # known to be the running one
                if event.reach is Reach.ANY:
                    roots = self._own_roots(function, roots)
                found[self._context(function, {(root, Role.VCPU) for root in roots})] = None
        if self.own:
            for function in filter(self.only, self.program.resuming()):
                names = self.program.vcpu_parameters(function) or self.program.parameters(function)
                found[self._context(function, {(name, Role.VCPU) for name in names})] = None
        return list(found)

    def _may_harm(self, function: str, harmful: set[EventKind]) -> bool:
        """Whether ``function``, or a caller that an instance may climb to, may hold one of ``harmful``."""
        level, seen = {function}, {function}
        for _ in range(self.machine.automaton.climb + 1):
            if any(harmful & self.program.may(each) for each in level):
                return True
            level = {caller for each in level for caller in self.program.callers(each)} - seen
            seen |= level
        return False

    def _context(self, function: str, pairs: set[tuple[str, Role]]) -> Context:
        if self.own:
            pairs = pairs | {(RUNNING, Role.VCPU)}
        return Context(function, frozenset(pairs), self.machine.initial)

    def _identity(self, function: str, event: Event) -> Identity:
        aliases = self.program.graph(function).aliases
        found = aliases.identity(event.subject)
        if found is None or found.role is Role.VM:
            return Identity("=" + (show(event.subject) if event.subject is not None else ""), Role.VCPU)
        return found

    def _own_roots(self, function: str, roots: set[str]) -> set[str]:
        """The variables of ``function`` that stand for the thread's own vcpu, ``roots`` if nothing says so.

        What is not declared as anything of a vcpu is none where another one is.
        """
        named = set(self.program.vcpu_parameters(function))
        events = self.program.graph(function)
        word = events.aliases.shape.type.rpartition("_")[2]
        types = {each.name: each.type for each in (*events.graph.locals, *events.graph.parameters)}
        return named | {each for each in roots if not named or word in types.get(each, word)}

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

    def _hands_another_mode(self, caller: str, args: tuple[Expr, ...]) -> bool:
        """Whether a mode is among ``args``, and not the one that begins an instance."""
        path = self.program.path(caller)
        constants = {self.program.constant(each.id, path) for each in args if isinstance(each, Name)}
        modes = {name for each in constants if (name := self.program.mode_name(each))}
        return bool(self.value and modes) and self.value not in modes

    def _climb(self, context: Context, alive: bool = True) -> list[Context]:
        """The callers of a context, each run for the vcpu that it passes on.

        Where no instance is ``alive``, one can only begin by the mode that a caller hands on.
        """
        parameters = self.program.parameters(context.function)
        bound = {name for name, role in context.binding if role is Role.VCPU}
        found: dict[Context, None] = {}
        path = self.program.path(context.function)
        for caller in self.program.callers(context.function):
            if path in self.program.incompatible(caller):
                continue  # the two are never in one kernel
            events = self.program.graph(caller)
            for site in events.calls.values():
                for target in site.targets:
                    if target.function != context.function:
                        continue
                    if not alive and self._hands_another_mode(caller, target.args):
                        continue
                    for name, argument in zip(parameters, target.args, strict=False):
                        identity = events.aliases.identity(argument) if name in bound else None
                        if identity is not None and identity.role is Role.VCPU and identity.root != RUNNING:
                            found[self._context(caller, {(identity.root, Role.VCPU)})] = None
        return list(found)

    def _reported(self) -> list[Violation]:
        found = []
        payment = Payment(self.program, self.machine, self._climb, self._simulators)
        brought: dict[Debt, None] = {}
        judged: list[tuple[Judgement, HarmKey]] = []
        for simulator in list(self.simulators.values()):
            simulator.mend()
            for context, summary in list(simulator.summaries.items()):
                if context.entry != self.machine.initial or context.constants:
                    continue  # what a caller brings is the caller's
                if simulator.foreign_thread and context not in self.done:
                    continue  # what is wrong in another thread only
                for key in list(summary.harms):
                    if not simulator.leads_to_harm(context, key):
                        continue
                    transition = self.machine.automaton.transition[key.transition]
                    if transition.message and transition.on not in _OWN:
                        judgement = payment.judge(context, key)
                        if judgement.paid or judgement.ways:
                            judged.append((judgement, key))
                            continue
                    steps = trail(simulator, context, key)
                    if too_deep(steps, self.machine.automaton.within):
                        continue
                    found.append(Violation(key.transition, context, key, simulator, steps))
        for judgement, key in judged:
            brought.update(dict.fromkeys(payment.debts(judgement, key)))
        for debt in brought:
            steps = trail(debt.simulator, debt.context, debt.key)
            found.append(
                Violation(debt.key.transition, debt.context, debt.key, debt.simulator, steps, brought=True)
            )
        found.sort(key=lambda each: (each.key.span, each.context.function, each.transition))
        return found

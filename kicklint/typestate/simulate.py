"""Property simulation of one function (ESP: Das, Lerner, Seigle, PLDI 2002).

Paths are told apart only while their protocol states differ: at every node there
is one valuation of locals for each protocol state. Calls are taken through
summaries, from (callee, binding, entry state) to the states and values at return.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from kicklint.events import RUNNING, CallSite, Event, EventGraph, Identity, Reach, Role
from kicklint.flow import (
    Branch,
    Call,
    Expr,
    Load,
    Member,
    Name,
    Node,
    Return,
    Store,
    TableCall,
    Temp,
    Unary,
    show,
)
from kicklint.rulebook import EventKind
from kicklint.typestate.evaluate import Evaluator, Valuation
from kicklint.typestate.machine import Machine, ProtocolState
from kicklint.typestate.program import Program
from kicklint.typestate.summary import Binding, Context, Harm, HarmKey, Link, Point, Summary
from kicklint.typestate.values import NOT_ZERO, ONE, ZERO, FunctionPointer, Symbol, Value, arithmetic, join, number

_RETURN = "@return"
_WIDEN_AFTER = 12
_MAX_VISITS = 400_000
_MAX_DEPTH = 120
_SMALL_FUNCTION = 60
_MAX_VALUE_DEPTH = 3


class Simulator:
    """Runs contexts of one automaton over one program, remembering summaries.

    Functions of the files in ``excluded`` are not there.
    """

    def __init__(self, program: Program, machine: Machine, excluded: frozenset[str]) -> None:
        self.program = program
        self.excluded = excluded
        self.machine = machine
        self.summaries: dict[Context, Summary] = {}
        self.running: list[Context] = []
        self.dependent: dict[Context, set[Context]] = {}
        self.value_depth = 0
        self.own_thread = machine.automaton.thread == "own"

    def run(self, context: Context) -> Summary:
        """The summary of ``context``; recursion is taken to its least fixed point."""
        known = self.summaries.get(context)
        if known is not None:
            return known
        summary = Summary(context, partial=True)
        self.summaries[context] = summary
        if len(self.running) >= _MAX_DEPTH:
            summary.problems = (f"more than {_MAX_DEPTH} calls deep",)
            summary.exits = {context.entry: None}
            return summary
        self.running.append(context)
        try:
            before = -1
            while before != _size(summary):
                before = _size(summary)
                for stale in self.dependent.pop(context, ()):
                    self.summaries.pop(stale, None)
                _FunctionRun(self, context, summary).run()
                if context not in self.dependent:
                    break
        finally:
            self.running.pop()
        summary.partial = False
        return summary


    def depend(self, unfinished: Context) -> None:
        """Note that all contexts being run above ``unfinished`` used what it has so far."""
        if unfinished in self.running:
            above = self.running[self.running.index(unfinished) + 1 :]
            self.dependent.setdefault(unfinished, set()).update(above)


def _size(summary: Summary) -> int:
    return len(summary.exits) + len(summary.harms)


class _FunctionRun:
    """One pass over one function in one context."""

    def __init__(self, simulator: Simulator, context: Context, summary: Summary) -> None:
        self.simulator = simulator
        self.program = simulator.program
        self.machine = simulator.machine
        self.context = context
        self.summary = summary
        self.events: EventGraph = self.program.graph(context.function)
        graph = self.events.graph
        variables = frozenset(each.name for each in (*graph.parameters, *graph.locals))
        self.nodes = graph.nodes
        self.evaluate = Evaluator(self.program, variables, graph.path)
        self.roles = dict(context.binding)
        self.resume = self.program.resume(context.function)
        self.valuations: dict[Point, Valuation] = {}
        self.visits: dict[Point, int] = {}
        self.pending: deque[Point] = deque()

    def run(self) -> None:
        """Fill in the summary."""
        graph = self.events.graph
        self._arrive((0, self.context.entry), dict(self.context.constants), Link(None))
        budget = _MAX_VISITS
        while self.pending:
            point = self.pending.popleft()
            budget -= 1
            if budget == 0:
                self._problem("too many states to follow")
                break
            self._visit(point, self.nodes[point[0]], self.valuations[point])
        for (index, state), known in self.valuations.items():
            if index == graph.exit:
                self.summary.exits[state] = known.get(_RETURN)
        if graph.problems:
            self._problem(*graph.problems)

    def _problem(self, *problems: str) -> None:
        self.summary.problems = tuple(dict.fromkeys((*self.summary.problems, *problems)))

    def _arrive(self, point: Point, known: Valuation, link: Link) -> None:
        before = self.valuations.get(point)
        if before is None:
            self.valuations[point] = known
            self.summary.links.setdefault(point, link)
            self.pending.append(point)
            return
        count = self.visits[point] = self.visits.get(point, 0) + 1
        merged: dict[str | int, Value] = {}
        changed = len(before) != 0 and before.keys() - known.keys() != set()
        for key, value in before.items():
            other = known.get(key)
            if other is None:
                continue
            joined = join(value, other)
            if joined != value:
                changed = True
                if count > _WIDEN_AFTER:
                    joined = None
            if joined is not None:
                merged[key] = joined
        if changed:
            self.valuations[point] = merged
            if point not in self.pending:
                self.pending.append(point)

    def _onward(self, point: Point, node: Node, state: ProtocolState, known: Valuation, link: Link | None = None) -> None:
        for successor in node.successors:
            self._arrive((successor, state), known, link or Link(point))

    def _visit(self, point: Point, node: Node, known: Valuation) -> None:
        instruction = node.instruction
        state = point[1]
        if isinstance(instruction, Branch):
            self._branch(point, node, instruction, known)
        elif isinstance(instruction, Store):
            known = self._stored(instruction, known)
            self._through_event(point, node, known, None)
        elif isinstance(instruction, Load):
            self._through_event(point, node, known, instruction.dst)
        elif isinstance(instruction, Call | TableCall):
            self._call(point, node, instruction, known)
        elif isinstance(instruction, Return):
            self._return(point, node, instruction, known)
        else:
            self._onward(point, node, state, known)

    def _branch(self, point: Point, node: Node, branch: Branch, known: Valuation) -> None:
        if not node.successors:
            return
        outcome = self.evaluate.outcome(branch.condition, known)
        for successor, way in zip(node.successors, (True, False), strict=True):
            if outcome is None or outcome is way:
                learnt = self.evaluate.learn(branch.condition, way, known)
                self._arrive((successor, point[1]), learnt, Link(point))

    def _stored(self, store: Store, known: Valuation) -> Valuation:
        key = self.evaluate.key(store.place)
        if key is None:
            return known
        value = self.evaluate.value(store.value, known)
        if store.op:
            value = arithmetic(store.op, known.get(key), value)
        return _with(known, key, value)

    def _return(self, point: Point, node: Node, instruction: Return, known: Valuation) -> None:
        value = self.evaluate.value(instruction.value, known)
        known = {} if value is None else {_RETURN: value}
        state = point[1]
        if self.resume is not None and self.resume.resumes(value):
            state, index = self.machine.step(state, EventKind.GUEST_ENTRY, {}, frozenset())
            self._harm(point, self.resume.event, index)
        self._onward(point, node, state, known)

    # Events

    def role(self, expr: Expr | None) -> Role | None:
        """What ``expr`` is to the tracked vcpu."""
        return role_of(self.events, self.roles, expr)

    def _concerns(self, event: Event) -> bool:
        return concerns(self.events, self.roles, event, self.simulator.own_thread)

    def _attributes(self, event: Event, known: Valuation) -> dict[str, str]:
        attributes = {"how": event.how, "atomic": "yes" if event.atomic else "no"}
        if event.value is not None:
            attributes["value"] = self.program.mode_name(self.evaluate.value(event.value, known))
        if event.expected is not None:
            attributes["expected"] = self.program.mode_name(self.evaluate.value(event.expected, known))
        request = event.request
        if isinstance(request, Name) and request.id in self.evaluate.variables:
            constant = known.get(request.id)
            attributes["request"] = constant.name if isinstance(constant, Symbol) else str(number(constant))
        elif isinstance(request, Name):
            attributes["request"] = self.program.request_name(request.id)
        elif request is None:
            attributes["request"] = "any"
        return attributes

    def _through_event(self, point: Point, node: Node, known: Valuation, dst: int | None) -> None:
        event = self.events.events.get(point[0])
        if event is None:
            self._onward(point, node, point[1], known)
            return
        self._event(point, node, event, known, dst)

    def _event(self, point: Point, node: Node, event: Event, known: Valuation, dst: int | None) -> None:
        if not self._concerns(event):
            self._onward(point, node, point[1], known if dst is None else _with(known, dst, None))
            return
        for outcome, value in self._outcomes(event):
            attributes = self._attributes(event, known)
            if outcome:
                attributes["outcome"] = outcome
            required = self.program.required_requests() if event.kind is EventKind.REQUEST_CONSUME else frozenset()
            state, index = self.machine.step(point[1], event.kind, attributes, required)
            self._harm(point, event, index)
            self._onward(point, node, state, known if dst is None else _with(known, dst, value))

    @staticmethod
    def _outcomes(event: Event) -> Iterator[tuple[str, Value | None]]:
        if not event.forks:
            yield "", None
            return
        # A test through a call gives a bool; a read of the place gives the bits themselves.
        yield "set", ONE if event.boolean else NOT_ZERO
        yield "clear", ZERO

    def _harm(self, point: Point, event: Event, index: int | None) -> None:
        if index is not None and self.machine.automaton.transition[index].message:
            self.summary.harms.setdefault(HarmKey(index, event.span), Harm(point, event))

    # Calls

    def _call(self, point: Point, node: Node, call: Call | TableCall, known: Valuation) -> None:
        known = self._forget_addressed(call, known)
        event = self.events.events.get(point[0])
        if event is not None:
            self._event(point, node, event, known, call.dst)
            return
        site = self.events.calls.get(point[0])
        if site is None:
            self._unknown_call(point, node, call, known)
            return
        took = False
        for each in site.events:
            self._event(point, node, each, known, call.dst)
            took = True
        for function, args in self._targets(site, known):
            if self._enter(point, node, call.dst, function, args, known):
                took = True
        if not took:
            self._onward(point, node, point[1], _with(known, call.dst, None))

    def _unknown_call(self, point: Point, node: Node, call: Call | TableCall, known: Valuation) -> None:
        """A call of something outside of the tree: an accessor gives its place's value."""
        value: Value | None = None
        if isinstance(call, Call) and len(call.args) == 1 and isinstance(call.args[0], Name | Temp):
            if call.name in self.program.readers():
                value = self.evaluate.value(call.args[0], known)
        self._onward(point, node, point[1], _with(known, call.dst, value))

    def _targets(self, site: CallSite, known: Valuation) -> Iterator[tuple[str, tuple[Expr, ...]]]:
        excluded = self.simulator.excluded
        for target in site.targets:
            if not excluded or self.program.path(target.function) not in excluded:
                yield target.function, target.args
        if site.callee is not None:
            value = self.evaluate.value(site.callee, known)
            if isinstance(value, FunctionPointer):
                for function in self.program.function_named(value.name, self.events.graph.path):
                    yield function, site.args

    def _forget_addressed(self, call: Call | TableCall, known: Valuation) -> Valuation:
        """Locals whose address is passed may have any value afterwards."""
        for each in call.args:
            if isinstance(each, Unary) and each.op == "&":
                operand = each.operand
                while isinstance(operand, Member):
                    operand = operand.base
                key = self.evaluate.key(operand)
                if key is not None and key in known:
                    known = _with(known, key, None)
        return known

    def _binding(self, function: str, args: tuple[Expr, ...]) -> Binding:
        parameters = self.program.parameters(function)
        pairs: set[tuple[str, Role]] = set()
        for name, argument in zip(parameters, args, strict=False):
            role = self.role(argument)
            if role is not None and name:
                pairs.add((name, role))
        if RUNNING in self.roles:
            pairs.add((RUNNING, Role.VCPU))
        return frozenset(pairs)

    def _enter(
        self, point: Point, node: Node, dst: int, function: str, args: tuple[Expr, ...], known: Valuation
    ) -> bool:
        """Take the call through the callee's summary; False when it cannot matter."""
        state = point[1]
        constants = self._constants(function, args, known)
        matters = self._may(function, constants) & self.machine.enabled[state.state]
        if not matters:
            self._onward(point, node, state, _with(known, dst, self._plain_result(function, constants, state)))
            return True
        binding = self._binding(function, args)
        named = any(name != RUNNING for name, _ in binding)
        free = EventKind.GUEST_ENTRY in matters or EventKind.FORCED_EXIT in matters
        if not named and not free and not self.program.mentions_running(function):
            self._onward(point, node, state, _with(known, dst, None))
            return True
        context = Context(function, binding, state, constants)
        self.summary.entered.add(context)
        callee = self.simulator.run(context)
        if callee.partial:
            self.simulator.depend(context)
        for exit_state, value in list(callee.exits.items()):
            self._onward(point, node, exit_state, _with(known, dst, value), Link(point, (context, exit_state)))
        if state != self.machine.initial:
            for key, harm in list(callee.harms.items()):
                self.summary.harms.setdefault(key, Harm(point, harm.event, (context, key)))
        return True

    def _may(self, function: str, constants: tuple[tuple[str, Value], ...]) -> set[str]:
        """What ``function`` may do, and the functions that it is handed pointers to."""
        found = self.program.may(function)
        for _, value in constants:
            if isinstance(value, FunctionPointer):
                for other in self.program.function_named(value.name, self.events.graph.path):
                    found = found | self.program.may(other)
        return found

    def _plain_result(
        self, function: str, constants: tuple[tuple[str, Value], ...], state: ProtocolState
    ) -> Value | None:
        """What a function returns that holds no event that counts: run when it is small."""
        simulator = self.simulator
        if state == self.machine.initial or not 0 < self.program.lines(function) <= _SMALL_FUNCTION:
            return None
        if simulator.value_depth >= _MAX_VALUE_DEPTH:
            return None
        simulator.value_depth += 1
        try:
            callee = simulator.run(Context(function, frozenset(), state, constants))
        finally:
            simulator.value_depth -= 1
        return callee.exits.get(state) if not callee.partial and len(callee.exits) == 1 else None

    def _constants(
        self, function: str, args: tuple[Expr, ...], known: Valuation
    ) -> tuple[tuple[str, Value], ...]:
        found: list[tuple[str, Value]] = []
        for name, argument in zip(self.program.parameters(function), args, strict=False):
            value = self.evaluate.value(argument, known)
            if name and (number(value) is not None or isinstance(value, Symbol | FunctionPointer)):
                found.append((name, value))  # type: ignore[arg-type]
        return tuple(found)


def role_of(events: EventGraph, roles: Mapping[str, Role], expr: Expr | None) -> Role | None:
    """What ``expr`` is to the tracked vcpu, where ``roles`` says what variables are to it."""
    if expr is None:
        return None
    identity = events.aliases.identity(expr) or Identity("=" + show(expr), Role.VCPU)
    bound = roles.get(identity.root)
    if bound is Role.VM:
        return Role.VM if identity.role is Role.VCPU else None
    return identity.role if bound is Role.VCPU else None


def concerns(events: EventGraph, roles: Mapping[str, Role], event: Event, own_thread: bool) -> bool:
    """Whether ``event`` is one of the tracked vcpu."""
    if event.reach is Reach.ANY:
        return own_thread
    return role_of(events, roles, event.subject) is (Role.VCPU if event.reach is Reach.VCPU else Role.VM)


def _with(known: Valuation, key: str | int, value: Value | None) -> Valuation:
    if value is not None:
        return {**known, key: value}
    if key in known:
        return {name: each for name, each in known.items() if name != key}
    return known

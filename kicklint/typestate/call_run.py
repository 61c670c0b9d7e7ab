"""Calls: which callees, for which vcpu, with which constants, through summaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kicklint.events import RUNNING, CallSite, Event, Role
from kicklint.flow import (
    Call,
    Expr,
    Name,
    Node,
    TableCall,
    Temp,
    Unary,
)
from kicklint.rulebook import EventKind
from kicklint.typestate.evaluate import Valuation
from kicklint.typestate.forgetting import EXPECTED, with_value, without
from kicklint.typestate.function_run import FunctionRun
from kicklint.typestate.machine import BUSY, IDLE, INTERRUPTS_CHANGE, ProtocolState
from kicklint.typestate.summary import Binding, Context, Harm, HarmKey, Point, Summary
from kicklint.typestate.values import (
    ONE,
    ZERO,
    FunctionPointer,
    Range,
    Value,
    number,
)

# What a function may do to the tracked vcpu without being handed it.
_WHOEVER = {
    EventKind.GUEST_ENTRY,
    EventKind.FORCED_EXIT,
    EventKind.BARRIER,
    EventKind.INTERRUPTS_OFF,
    EventKind.INTERRUPTS_ON,
    EventKind.SLEEP,
    EventKind.HV_ENTRY,
    EventKind.MASK_TEST,
    EventKind.MASK_SEND,
    INTERRUPTS_CHANGE,
}
_SMALL_FUNCTION = 60
_TINY_FUNCTION = 12
_FEW = 3


class CallRun(FunctionRun):
    """A pass over one function that takes its calls."""

    def call(self, point: Point, node: Node, call: Call | TableCall, known: Valuation) -> None:
        """Take a call: its event, its callees, or whatever is not in the tree."""
        event = self.events.events.get(point[0])
        pointed = event.expected if event is not None else None
        expected = self.evaluate.value(pointed.operand, known) if isinstance(pointed, Unary) else None
        known = self._forget_addressed(call, known)
        if event is not None:
            known = with_value(known, EXPECTED, expected)
            handlers = self.program.resuming() if self.machine.automaton.handlers else ()
            if event.kind is EventKind.GUEST_ENTRY and handlers:
                self._handled(point, node, event, handlers, known)
            else:
                self.event(point, node, event, known, call.dst)
            return
        site = self.events.calls.get(point[0])
        if site is None:
            self._unknown_call(point, node, call, known)
            return
        known = without(known, self.evaluate.pointed)
        took = False
        for each in site.events:
            self.event(point, node, each, known, call.dst)
            took = True
        for function, args in self._targets(site, known):
            if self._enter(point, node, call.dst, function, args, known):
                took = True
        if not took:
            self.onward(point, node, point[1], with_value(known, call.dst, None))

    def _handled(
        self, point: Point, node: Node, event: Event, handlers: tuple[str, ...], known: Valuation
    ) -> None:
        """An entry that comes back when the function that assembly calls says so."""
        state, index = self.machine.step(point[1], event.kind, dict(event.attributes), frozenset())
        self._harm(point, event, index)
        for handler in handlers:
            if not self.simulator.in_kernel(self.program.path(handler)):
                continue
            resume = self.program.resume(handler)
            pairs = {(name, Role.VCPU) for name in self.program.vcpu_parameters(handler)}
            context = Context(handler, frozenset({*pairs, (RUNNING, Role.VCPU)}), state.plain)
            self.summary.uses.add(context)
            callee = self.simulator.run(context)
            if callee.partial:
                self.simulator.depend(context)
            for after, value in list(callee.exits.items()):
                back = resume is None or number(value) is None or not resume.resumes(value)
                if back:
                    self.onward(point, node, after.plain, known, (context, after))
            for key in self._lifted(context, callee):
                self.summary.harms.setdefault(key, Harm(point, callee.harms[key].event, (context, key)))

    def _unknown_call(self, point: Point, node: Node, call: Call | TableCall, known: Valuation) -> None:
        """A call of something outside of the tree: an accessor gives its place's value."""
        value = self.answer(node)
        asks = isinstance(call, Call) and call.name in self.program.atomic_tests()
        if asks and point[1].interrupts:
            # Preemption is disabled as well wherever the protocol has interrupts off.
            answer = ZERO if point[1].interrupts == "on" else ONE
            self.onward(point, node, point[1], with_value(known, call.dst, answer))
            return
        reads = isinstance(call, Call) and call.name in self.program.readers() and len(call.args) == 1
        if reads and isinstance(call.args[0], Name | Temp):
            value = self.evaluate.value(call.args[0], known)
        elif isinstance(call, TableCall) or call.name not in self.program.readers():
            known = without(known, self.evaluate.pointed)
        self.onward(point, node, point[1], with_value(known, call.dst, value))

    def _targets(self, site: CallSite, known: Valuation) -> Iterator[tuple[str, tuple[Expr, ...]]]:
        if site.callee is not None:
            value = self.evaluate.value(site.callee, known)
            if isinstance(value, FunctionPointer):
                for function in self.program.function_named(value.name, self.events.graph.path):
                    yield function, site.args
                return
        for target in self.simulator.targets(site):
            yield target.function, target.args

    def _forget_addressed(self, call: Call | TableCall, known: Valuation) -> Valuation:
        """What the call is given a pointer to may have any value afterwards."""
        _, keys, names = self.ready.addressed(call)
        known = without(known, keys)
        for name in names:
            known = without(known, self.evaluate.holding(name))
        return known

    def _binding(self, function: str, args: tuple[Expr, ...]) -> Binding:
        key = function, id(args)
        found = self.about.bound.get(key)
        if found is None:
            pairs: set[tuple[str, Role]] = set()
            for name, argument in zip(self.program.parameters(function), args, strict=False):
                role = self.role(argument)
                if role is not None and name:
                    pairs.add((name, role))
            if RUNNING in self.roles:
                pairs.add((RUNNING, Role.VCPU))
            found = self.about.bound[key] = (args, frozenset(pairs))
        return found[1]

    def _enter(
        self, point: Point, node: Node, dst: int, function: str, args: tuple[Expr, ...], known: Valuation
    ) -> bool:
        """Take the call through the callee's summary; False when it cannot matter."""
        state = point[1]
        constants = self._constants(function, args, known)
        matters = self._may(function, constants) & self.machine.enabled[state.state]
        limit = self.machine.automaton.callees
        if not matters or (limit is not None and self.program.length(function) > limit):
            self.onward(
                point, node, state, with_value(known, dst, self._plain_result(function, constants, state))
            )
            return True
        binding = self._binding(function, args)
        named = any(name != RUNNING for name, _ in binding)
        free = bool(matters & _WHOEVER)
        if not named and not free and not self.program.mentions_running(function):
            self.onward(point, node, state, with_value(known, dst, None))
            return True
        context = Context(function, binding, state, constants)
        self.summary.entered.setdefault(context, point)
        self.summary.uses.add(context)
        callee = self.simulator.run(context)
        if callee.partial:
            self.simulator.depend(context)
        for exit_state, value in list(callee.exits.items()):
            after = self._written(
                function, args, callee.outs.get(exit_state, {}), with_value(known, dst, value)
            )
            self.onward(point, node, exit_state.plain, after, (context, exit_state))
        for key in self._lifted(context, callee):
            self.summary.harms.setdefault(key, Harm(point, callee.harms[key].event, (context, key)))
        return True

    def _written(
        self, function: str, args: tuple[Expr, ...], outs: Mapping[str, Value], known: Valuation
    ) -> Valuation:
        """``known`` with what the callee wrote through pointers to locals."""
        for name, argument in zip(self.program.parameters(function), args, strict=False):
            if name in outs and isinstance(argument, Unary) and argument.op == "&":
                key = self.evaluate.key(argument.operand)
                if key is not None:
                    known = with_value(known, key, outs[name])
        return known

    def _lifted(self, context: Context, callee: Summary) -> list[HarmKey]:
        """The harms of a callee that are its caller's: those that need what the caller brings.

        That is the state, or the constants: a harm that the callee has without them is
        its own, and is reported there.
        """
        alone = Context(context.function, context.binding, self.machine.initial)
        if self.simulator.foreign_thread:
            return list(callee.harms)
        if not callee.harms or context == alone:
            return []
        own = self.simulator.run(alone).harms
        return [key for key in callee.harms if key not in own]

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
        begun = state.state != self.machine.initial.state
        if not 0 < self.program.lines(function) <= (_SMALL_FUNCTION if begun else _TINY_FUNCTION):
            return None
        entry = ProtocolState(BUSY if begun else IDLE, interrupts=state.interrupts)
        return self.simulator.value(Context(function, frozenset(), entry, constants))

    def _constants(
        self, function: str, args: tuple[Expr, ...], known: Valuation
    ) -> tuple[tuple[str, Value], ...]:
        found: list[tuple[str, Value]] = []
        for name, evaluated in self.ready.arguments(function, self.program.parameters(function), args):
            value = evaluated(known)
            if value is not None and _few(value):
                found.append((name, value))
        return tuple(found)


def _few(value: Value) -> bool:
    """Whether ``value`` is one of so few that a callee is worth running for them."""
    if isinstance(value, Range):
        return value.low is not None and value.high is not None and value.high - value.low <= _FEW
    return True

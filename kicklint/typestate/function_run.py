"""One pass over one function: nodes, branches, assignments, events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from kicklint.events import Event, EventGraph, Identity, Reach, Role
from kicklint.flow import (
    Branch,
    Call,
    Expr,
    Index,
    Load,
    Member,
    Name,
    Node,
    Return,
    Store,
    TableCall,
    Unary,
    show,
)
from kicklint.rulebook import EventKind
from kicklint.typestate.evaluate import MEMBER, Evaluator, Valuation
from kicklint.typestate.machine import Machine, ProtocolState
from kicklint.typestate.program import Program
from kicklint.typestate.summary import Context, Harm, HarmKey, Link, Point, Summary
from kicklint.typestate.values import (
    ONE,
    ZERO,
    Range,
    Symbol,
    Value,
    arithmetic,
    contains,
    exactly,
    join,
    number,
    truth,
)

_RETURN = "@return"
# What a read of the requests gives when one is pending: they are unsigned.
_SOME_BITS = Range(1, None)
_MAX_MODES = 4
OUT = f"{MEMBER}*"
"""What keys of places begin with that a parameter points to."""
_WIDEN_AFTER = 12
_MAX_VISITS = 400_000


class Runner(Protocol):
    """What runs contexts and remembers their summaries."""

    program: Program
    machine: Machine
    excluded: frozenset[str]
    foreign: frozenset[str]
    summaries: dict[Context, Summary]
    own_thread: bool
    value_depth: int

    def run(self, context: Context) -> Summary:
        """The summary of ``context``."""

    def depend(self, unfinished: Context) -> None:
        """Note that what is being run used what ``unfinished`` has so far."""


class FunctionRun:
    """One pass over one function in one context."""

    def __init__(self, simulator: Runner, context: Context, summary: Summary) -> None:
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
        self.arrive((0, self.context.entry), dict(self.context.constants), Link(None))
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
                self.summary.outs[state] = {
                    str(key)[len(OUT) :]: value for key, value in known.items() if str(key).startswith(OUT)
                }
        if graph.problems:
            self._problem(*graph.problems)

    def _problem(self, *problems: str) -> None:
        self.summary.problems = tuple(dict.fromkeys((*self.summary.problems, *problems)))

    def arrive(self, point: Point, known: Valuation, link: Link) -> None:
        """Reach ``point`` with ``known``, which is joined with what was known there before."""
        if link.inner is not None:
            known_links = self.summary.alternatives.setdefault(point, [])
            if link not in known_links:
                known_links.append(link)
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

    def onward(
        self, point: Point, node: Node, state: ProtocolState, known: Valuation, link: Link | None = None
    ) -> None:
        """Go from ``point`` to all successors of ``node``, in ``state``."""
        for successor in node.successors:
            self.arrive((successor, state), known, link or Link(point))

    def _visit(self, point: Point, node: Node, known: Valuation) -> None:
        instruction = node.instruction
        state = point[1]
        if isinstance(instruction, Branch):
            self._branch(point, node, instruction, known)
        elif isinstance(instruction, Store):
            known = self._stored(instruction, known)
            if self._replaces_subject(instruction):
                self.onward(point, node, self.machine.initial, known)
            else:
                self._through_event(point, node, known, None)
        elif isinstance(instruction, Load):
            self._through_event(point, node, known, instruction.dst)
        elif isinstance(instruction, Call | TableCall):
            self.call(point, node, instruction, known)
        elif isinstance(instruction, Return):
            self._return(point, node, instruction, known)
        else:
            self.onward(point, node, state, known)

    def _branch(self, point: Point, node: Node, branch: Branch, known: Valuation) -> None:
        if not node.successors:
            return
        outcome = self.evaluate.outcome(branch.condition, known)
        for successor, way in zip(node.successors, (True, False), strict=True):
            if outcome is None or outcome is way:
                learnt = self.evaluate.learn(branch.condition, way, known)
                self.arrive((successor, point[1]), learnt, Link(point))

    def _replaces_subject(self, store: Store) -> bool:
        """Whether the variable that stands for the tracked vcpu is given another one."""
        if not isinstance(store.place, Name) or self.roles.get(store.place.id) is not Role.VCPU:
            return False
        identity = self.events.aliases.identity(store.value)
        return identity is None or identity.root not in self.roles

    def _stored(self, store: Store, known: Valuation) -> Valuation:
        if isinstance(store.place, Member):
            known = without_member(known, store.place.field)
        elif isinstance(store.place, Unary):
            known = without_members(known)
        elif isinstance(store.place, Index):
            known = without_member(known, show(store.place.base))
        elif isinstance(store.place, Name):
            known = without_member(known, store.place.id)
        key = self.evaluate.key(store.place)
        if key is None:
            return known
        value = self.evaluate.value(store.value, known)
        if store.op:
            value = arithmetic(store.op, known.get(key), value)
        return with_value(known, key, value)

    def _return(self, point: Point, node: Node, instruction: Return, known: Valuation) -> None:
        value = self.evaluate.value(instruction.value, known)
        known = {key: each for key, each in known.items() if isinstance(key, str) and key.startswith(OUT)}
        if value is not None:
            known = {**known, _RETURN: value}
        state = point[1]
        if self.resume is not None and self.resume.resumes(value):
            state, index = self.machine.step(state, EventKind.GUEST_ENTRY, {}, frozenset())
            self._harm(point, self.resume.event, index)
        result = {None: "any", True: "some", False: "zero"}[truth(value)]
        self.onward(point, node, replace(state, result=result), known)

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
            attributes["request"] = self.program.request_name(request.id, self.events.graph.path)
        elif request is None:
            attributes["request"] = "any"
        return attributes

    def _through_event(self, point: Point, node: Node, known: Valuation, dst: int | None) -> None:
        event = self.events.events.get(point[0])
        if event is None:
            self.onward(point, node, point[1], known)
            return
        self.event(point, node, event, known, dst)

    def event(self, point: Point, node: Node, event: Event, known: Valuation, dst: int | None) -> None:
        """Let ``event`` happen, with each of its outcomes, and go on."""
        if not self._concerns(event):
            self.onward(point, node, point[1], known if dst is None else with_value(known, dst, None))
            return
        for outcome, value, mode in self._outcomes(event, known):
            attributes = self._attributes(event, known)
            if outcome:
                attributes["outcome"] = outcome
            if mode:
                attributes["value"] = mode
            required = (
                self.program.required_requests() if event.kind is EventKind.REQUEST_CONSUME else frozenset()
            )
            state, index = self.machine.step(point[1], event.kind, attributes, required)
            self._harm(point, event, index)
            self.onward(point, node, state, known if dst is None else with_value(known, dst, value))

    def _outcomes(self, event: Event, known: Valuation) -> Iterator[tuple[str, Value | None, str]]:
        """The ways an event can turn out: its outcome, its result, and the mode that is written."""
        if event.forks:
            # A test through a call gives a bool; a read of the place gives the bits themselves.
            yield "set", ONE if event.boolean else _SOME_BITS, ""
            yield "clear", ZERO, ""
            return
        modes = self._possible_modes(event, known)
        for mode in modes or [""]:
            yield "", None, mode

    def _possible_modes(self, event: Event, known: Valuation) -> list[str]:
        """The modes that a write may write, when its value is one of a few numbers but not one."""
        value = self.evaluate.value(event.value, known) if event.value is not None else None
        if not isinstance(value, Range) or value.low is None or value.high is None:
            return []
        if not 0 < value.high - value.low < _MAX_MODES:
            return []
        numbers = [each for each in range(value.low, value.high + 1) if contains(value, each)]
        names = [self.program.mode_name(exactly(each)) for each in numbers]
        return [name for name in names if name]

    def _harm(self, point: Point, event: Event, index: int | None) -> None:
        if index is None:
            return
        transition = self.machine.automaton.transition[index]
        if transition.message or transition.witness:
            self.summary.harms.setdefault(HarmKey(index, event.span), Harm(point, event))

    def call(self, point: Point, node: Node, call: Call | TableCall, known: Valuation) -> None:
        """Take a call; the room for calls overrides this."""
        raise NotImplementedError


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


def without_members(known: Valuation) -> Valuation:
    """``known`` without what is known of places that are reached through a pointer."""
    if any(_pointed(key) for key in known):
        return {key: value for key, value in known.items() if not _pointed(key)}
    return known


def _pointed(key: str | int) -> bool:
    """Whether other code may change the place; what only a parameter points to it cannot reach."""
    if not isinstance(key, str) or not key.startswith(MEMBER):
        return False
    if key.startswith(OUT) and key[len(OUT) :].isidentifier():
        return False
    return "->" in key or "*" in key


def without_member(known: Valuation, field: str) -> Valuation:
    """``known`` without what is known of members called ``field``, and of what is in them."""
    stale = [key for key in known if isinstance(key, str) and key.startswith(MEMBER) and field in key]
    return {key: value for key, value in known.items() if key not in stale} if stale else known


def with_value(known: Valuation, key: str | int, value: Value | None) -> Valuation:
    """``known`` with ``key`` being ``value`` (None: anything)."""
    if value is not None:
        return {**known, key: value}
    if key in known:
        return {name: each for name, each in known.items() if name != key}
    return known

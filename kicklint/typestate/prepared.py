"""What every pass over one function needs and no context changes: its variables and their liveness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kicklint.events import Event, EventGraph
from kicklint.flow import (
    Binary,
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
)
from kicklint.typestate.evaluate import OUT, Compiled, Evaluator
from kicklint.typestate.program import Program
from kicklint.typestate.summary import Binding

Key = str | int
"""A key of a valuation."""

Arguments = tuple[tuple[str, Compiled], ...]
"""The parameters of a callee, with what gives their values."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is the same in every program that has the function as it is; see ``Prepared``."""

    dying: tuple[frozenset[Key], ...]
    order: tuple[int, ...]


@dataclass(slots=True)
class About:
    """Whose things in a function are, where it is known what its variables are to the tracked vcpu.

    By identity, with what it is so that it lives: whether an event is one of the vcpu, and what a
    callee's parameters are to it, by the arguments and the callee.
    """

    concerned: dict[int, tuple[Event, bool]] = field(default_factory=dict)
    bound: dict[tuple[str, int], tuple[tuple[Expr, ...], Binding]] = field(default_factory=dict)


class Prepared:
    """One function, ready to be run.

    ``dying`` gives, for each node, the keys of a valuation that may be known on the way
    to the node and that nothing from there on reads: what is not kept need not be joined.
    ``order`` is the order in which nodes are best visited, so that ways are joined before they
    are followed.
    """

    __slots__ = ("_about", "_addressed", "_arguments", "dying", "evaluate", "events", "order")

    def __init__(self, program: Program, events: EventGraph) -> None:
        graph = events.graph
        declared = (*graph.parameters, *graph.locals)
        variables = frozenset(each.name for each in declared)
        booleans = frozenset(each.name for each in declared if each.type.split()[-1:] == ["bool"])
        self.events = events
        self.evaluate = Evaluator(program, variables, graph.path, booleans)
        shape = events.notes.get(Shape)
        if not isinstance(shape, Shape):
            shape = events.notes[Shape] = Shape(_dying(events, self.evaluate), _order(graph.nodes))
        self.dying = shape.dying
        self.order = shape.order
        self._about: dict[tuple[Binding, bool], About] = {}
        self._arguments: dict[tuple[str, int], tuple[tuple[Expr, ...], Arguments]] = {}
        self._addressed: dict[int, tuple[Call | TableCall, frozenset[Key], tuple[str, ...]]] = {}

    def about(self, binding: Binding, own_thread: bool) -> About:
        """What runs for the same vcpu have found about whose things are."""
        key = binding, own_thread
        found = self._about.get(key)
        if found is None:
            found = self._about[key] = About()
        return found

    def arguments(self, function: str, parameters: tuple[str, ...], args: tuple[Expr, ...]) -> Arguments:
        """For each of the ``parameters`` of ``function`` that has a name, what gives its value in a call."""
        key = function, id(args)
        found = self._arguments.get(key)
        if found is None:
            pairs = zip(parameters, args, strict=False)
            named = tuple((name, self.evaluate.ready(argument)) for name, argument in pairs if name)
            found = self._arguments[key] = (args, named)
        return found[1]

    def addressed(self, call: Call | TableCall) -> tuple[Call | TableCall, frozenset[Key], tuple[str, ...]]:
        """``call``, the places that it is given a pointer to, and the variables of whose members it is."""
        found = self._addressed.get(id(call))
        if found is None:
            keys: set[Key] = set()
            names: list[str] = []
            for each in call.args:
                if isinstance(each, Name):
                    keys.add(f"{OUT}{each.id}")
                if isinstance(each, Unary) and each.op == "&":
                    operand = each.operand
                    while isinstance(operand, Member | Index):
                        operand = operand.base
                    key = self.evaluate.key(operand)
                    if isinstance(operand, Name) and key is not None:
                        keys.add(key)
                        names.append(operand.id)
            found = self._addressed[id(call)] = (call, frozenset(keys), tuple(names))
        return found


def prepared(program: Program, function: str) -> Prepared:
    """``function`` of ``program``, prepared once for each of its event graphs."""
    events = program.graph(function)
    key = (Prepared, function)
    known = program.scratch.get(key)
    if not isinstance(known, Prepared) or known.events is not events:
        known = program.scratch[key] = Prepared(program, events)
    return known


def _order(nodes: tuple[Node, ...]) -> tuple[int, ...]:
    """The place of each node in reverse postorder: before what it leads to, but for loops.

    Of a branch's ways the first comes first.
    """
    place = [len(nodes)] * len(nodes)
    seen = {0}
    stack = [(0, iter(reversed(nodes[0].successors)))]
    left = len(nodes)
    while stack:
        index, successors = stack[-1]
        for each in successors:
            if each not in seen:
                seen.add(each)
                stack.append((each, iter(reversed(nodes[each].successors))))
                break
        else:
            stack.pop()
            left -= 1
            place[index] = left
    return tuple(place)


def _dying(events: EventGraph, evaluate: Evaluator) -> tuple[frozenset[Key], ...]:
    nodes = events.graph.nodes
    touched = [set(_keys(_read(events, index, node), evaluate)) for index, node in enumerate(nodes)]
    killed = [_killed(node, evaluate) for node in nodes]
    live = _live(nodes, touched, killed)
    dying: list[set[Key]] = [set() for _ in nodes]
    for index, node in enumerate(nodes):
        here = live[index] | touched[index] | killed[index]
        for successor in node.successors:
            dying[successor] |= here
    dying[0] |= {each.name for each in events.graph.parameters}
    shared: dict[frozenset[Key], frozenset[Key]] = {}
    found = (frozenset(each - live[index]) for index, each in enumerate(dying))
    return tuple(shared.setdefault(each, each) for each in found)


def _live(nodes: tuple[Node, ...], touched: list[set[Key]], killed: list[set[Key]]) -> list[set[Key]]:
    """What is read from each node on, before it is written (backward, to a fixed point)."""
    before: list[list[int]] = [[] for _ in nodes]
    for index, node in enumerate(nodes):
        for successor in node.successors:
            before[successor].append(index)
    live: list[set[Key]] = [set() for _ in nodes]
    pending = list(range(len(nodes)))
    waiting = set(pending)
    while pending:
        index = pending.pop()
        waiting.discard(index)
        after: set[Key] = set()
        for successor in nodes[index].successors:
            after |= live[successor]
        found = (after - killed[index]) | touched[index]
        if found != live[index]:
            live[index] = found
            for each in before[index]:
                if each not in waiting:
                    waiting.add(each)
                    pending.append(each)
    return live


def _killed(node: Node, evaluate: Evaluator) -> set[Key]:
    """What the node gives a value that does not depend on the one before."""
    instruction = node.instruction
    if isinstance(instruction, Call | TableCall | Load):
        return {instruction.dst}
    if isinstance(instruction, Store) and not instruction.op:
        key = evaluate.key(instruction.place)
        return {key} if key is not None else set()
    return set()


def _read(events: EventGraph, index: int, node: Node) -> Iterator[Expr | None]:
    """Every expression that may be evaluated at the node."""
    instruction = node.instruction
    if isinstance(instruction, Branch):
        yield instruction.condition
    elif isinstance(instruction, Store):
        yield instruction.value
        yield instruction.place if instruction.op else _within(instruction.place)
    elif isinstance(instruction, Call):
        yield instruction.callee
        yield from instruction.args
    elif isinstance(instruction, TableCall):
        yield from instruction.args
    elif isinstance(instruction, Load):
        yield instruction.place
    elif isinstance(instruction, Return):
        yield instruction.value
    site = events.calls.get(index)
    happening: Iterable[Event] = site.events if site is not None else ()
    if site is not None:
        yield site.callee
        yield from site.args
        for target in site.targets:
            yield from target.args
    own = events.events.get(index)
    for event in (*happening, *((own,) if own is not None else ())):
        yield from (event.value, event.expected, event.request, event.saved, event.place)


def _within(place: Expr) -> Expr | None:
    """What is evaluated to find the place that is written."""
    if isinstance(place, Index):
        return place.index
    return None


def _keys(exprs: Iterable[Expr | None], evaluate: Evaluator) -> Iterator[Key]:
    """The keys of everything in ``exprs`` that has a value; what a parameter points to is never dead."""
    pending = [each for each in exprs if each is not None]
    while pending:
        expr = pending.pop()
        key = evaluate.key(expr)
        if key is not None and not (isinstance(key, str) and key.startswith(OUT)):
            yield key
        if isinstance(expr, Member):
            pending.append(expr.base)
        elif isinstance(expr, Index):
            pending += (expr.base, expr.index)
        elif isinstance(expr, Unary):
            pending.append(expr.operand)
        elif isinstance(expr, Binary):
            pending += (expr.left, expr.right)

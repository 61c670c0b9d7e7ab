"""What a request announces: learned from its consumers, and from what they call.

What is done once the test of request R was true is what R announces: the members that
are read there, and in the functions that are called from there, the handlers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kicklint.base import Span
from kicklint.engine.history import digest
from kicklint.engine.sections import locked
from kicklint.engine.states import Place, State, States
from kicklint.engine.world import World
from kicklint.events import Event, EventGraph, Role
from kicklint.flow import Binary, Branch, Const, Expr, Name, Node, Temp, Unary, reach
from kicklint.rulebook import Announced, EventKind

_MAX_LINES = 400
_MAX_DEPTH = 8
# What is read further down, or in a longer function, is seldom what the request is about.
_NEAR_LINES = 120
_NEAR_DEPTH = 4
# How far calls are followed where the request is cleared without a question, and all that follows counts.
_BESIDE_DEPTH = 2


Reading = tuple[str, int]
"""A function (as the world names it) and one of its nodes."""
_Read = tuple[frozenset[State], frozenset[str], tuple[str, ...]]

WOKEN = "@woken"
"""As a kind of request: that a halted vcpu is woken, which then looks whether it is to go on."""


@dataclass(slots=True)
class Consumer:
    """What the consumers of one kind of request read, and the locks under which all of them do.

    ``near`` is what is read by the handlers themselves, and not far behind them; ``where`` the
    function that reads it, the first that was found.
    """

    states: dict[State, frozenset[str]] = field(default_factory=dict)
    near: set[State] = field(default_factory=set)
    where: dict[State, str] = field(default_factory=dict)

    def add(
        self, states: Iterable[State], function: str, locks: frozenset[str], *, near: bool = True
    ) -> None:
        """Take in what ``function`` reads under ``locks``."""
        for each in states:
            self.states[each] = self.states.get(each, locks) & locks
            self.where.setdefault(each, function)
            if near:
                self.near.add(each)

    def reads(self, place: Place) -> list[State]:
        """What a write of ``place`` changes for a consumer."""
        return [each for each in self.states if each.covers(place)]


class Consumers:
    """The consumers of one world."""

    def __init__(self, world: World, form: Announced) -> None:
        self.world = world
        self.form = form
        self._states: dict[str, States] = {}
        self._read: dict[str, _Read] = {}
        self._kind = f"read {digest(repr(form))}"
        self.of: dict[str, Consumer] = {}
        self._learn_all(EventKind.REQUEST_CONSUME)
        # One that ends the machine is looked at by all its vcpus and taken away by none.
        self._learn_all(EventKind.REQUEST_TEST, frozenset(self.of))
        self.of[WOKEN] = woken = Consumer()
        for name in form.woken:
            for key in world.function_named(name, ""):
                self._handler(woken, key, frozenset(), _NEAR_DEPTH)

    def states(self, function: str) -> States:
        """The reads and writes of ``function``."""
        if function not in self._states:
            graph = self.world.graph(function)
            self._states[function] = States(graph, self.world.lexicon, self.form.writers)
        return self._states[function]

    def reading(self, consumer: Consumer, place: Place) -> tuple[State, Reading]:
        """What of ``place`` the consumer reads, and where: the first by file and line."""
        found = [(state, self._node(state, consumer.where[state])) for state in consumer.reads(place)]
        return min(found, key=lambda each: (self._rank(each[1]), repr(each[0])))

    def any_reading(self) -> Reading | None:
        """The first place, by file and line, where something is read because of a request.

        One in the function that takes the request is preferred.
        """
        places = {each for consumer in self.of.values() for each in consumer.where.items()}
        return min((self._node(*each) for each in places), key=self._rank, default=None)

    def _node(self, state: State, function: str) -> Reading:
        """Where ``function`` reads ``state``; its request, where it reads what bears its name."""
        graph = self.world.graph(function)
        nodes, reads = graph.graph.nodes, self.states(function).reads
        takes = (n for n, each in graph.events.items() if each.kind is EventKind.REQUEST_CONSUME)
        here = (n for n in range(len(nodes)) if any(each == state for each in reads(nodes[n])))
        return function, next(here, next(takes, 0))

    def _rank(self, place: Reading) -> tuple[bool, Span, str]:
        function, node = place
        takes = EventKind.REQUEST_CONSUME in self.world.index.direct(function)
        return not takes, self.world.graph(function).graph.nodes[node].span, function

    def _learn_all(self, kind: EventKind, known: frozenset[str] = frozenset()) -> None:
        """Learn of what looks for a request by an event of ``kind``, but for the requests ``known``."""
        for key in sorted(self.world.index.functions):
            if kind in self.world.index.direct(key):
                self._learn(key, kind, known)

    def _learn(self, key: str, kind: EventKind, known: frozenset[str]) -> None:
        graph = self.world.graph(key)
        for index, event in graph.events.items():
            if event.kind is not kind or not isinstance(event.request, Name):
                continue
            if not event.forks and self._taken_back(key, graph, event):
                continue
            name = self.world.request_name(event.request.id, self.world.path(key))
            if name in known:
                continue
            consumer = self.of.setdefault(name, Consumer())
            region = where_true(graph, event) if event.forks else _behind(graph, index)
            nodes = [graph.graph.nodes[node] for node in region]
            locks = frozenset(lock for node in nodes for lock in locked(node, self.form))
            consumer.add((state for node in nodes for state in self.states(key).reads(node)), key, locks)
            depth = _MAX_DEPTH if event.forks else _BESIDE_DEPTH
            for node in region:
                for target in graph.calls[node].targets if node in graph.calls else ():
                    self._handler(consumer, target.function, locks, depth)
            if not consumer.states:
                # The consumer only leaves. What bears the request's name keeps the vcpu away.
                word = name.removeprefix(self.world.lexicon.vocabulary.vcpu.request_prefix).lower()
                consumer.add((State(role, "", word) for role in Role), key, frozenset())

    def _taken_back(self, key: str, graph: EventGraph, event: Event) -> bool:
        """Whether the request is cleared for a vcpu that was looked up: its requester opens a gate again.

        While that was shut the vcpu could not come to the guest, and nothing is read because of it.
        """
        identity = graph.aliases.identity(event.subject)
        return identity is not None and identity.root in self.world.others(key)

    def _handler(self, consumer: Consumer, function: str, locks: frozenset[str], depth: int) -> None:
        """Take in what ``function`` reads, and what it calls as far as it is followed."""
        seen = {function}
        level = [(function, locks, True)]
        for down in range(depth):
            below = []
            for each, outer, near in level:
                if self.world.length(each) > _MAX_LINES:
                    continue
                close = near and down < _NEAR_DEPTH and self.world.length(each) <= _NEAR_LINES
                states, own, callees = self._looked_at(each)
                consumer.add(states, each, outer | own, near=close)
                for callee in callees:
                    if callee not in seen:
                        seen.add(callee)
                        below.append((callee, outer | own, close))
            level = below

    def _looked_at(self, function: str) -> _Read:
        """What is read in ``function``, which locks are taken in it, and what it calls."""
        if function not in self._read:
            noted = self.world.history.noted(self._kind, function, lambda: self._found_in(function))
            states, locks, callees = noted
            keys = self.world.lasting.keys
            self._read[function] = (
                frozenset(State(Role(role), *rest) for role, *rest in states),
                frozenset(locks),
                tuple(keys[path, name, number] for path, name, number in callees),
            )
        return self._read[function]

    def _found_in(self, function: str) -> list[list[Any]]:
        graph = self.world.graph(function)
        nodes = graph.graph.nodes
        found = {state for node in nodes for state in self.states(function).reads(node)}
        targets = dict.fromkeys(target.function for site in graph.calls.values() for target in site.targets)
        return [
            sorted([each.role.value, each.tag, each.field, each.whole] for each in found),
            sorted({name for node in nodes for name in locked(node, self.form)}),
            self.world.lasting.listed(targets),
        ]


def _behind(graph: EventGraph, clear: int) -> set[int]:
    """The nodes that are come to once the request was cleared at ``clear``, up to the next consumer."""
    nodes = graph.graph.nodes
    seen: set[int] = set()
    pending = list(nodes[clear].successors)
    while pending:
        node = pending.pop()
        event = graph.events.get(node)
        if node in seen or (event is not None and event.kind is EventKind.REQUEST_CONSUME):
            continue
        seen.add(node)
        pending += nodes[node].successors
    return seen


def where_true(graph: EventGraph, event: Event) -> set[int]:
    """The nodes that are come to because the request was pending.

    The test may be one side of ``&&`` or ``||``: what is between the test and the end of
    the whole condition counts, and so does the branch that it may decide about.
    """
    nodes = graph.graph.nodes
    for index, node in enumerate(nodes):
        instruction = node.instruction
        if not isinstance(instruction, Branch) or event.dst is None:
            continue
        sense = _sense(graph, instruction.condition, event.dst)
        if sense is None:
            continue
        true, false = node.successors if sense else reversed(node.successors)
        within, taken = _exits(nodes, true, node.statement)
        _, left = _exits(nodes, false, node.statement)
        region = within
        inside, outside = (taken - left, left) if taken - left else (taken, left - taken)
        for each in inside:
            region |= reach(nodes, each, index)
        for each in outside:
            region -= reach(nodes, each, index)
        return region
    return set()


def _sense(graph: EventGraph, condition: Expr, dst: int) -> bool | None:
    """Whether ``condition`` is true when the result ``dst`` is; None when it is something else."""
    sense = True
    while True:
        condition = graph.aliases.resolved(condition)
        if isinstance(condition, Unary) and condition.op in ("!", "!!"):
            sense = sense is (condition.op == "!!")
            condition = condition.operand
        elif isinstance(condition, Binary) and condition.op in ("==", "!=") and condition.right == Const(0):
            sense = sense is (condition.op == "!=")
            condition = condition.left
        else:
            return sense if condition == Temp(dst) else None


def _exits(nodes: tuple[Node, ...], start: int, statement: int) -> tuple[set[int], set[int]]:
    """The nodes of the condition ``statement`` from ``start`` on, and where it is left."""
    within: set[int] = set()
    left: set[int] = set()
    pending = [start]
    while pending:
        node = pending.pop()
        if nodes[node].statement != statement:
            left.add(node)
        elif node not in within:
            within.add(node)
            pending += nodes[node].successors
    return within, left

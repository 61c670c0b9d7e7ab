"""The ways that functions of a world can take, as far as they mean something to the protocol."""

from __future__ import annotations

from typing import TypeAlias

from kicklint.events import EventGraph
from kicklint.flow import Call, Node
from kicklint.race.beats import Beat, exchange_at
from kicklint.rulebook import EventKind
from kicklint.typestate import Program

# Ways of one function, calls on top of each other, nodes that are looked at for one question.
_WAYS = 48
_DEPTH = 6
_STEPS = 4_000
SEEN = frozenset(
    {
        EventKind.MODE_READ,
        EventKind.MODE_WRITE,
        EventKind.REQUEST_MAKE,
        EventKind.REQUEST_TEST,
        EventKind.REQUEST_CONSUME,
        EventKind.CPU_READ,
        EventKind.IPI,
        EventKind.BARRIER,
        EventKind.FLAG_MAKE,
        EventKind.FLAG_CLEAR,
        EventKind.FLAG_TEST,
        EventKind.KICK,
    }
)
"""The events that an interleaving may be made of."""

Ways: TypeAlias = "tuple[tuple[Beat, ...], ...]"
_Steps: TypeAlias = "frozenset[tuple[int, int]]"


class Walks:
    """Walks through the functions of ``program``; every function once.

    A function of ``deciding`` that the tree does not hold decides as the document says: by an
    exchange of the mode. Calls are followed, ``depth`` deep, that may lead to what is to be
    ``seen``; all events of a function that is walked through are, unless that is restricted.
    """

    def __init__(
        self,
        program: Program,
        deciding: tuple[str, ...],
        *,
        seen: frozenset[EventKind] = SEEN,
        depth: int = _DEPTH,
    ) -> None:
        self._program = program
        self._deciding = deciding
        self.seen = seen
        self._depth = depth
        self._ways: dict[str, Ways] = {}
        self._left = _STEPS

    def of(self, function: str) -> Ways:
        """The ways through ``function``, short ones first."""
        self._left = _STEPS
        return self._of(function, 0)

    def at(self, graph: EventGraph, node: int) -> Ways:
        """What ``node`` of ``graph`` may do."""
        self._left = _STEPS
        return self._at(graph, node, 0)

    def _of(self, function: str, depth: int) -> Ways:
        if function not in self._ways:
            self._ways[function] = ()  # a recursion adds nothing
            walk = _Walk(self._program.graph(function), depth)
            self._ways[function] = tuple(sorted(dict.fromkeys(self._from(walk, 0, frozenset())), key=len))
        return self._ways[function]

    def _from(self, walk: _Walk, node: int, gone: _Steps) -> Ways:
        """The ways from ``node`` to the end of its function; none goes back the same step twice."""
        known = walk.known.get((node, gone))
        if known is not None:
            return known
        self._left -= 1
        if self._left < 0:
            return ()
        graph = walk.graph
        heads = self._at(graph, node, walk.depth)
        onward = [each for each in graph.graph.nodes[node].successors if (node, each) not in gone]
        if not onward:
            return heads if node == graph.graph.exit else ()
        tails: dict[tuple[Beat, ...], None] = {}
        for each in dict.fromkeys(onward):
            back = (node, each) in walk.back
            tails |= dict.fromkeys(self._from(walk, each, gone | {(node, each)} if back else gone))
            if len(tails) > _WAYS:
                break
        walk.known[node, gone] = tuple((*head, *tail) for head in heads for tail in tails)[:_WAYS]
        return walk.known[node, gone]

    def _at(self, graph: EventGraph, node: int, depth: int) -> Ways:
        event = graph.events.get(node)
        if event is not None:
            wanted = self.seen is SEEN or event.kind in self.seen
            return ((Beat(event, graph.graph.function, event.span),) if wanted else (),)
        site = graph.calls.get(node)
        called = graph.graph.nodes[node].instruction
        if site is None and isinstance(called, Call) and called.name in self._deciding:
            return (_decision(called, graph, node),)
        if site is None or depth >= self._depth:
            return ((),)
        targets = [each.function for each in site.targets if self._program.may(each.function) & self.seen]
        ways = [way for target in targets for way in self._of(target, depth + 1)]
        return tuple(dict.fromkeys(ways))[:_WAYS] or ((),)


class _Walk:
    """One function on its way: the steps that lead back, and what is known of its nodes."""

    def __init__(self, graph: EventGraph, depth: int) -> None:
        self.graph = graph
        self.depth = depth
        self.back = _back(graph.graph.nodes)
        self.known: dict[tuple[int, _Steps], Ways] = {}


def _back(nodes: tuple[Node, ...]) -> _Steps:
    """The steps that lead to a node which the way has come through: those that close a loop."""
    found, open_nodes, done = set(), {0}, set()
    stack = [(0, iter(nodes[0].successors))]
    while stack:
        node, successors = stack[-1]
        onward = next(successors, None)
        if onward is None:
            stack.pop()
            open_nodes.discard(node)
            done.add(node)
        elif onward in open_nodes:
            found.add((node, onward))
        elif onward not in done:
            open_nodes.add(onward)
            stack.append((onward, iter(nodes[onward].successors)))
    return frozenset(found)


def _decision(call: Call, graph: EventGraph, node: int) -> tuple[Beat, ...]:
    span = graph.graph.nodes[node].span
    return exchange_at(graph.graph.function, span, call.name)

"""The points of one function that a pass over it comes to: what is known there, which are to be visited."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from kicklint.flow import Choice, Node
from kicklint.rulebook import Thread
from kicklint.typestate import everyone
from kicklint.typestate.evaluate import Valuation
from kicklint.typestate.forgetting import joined, with_value, without
from kicklint.typestate.machine import ProtocolState
from kicklint.typestate.prepared import prepared
from kicklint.typestate.rounds import loop_exits, rounds
from kicklint.typestate.runner import Runner
from kicklint.typestate.summary import Context, Link, Point, Summary
from kicklint.typestate.values import ONE

_WIDEN_AFTER = 12
PRESENT = "@present"
"""The key of whether the variable still stands for the vcpu that something was done about, which is there."""


class Visited:
    """A point that was come to, with what is known there.

    ``count`` says how often it was come to again, ``waiting`` whether it is to be visited.
    """

    __slots__ = ("count", "known", "point", "waiting")

    def __init__(self, point: Point, known: Valuation) -> None:
        self.point = point
        self.known = known
        self.count = 0
        self.waiting = False


class Arrivals:
    """The points of one pass over one function in one context."""

    def __init__(self, simulator: Runner, context: Context, summary: Summary) -> None:
        self.simulator = simulator
        self.program = simulator.program
        self.machine = simulator.machine
        self.context = context
        self.summary = summary
        self.ready = prepared(self.program, context.function)
        self.events = self.ready.events
        self.nodes = self.events.graph.nodes
        self.roles = dict(context.binding)
        self.dying = self.ready.dying
        self.visited: dict[Point, Visited] = {}
        self.looped: set[Point] = set()
        self.other = self.machine.automaton.thread is Thread.OTHER
        self.rounds = rounds(self.events, self.roles) if self.other else {}
        self._order = self.ready.order
        self._pending: list[tuple[int, int, Visited]] = []
        self._queued = 0

    def waiting(self) -> Iterator[Visited]:
        """The points to visit, the one that is best visited next first, until there are no more."""
        while self._pending:
            visited = heappop(self._pending)[2]
            visited.waiting = False
            yield visited

    def returned(self, point: Point, previous: Point | None) -> Point:
        """``point``, the function's exit, with what returning itself does to the state."""
        raise NotImplementedError

    def arrive(
        self,
        point: Point,
        known: Valuation,
        previous: Point | None,
        inner: tuple[Context, ProtocolState] | None = None,
    ) -> None:
        """Reach ``point`` with ``known``, which is joined with what was known there before.

        It is come to from ``previous``, through ``inner`` if by a call (see Link).
        """
        index = point[0]
        if index == self.events.graph.exit:
            point = self.returned(point, previous)
        elif previous is not None and previous[0] >= index:
            if self.over_all(index):
                known = everyone.after_round(self.machine, point[1].state, known)
            point = self._back(point, known, Link(previous, inner))
        if inner is not None:
            link = Link(previous, inner)
            known_links = self.summary.alternatives.setdefault(point, [])
            if link not in known_links:
                known_links.append(link)
        known = without(known, self.dying[index])
        visited = self.visited.get(point)
        if visited is None:
            visited = self.visited[point] = Visited(point, known)
            self.summary.links.setdefault(point, Link(previous, inner))
            self._wait(visited)
            return
        if index in self.rounds and point not in self.looped:
            self.looped.add(point)
            self._wait(visited)
        visited.count += 1
        before = visited.known
        merged = joined(before, known, visited.count > _WIDEN_AFTER)
        if merged is not before:
            visited.known = merged
            self._wait(visited)

    def over_all(self, index: int) -> bool:
        """Whether a loop over all vcpus begins at ``index``, and the automaton cares for it."""
        if not self.machine.automaton.everyone or not isinstance(self.nodes[index].instruction, Choice):
            return False
        return everyone.looked_at(self.events, index, self.roles)

    def _back(self, point: Point, known: Valuation, link: Link) -> Point:
        """``point``, where a loop goes round, with what that does to the state."""
        if self.machine.automaton.rounds:
            ended = self.returned(point, link.previous)  # a round ends as a function does
            swept = self.machine.automaton.swept.get(ended[1].state, "")
            for behind in loop_exits(self.events, point[0]) if swept else ():
                self.summary.links.setdefault(ended, link)
                self.arrive((behind, ended[1]._replace(state=swept)), known, ended)
            point = (point[0], self.machine.initial._replace(interrupts=point[1].interrupts))
        if point not in self.looped and isinstance(self.nodes[point[0]].instruction, Choice):
            self.looped.add(point)
            if point in self.visited:
                self._wait(self.visited[point])
        return point

    def _wait(self, visited: Visited) -> None:
        """Put a point in the queue, where it stands at most once."""
        if not visited.waiting:
            visited.waiting = True
            self._queued += 1
            heappush(self._pending, (self._order[visited.point[0]], self._queued, visited))

    def onward(
        self,
        point: Point,
        node: Node,
        state: ProtocolState,
        known: Valuation,
        inner: tuple[Context, ProtocolState] | None = None,
    ) -> None:
        """Go from ``point`` to all successors of ``node``, in ``state``, through ``inner`` if by a call."""
        if self.other and point[1].state == self.machine.automaton.initial != state.state:
            known = with_value(known, PRESENT, ONE)
        for successor in node.successors:
            self.arrive((successor, state), known, point, inner)

"""From the links of summaries to a trail: the steps of one way to a harm."""

from __future__ import annotations

from dataclasses import dataclass

from kicklint.events import Event, EventGraph
from kicklint.flow import Branch, Call, ControlFlowGraph, TableCall, Temp
from kicklint.typestate.machine import ProtocolState
from kicklint.typestate.program import Program
from kicklint.typestate.simulate import Simulator
from kicklint.typestate.summary import Context, HarmKey, Link, Point, Summary
from kicklint.typestate.tracking import concerns
from kicklint.typestate.values import Value, truth

_MAX_STEPS = 20_000


@dataclass(slots=True)
class RawStep:
    """One node on the way, with the states before and after it.

    ``frame`` is the chain of contexts from the outermost function to the one that
    the node is in. A call that is gone into has ``enters`` set, and ``returns`` the
    state and value with which it comes back (None: it does not, before the harm).
    ``onward`` is the node that the way goes on to.
    """

    node: int
    frame: tuple[Context, ...]
    graph: ControlFlowGraph
    before: ProtocolState
    after: ProtocolState | None = None
    event: Event | None = None
    enters: Context | None = None
    returns: tuple[ProtocolState, Value | None] | None = None
    inner: tuple[RawStep, ...] = ()
    onward: int | None = None


def trail(simulator: Simulator, context: Context, key: HarmKey) -> tuple[RawStep, ...]:
    """The way from the start of ``context`` to its harm ``key``, calls nested."""
    return _Tracer(simulator).to_harm((), context, key)


def depth_of_state(simulator: Simulator, context: Context, point: Point) -> int:
    """How many calls below the function of ``context`` the state of ``point`` in it was entered last."""
    steps = _Tracer(simulator).to_point((), simulator.summaries[context], point)
    return _down(steps, point[1].state)


class _Tracer:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.program: Program = simulator.program
        self.budget = _MAX_STEPS

    def to_harm(self, frame: tuple[Context, ...], context: Context, key: HarmKey) -> tuple[RawStep, ...]:
        summary = self.simulator.summaries[context]
        harm = summary.harms[key]
        steps = self.to_point(frame, summary, harm.point)
        graph = self.program.graph(context.function).graph
        last = RawStep(harm.point[0], (*frame, context), graph, harm.point[1], event=harm.event)
        if harm.inner is not None:
            callee, inner_key = harm.inner
            last.enters, last.event = callee, None
            if callee not in (*frame, context):  # else a recursion found it: the way is the same again
                last.inner = self.to_harm((*frame, context), callee, inner_key)
        return (*steps, last)

    def to_point(self, frame: tuple[Context, ...], summary: Summary, point: Point) -> tuple[RawStep, ...]:
        """The steps before ``point``, from the function's entry."""
        events = self.program.graph(summary.context.function)
        steps: list[RawStep] = []
        after = point[1]
        link = summary.links[point]
        onward = point[0]
        current = point
        seen = {point}
        wanted: dict[int, bool] = {}
        while link.previous is not None and self.budget > 0:
            self.budget -= 1
            previous = link.previous
            node, before = previous
            link = self._agreeing(summary, events.graph, current, link, wanted)
            _want(events.graph, node, onward, wanted)
            step = RawStep(
                node,
                (*frame, summary.context),
                events.graph,
                before,
                after,
                self._own_event(events, node, summary.context),
                onward=onward,
            )
            onward = node
            if link.inner is not None:
                callee, exit_state = link.inner
                step.enters = callee
                step.inner, step.returns = self._through(frame, summary.context, callee, exit_state)
            steps.append(step)
            after = before
            if previous in seen:
                break
            seen.add(previous)
            current = previous
            link = summary.links[previous]
        return tuple(reversed(steps))

    def _agreeing(
        self, summary: Summary, graph: ControlFlowGraph, point: Point, link: Link, wanted: dict[int, bool]
    ) -> Link:
        """The way out of the call before ``point`` that returns what the caller's branches went by."""
        assert link.previous is not None
        instruction = graph.nodes[link.previous[0]].instruction
        if (
            link.inner is None
            or not isinstance(instruction, Call | TableCall)
            or instruction.dst not in wanted
        ):
            return link
        for other in summary.alternatives.get(point, ()):
            if other.previous != link.previous or other.inner is None:
                continue
            callee, exit_state = other.inner
            value = truth(self.simulator.summaries[callee].exits.get(exit_state))
            if value is None or value is wanted[instruction.dst]:
                return other
        return link

    def _own_event(self, events: EventGraph, node: int, context: Context) -> Event | None:
        """The event at ``node``, when it is one of the tracked vcpu."""
        event = events.events.get(node)
        if event is None and node in events.calls:
            event = next(iter(events.calls[node].events), None)
        if event is None or not concerns(events, dict(context.binding), event, self.simulator.own_thread):
            return None
        return event

    def _through(
        self, frame: tuple[Context, ...], caller: Context, callee: Context, exit_state: ProtocolState
    ) -> tuple[tuple[RawStep, ...], tuple[ProtocolState, Value | None] | None]:
        if callee in frame or callee == caller:
            return (), (exit_state, None)
        if callee not in self.simulator.summaries:
            return (), (exit_state, None)
        summary = self.simulator.whole(callee)
        point = (self.program.graph(callee.function).graph.exit, exit_state)
        if point not in summary.links:
            return (), (exit_state, None)
        return self.to_point((*frame, caller), summary, point), (exit_state, summary.exits.get(exit_state))


def too_deep(steps: tuple[RawStep, ...], limit: int | None) -> bool:
    """Whether the harm at the end of ``steps``, or what led to it, is more than ``limit`` calls down."""
    if limit is None:
        return False
    step = steps[-1]
    while step.inner and step.returns is None:
        step = step.inner[-1]
    return max(len(step.frame) - 1, _down(steps, step.before.state)) > limit


def _down(steps: tuple[RawStep, ...], state: str) -> int:
    """How many calls below the outermost function ``state`` was entered last."""
    for step in reversed(steps):
        if step.after is not None and step.after.state == state != step.before.state:
            return max(len(step.frame) - 1, _down(step.inner, state))
    return 0


def _want(graph: ControlFlowGraph, node: int, onward: int, wanted: dict[int, bool]) -> None:
    """Note what a branch on a result at ``node`` says of that result, when it goes ``onward``."""
    found = graph.nodes[node]
    if isinstance(found.instruction, Branch) and isinstance(found.instruction.condition, Temp):
        true, false = found.successors
        if true != false:
            wanted[found.instruction.condition.index] = onward == true

"""Ways through code as lists of events: those of a trail, and those that a function can take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kicklint.base import Span
from kicklint.events import Event, EventGraph, Reach
from kicklint.flow import Call, Const, Expr, Name, show
from kicklint.rulebook import EventKind, Order
from kicklint.typestate import Machine, Program, RawStep, Simulator
from kicklint.typestate.tracking import concerns

_TESTS = (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME, EventKind.FLAG_TEST)
# Ways of one function, calls on top of each other, nodes that are looked at for one question.
_WAYS = 48
_DEPTH = 6
_STEPS = 4_000
# Lines of a function whose barriers count although the trail did not go into it.
_SHORT = 40
_SEEN = {
    EventKind.MODE_READ,
    EventKind.MODE_WRITE,
    EventKind.REQUEST_MAKE,
    EventKind.REQUEST_TEST,
    EventKind.REQUEST_CONSUME,
    EventKind.CPU_READ,
    EventKind.IPI,
    EventKind.BARRIER,
}
_ENDS = (EventKind.RETURN, EventKind.LEAVE)
_NAMED = (EventKind.REQUEST_MAKE, EventKind.KICK, EventKind.REQUEST_CONSUME)


@dataclass(frozen=True, slots=True)
class Beat:
    """One event on a way. ``ignored`` says that the way goes on whatever a test finds.

    ``via`` is the call that it is the first event of, where that was taken apart.
    """

    event: Event
    function: str
    span: Span
    ignored: bool = False
    via: Beat | None = None

    @property
    def kind(self) -> EventKind:
        """The event's kind."""
        return self.event.kind

    def attribute(self, name: str) -> str:
        """One of the event's further words; "" when it has none of that name."""
        return dict(self.event.attributes).get(name, "")

    @property
    def mode(self) -> str:
        """The mode that is written, when the text names it."""
        value = self.event.value
        return value.id if isinstance(value, Name) else ""

    @property
    def request(self) -> str:
        """The kind of request; "" for any."""
        return _text(self.event.request)


def _text(expr: Expr | None) -> str:
    return "" if expr is None or isinstance(expr, Const) else show(expr)


def _ignored(step: RawStep, event: Event, machine: Machine) -> bool:
    """Whether the way goes on although a test has found something."""
    if event.kind not in _TESTS or step.after is None:
        return False
    request = "any" if event.request is None else show(event.request)
    results = {}
    for outcome in ("set", "clear"):
        attributes = {"outcome": outcome, "request": request, "how": event.how}
        results[outcome], _ = machine.step(step.before, event.kind, attributes, frozenset())
    return results["set"].state != results["clear"].state and step.after.state == results["set"].state


class Reader:
    """Reads the ways that functions of a world can take.

    A function of ``deciding`` that the tree does not hold decides as the document says: by
    an exchange of the mode.
    """

    def __init__(self, program: Program, deciding: tuple[str, ...]) -> None:
        self._program = program
        self._deciding = deciding
        self._ways: dict[str, tuple[tuple[Beat, ...], ...]] = {}
        self._left = _STEPS

    def named(self, name: str, path: str = "") -> tuple[tuple[Beat, ...], ...]:
        """The ways through the function called ``name``, short ones first; none when there is no such."""
        keys = self._program.function_named(name, path)
        return self._started(keys[0]) if keys else ()

    def beats(self, steps: tuple[RawStep, ...], simulator: Simulator) -> tuple[Beat, ...]:
        """The events of a trail, calls taken apart, in order."""
        return tuple(self._beats(steps, simulator))

    def _beats(self, steps: tuple[RawStep, ...], simulator: Simulator) -> Iterator[Beat]:
        for step in steps:
            function = step.frame[-1].function
            if step.inner:
                yield from self._beats(step.inner, simulator)
            elif step.event is None:
                yield from self._barriers(self._program.graph(function), step.node)
            else:
                event: Event = self._given(step, step.event)
                if event.kind in _ENDS:  # the node may be an event itself, with the end right behind it
                    graph = self._program.graph(function)
                    own = graph.events.get(step.node)
                    roles = dict(step.frame[-1].binding)
                    if own is not None and concerns(graph, roles, own, simulator.own_thread):
                        yield Beat(own, step.graph.function, own.span)
                beat = Beat(event, step.graph.function, event.span)
                yield replace(beat, ignored=_ignored(step, event, simulator.machine))

    def _given(self, step: RawStep, event: Event) -> Event:
        """``event`` with the mode that the caller has handed on, where the text names a parameter."""
        known = dict(step.frame[-1].constants)
        value = event.value
        if event.kind is not EventKind.MODE_WRITE or not isinstance(value, Name) or value.id not in known:
            return event
        mode = self._program.mode_name(known[value.id])
        return replace(event, value=Name(mode)) if mode else event

    def _barriers(self, graph: EventGraph, node: int) -> tuple[Beat, ...]:
        """The barriers on the shortest way through a call that the trail did not go into."""
        site = graph.calls.get(node)
        if site is None:
            return ()
        ways = [
            way
            for target in site.targets
            if EventKind.BARRIER in self._program.may(target.function)
            and self._program.length(target.function) <= _SHORT
            for way in self._started(target.function)[:1]
        ]
        shortest = min(ways, key=len, default=())
        return tuple(each for each in shortest if each.kind is EventKind.BARRIER)

    def _started(self, function: str) -> tuple[tuple[Beat, ...], ...]:
        self._left = _STEPS
        return self._of(function, 0)

    def expanded(self, way: tuple[Beat, ...], *, own: bool) -> tuple[Beat, ...]:
        """``way`` with events that are calls replaced by what the functions called do.

        Of a kick the way that sends an IPI is taken, or, in the vCPU's ``own`` thread, one
        that changes the mode and sends none; of others the shortest that has the event
        itself in it.
        """
        found: list[Beat] = []
        for beat in way:
            first, *rest = self._inside(beat, own, 0)
            found += [first if first == beat else replace(first, via=beat), *rest]
        return tuple(found)

    def _inside(self, beat: Beat, own: bool, depth: int) -> tuple[Beat, ...]:
        if beat.kind not in _NAMED or depth > _DEPTH:
            return (beat,)
        for way in self.named(beat.event.how, beat.span.path):
            kinds = {each.kind for each in way}
            if beat.kind is not EventKind.KICK:
                fits = beat.kind in kinds
            elif own:
                fits = EventKind.MODE_WRITE in kinds and EventKind.IPI not in kinds
            else:
                fits = EventKind.IPI in kinds
            if fits:
                return tuple(inner for each in way for inner in self._inside(each, own, depth + 1))
        return (beat,)

    def _of(self, function: str, depth: int) -> tuple[tuple[Beat, ...], ...]:
        if function not in self._ways:
            self._ways[function] = ()  # a recursion adds nothing
            graph = self._program.graph(function)
            found = dict.fromkeys(self._from(graph, 0, frozenset(), depth))
            self._ways[function] = tuple(sorted(found, key=len))
        return self._ways[function]

    def _from(
        self, graph: EventGraph, node: int, seen: frozenset[int], depth: int
    ) -> tuple[tuple[Beat, ...], ...]:
        """The ways from ``node`` to the end of its function; none goes round a loop twice."""
        self._left -= 1
        if self._left < 0:
            return ()
        heads = self._at(graph, node, depth)
        onward = [each for each in graph.graph.nodes[node].successors if each not in seen]
        if not onward:
            return heads if node == graph.graph.exit else ()
        tails: dict[tuple[Beat, ...], None] = {}
        for each in dict.fromkeys(onward):
            tails |= dict.fromkeys(self._from(graph, each, seen | {node}, depth))
            if len(tails) > _WAYS:
                break
        return tuple((*head, *tail) for head in heads for tail in tails)[:_WAYS]

    def _at(self, graph: EventGraph, node: int, depth: int) -> tuple[tuple[Beat, ...], ...]:
        event = graph.events.get(node)
        if event is not None:
            return ((Beat(event, graph.graph.function, event.span),),)
        site = graph.calls.get(node)
        called = graph.graph.nodes[node].instruction
        if site is None and isinstance(called, Call) and called.name in self._deciding:
            return (_decision(called, graph, node),)
        if site is None or depth >= _DEPTH:
            return ((),)
        targets = [each.function for each in site.targets if self._program.may(each.function) & _SEEN]
        ways = [way for target in targets for way in self._of(target, depth + 1)]
        return tuple(dict.fromkeys(ways))[:_WAYS] or ((),)


def _decision(call: Call, graph: EventGraph, node: int) -> tuple[Beat, ...]:
    span = graph.graph.nodes[node].span
    text, full = f"{call.name}()", (("order", Order.FULL.value),)
    said = f"full barrier in {text}"
    barrier = Event(EventKind.BARRIER, Reach.ANY, None, span, said, how=call.name, attributes=full)
    exchange = replace(
        barrier,
        text=text,
        kind=EventKind.MODE_WRITE,
        value=Name("EXITING_GUEST_MODE"),
        expected=Name("IN_GUEST_MODE"),
        atomic=True,
    )
    return tuple(Beat(each, graph.graph.function, span) for each in (barrier, exchange))

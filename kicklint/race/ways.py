"""Ways through code as lists of events: those of a trail, and those that a function can take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from kicklint.events import Event, EventGraph, Reach
from kicklint.flow import Name, reach
from kicklint.race.beats import Beat, ignored, looks
from kicklint.race.decision import Decisions
from kicklint.race.walks import Walks
from kicklint.rulebook import EventKind, Vocabulary
from kicklint.typestate import Program, RawStep, Simulator
from kicklint.typestate.tracking import concerns

# Calls on top of each other that are taken apart; below a call whose barriers or tests are looked for.
_DEPTH = 6
_NEAR = 2
# Lines of a function whose barriers count although the trail did not go into it.
_SHORT = 40
_IN = "IN_GUEST_MODE"
_ENDS = (EventKind.RETURN, EventKind.LEAVE)
# What one function of the tree is looked up for.
_DOES = {
    EventKind.REQUEST_MAKE,
    EventKind.REQUEST_CONSUME,
    EventKind.FLAG_MAKE,
    EventKind.KICK,
    EventKind.MODE_WRITE,
    EventKind.IPI,
}
_PASSED = frozenset({EventKind.BARRIER, EventKind.REQUEST_TEST, EventKind.MODE_READ})
_LOOKING = {EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME}
_NAMED = (EventKind.REQUEST_MAKE, EventKind.KICK, EventKind.REQUEST_CONSUME)


def _does(way: tuple[Beat, ...]) -> int:
    """How many kinds of things are done on ``way``."""
    return len({each.kind for each in way} & _DOES)


def _to_first(steps: tuple[RawStep, ...], kind: EventKind) -> list[tuple[str, int]]:
    """The calls down to the first event of ``kind`` in ``steps``, and that: functions and nodes."""
    for step in steps:
        here = (step.frame[-1].function, step.node)
        if step.inner:
            inner = _to_first(step.inner, kind)
            if inner:
                return [here, *inner]
        elif step.event is not None and step.event.kind is kind:
            return [here]
    return []


def _least(way: tuple[Beat, ...]) -> tuple[int, int]:
    """What a way is chosen by that a call comes back from with nothing found."""
    barriers = sum(each.kind is EventKind.BARRIER for each in way)
    return barriers, barriers - len(way)


def _stays_off(step: RawStep, event: Event) -> bool:
    """Whether ``event`` is to let interrupts in, and does not."""
    if event.kind is not EventKind.INTERRUPTS_ON:
        return False
    if step.after is not None and step.after.interrupts:
        return step.after.interrupts != "on"
    return event.saved is not None  # what was there before comes back


def _open(way: list[Beat | _Passed]) -> list[Beat | _Passed]:
    """``way`` without what is to let interrupts in while something else holds them off."""
    held, kept = False, []
    for each in way:
        if isinstance(each, Beat) and each.event.holds:
            held = each.kind is EventKind.INTERRUPTS_OFF
        elif not held or not isinstance(each, Beat) or each.kind is not EventKind.INTERRUPTS_ON:
            kept.append(each)
    return kept


_Passed: TypeAlias = "tuple[EventGraph, int]"
"""A call that a trail did not go into."""


class Reader:
    """Reads trails, and what functions of a world do, in the words of ``vocabulary``."""

    _absent: frozenset[str] = frozenset()

    def __init__(self, program: Program, vocabulary: Vocabulary) -> None:
        self._program = program
        self._vocabulary = vocabulary
        self._walks = Walks(program, vocabulary.deciding)
        self._fences = Walks(program, (), seen=frozenset({EventKind.BARRIER}), depth=_NEAR)
        self._looks = Walks(program, (), seen=_PASSED, depth=_NEAR)
        self._sends: dict[str, frozenset[int]] = {}

    def without(self, files: frozenset[str]) -> Reader:
        """The same reader for a kernel that ``files`` are not in."""
        found = copy(self)
        found._absent = files
        return found

    def _there(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the functions ``keys`` that are in the kernel."""
        return tuple(each for each in keys if self._program.path(each) not in self._absent)

    def named(self, name: str, path: str | None = "") -> tuple[tuple[Beat, ...], ...]:
        """The ways through the function called ``name``, short ones first; none when there is no such.

        With a ``path`` of None a function of any file is taken that has the name. A member of
        tables that no function is called like is all that the tables hold.
        """
        keys = self._program.function_ids(name) if path is None else self._program.function_named(name, path)
        keys = self._there(keys)[:1] if keys else self._there(self._program.members(name))
        ways = [self._deciding(key, way) for key in keys for way in self._walks.of(key)]
        return tuple(sorted(ways, key=len))

    def called(self, name: str, *, own: bool) -> tuple[Beat, ...]:
        """What the function ``name`` of any file does of the protocol, on its fullest way; taken apart."""
        ways = self.named(name, None)
        if not ways:
            return ()
        fullest = max(ways, key=_does)
        way = self.expanded(fullest, own=own, full=True)
        keys = self._there(self._program.function_ids(name))
        return self._deciding(keys[0], way) if keys else way

    def head(self, name: str) -> Beat | None:
        """The head of the function ``name`` of any file, as the place of what is done around it."""
        keys = self._there(self._program.function_ids(name))
        if not keys:
            return None
        graph = self._program.graph(keys[0]).graph
        span = graph.nodes[0].span
        return Beat(Event(EventKind.RETURN, Reach.ANY, None, span, name), graph.function, span)

    def entry(self) -> Beat | None:
        """The first guest entry of the kernel, by file and line."""
        return self.first(EventKind.GUEST_ENTRY)

    def first(self, kind: EventKind, wanted: Callable[[Beat], bool] = bool) -> Beat | None:
        """The first event of ``kind`` in the kernel that is ``wanted``, by file and line."""
        found = [
            beat
            for function in self._there(self._program.holders(kind, ""))
            for graph in (self._program.graph(function),)
            for event in graph.events.values()
            for beat in (Beat(event, graph.graph.function, event.span),)
            if event.kind is kind and wanted(beat)
        ]
        return min(found, key=lambda each: each.span, default=None)

    def tested_before(self, steps: tuple[RawStep, ...]) -> tuple[Beat, ...]:
        """The last test of the requests in the text before the flag that ``steps`` clear first.

        One that looks for any of them is preferred.
        """
        for single in (False, True):
            for function, node in reversed(_to_first(steps, EventKind.FLAG_CLEAR)):
                graph = self._program.graph(function)
                nodes = graph.graph.nodes
                earlier = [n for n in range(len(nodes)) if n != node and node in reach(nodes, n)]
                found = self._last_test(graph, earlier, _NEAR, single=single)
                if found is not None:
                    return (found,)
        return ()

    def _last_test(
        self, graph: EventGraph, places: Iterable[int], depth: int, *, single: bool
    ) -> Beat | None:
        """The last test of the requests in the text of ``places``; with ``single`` also one of one kind."""
        nodes = graph.graph.nodes
        for node in sorted(places, key=lambda n: nodes[n].span, reverse=True):
            event, site = graph.events.get(node), graph.calls.get(node)
            if event is not None and event.kind in _LOOKING and (single or event.request is None):
                return Beat(event, graph.graph.function, event.span)
            for target in site.targets if site is not None and depth else ():
                if _LOOKING & self._program.may(target.function):
                    inner = self._program.graph(target.function)
                    every = range(len(inner.graph.nodes))
                    found = self._last_test(inner, every, depth - 1, single=single)
                    if found is not None:
                        return found
        return None

    def at(self, graph: EventGraph, node: int) -> tuple[Beat, ...]:
        """What ``node`` does: its event, or what its call does on the fullest way."""
        return max(self._walks.at(graph, node), key=_does)

    def last_write(self, beat: Beat, mode: str) -> Beat | None:
        """The last write of ``mode`` in the text of the function of ``beat``."""
        keys = self._program.function_named(beat.function, beat.span.path)
        graph = self._program.graph(keys[0]) if keys else None
        events = graph.events.values() if graph is not None else ()
        writes = [Beat(each, beat.function, each.span) for each in events]
        return max((each for each in writes if each.mode == mode), key=lambda each: each.span, default=None)

    def _deciding(self, function: str, way: tuple[Beat, ...]) -> tuple[Beat, ...]:
        """``way`` of ``function``, whose looks at the mode know in which modes an IPI follows."""
        kinds = [each.kind for each in way]
        if EventKind.IPI not in kinds or not any(map(looks, way)):
            return way
        if function not in self._sends:
            modes = self._vocabulary.modes
            decisions = Decisions(self._program, self._vocabulary, modes[_IN])
            self._sends[function] = decisions.sending(function, modes.values())
        sends = self._sends[function]
        return tuple(replace(each, sends=sends) if looks(each) else each for each in way)

    def beats(
        self,
        steps: tuple[RawStep, ...],
        simulator: Simulator,
        begins: Callable[[Beat], bool],
        *,
        over: EventKind | None = None,
        first: bool = False,
    ) -> tuple[Beat, ...]:
        """The events of a trail, calls taken apart, in order; from the last on that ``begins`` something.

        Or from the ``first`` on. With ``over`` there has to be such an event behind it. The trail's own
        end is no beginning. Barriers in what the trail did not go into are looked for only where they count,
        and so are tests in the vCPU's own thread, where the automaton does not care for tests.
        """
        found = _open(list(self._beats(steps, simulator)))
        heeds = {each.on for each in simulator.machine.automaton.transition}
        walks = self._fences if heeds & _LOOKING or not simulator.own_thread else self._looks
        known = [(n, each) for n, each in enumerate(found) if isinstance(each, Beat)]
        last = max((n for n, each in known if each.kind is over), default=0 if over else len(found))
        starts = [n for n, each in known[:-1] if begins(each) and n < last]
        way: list[Beat] = []
        for each in found[starts[0 if first else -1] if starts else 0 :]:
            way += [each] if isinstance(each, Beat) else self._passed(walks, *each)
        return tuple(way)

    def _beats(self, steps: tuple[RawStep, ...], simulator: Simulator) -> Iterator[Beat | _Passed]:
        for step in steps:
            function = step.frame[-1].function
            if step.inner:
                yield from self._beats(step.inner, simulator)
            elif step.event is None:
                yield self._program.graph(function), step.node
            else:
                event: Event = self._given(step, step.event)
                if event.kind in _ENDS:  # the node may be an event itself, with the end right behind it
                    graph = self._program.graph(function)
                    own = graph.events.get(step.node)
                    roles = dict(step.frame[-1].binding)
                    if own is not None and concerns(graph, roles, own, simulator.own_thread):
                        yield Beat(own, step.graph.function, own.span)
                beat = Beat(event, step.graph.function, event.span)
                if not _stays_off(step, event):
                    yield replace(beat, ignored=ignored(step, event, simulator.machine))

    def _given(self, step: RawStep, event: Event) -> Event:
        """``event`` with the mode that the caller has handed on, where the text names a parameter."""
        known = dict(step.frame[-1].constants)
        value = event.value
        if event.kind is not EventKind.MODE_WRITE or not isinstance(value, Name) or value.id not in known:
            return event
        mode = self._program.mode_name(known[value.id])
        return replace(event, value=Name(mode)) if mode else event

    def _passed(self, walks: Walks, graph: EventGraph, node: int) -> tuple[Beat, ...]:
        """What ``walks`` see in a call that the trail did not go into: few barriers and many tests."""
        site = graph.calls.get(node)
        if site is None:
            return ()
        ways = [
            way
            for target in site.targets
            if self._program.may(target.function) & walks.seen
            and self._program.length(target.function) <= _SHORT
            for way in walks.of(target.function)
        ]
        return min(ways, key=_least, default=())

    def expanded(self, way: tuple[Beat, ...], *, own: bool, full: bool = False) -> tuple[Beat, ...]:
        """``way`` with events that are calls replaced by what the functions called do.

        Of a kick the way that sends an IPI is taken, or, in the vCPU's ``own`` thread, one
        that changes the mode and sends none; of others the shortest that has the event
        itself in it, or the ``full`` way, on which most is done.
        """
        found: list[Beat] = []
        for beat in way:
            inside = self._inside(beat, own=own, full=full)
            found += [each if each.event is beat.event else replace(each, via=beat) for each in inside]
        return tuple(found)

    def _inside(self, beat: Beat, *, own: bool, full: bool, depth: int = 0) -> tuple[Beat, ...]:
        if beat.kind not in _NAMED or depth > _DEPTH:
            return (beat,)
        further = partial(self._inside, own=own, full=full, depth=depth + 1)
        ways = self.named(beat.event.how, beat.span.path)
        for way in sorted(ways, key=_does, reverse=True) if full else ways:
            kinds = {each.kind for each in way}
            if beat.kind is not EventKind.KICK:
                fits = beat.kind in kinds
            elif own:
                fits = EventKind.MODE_WRITE in kinds and EventKind.IPI not in kinds
            else:
                fits = EventKind.IPI in kinds
            if fits:
                return tuple(inner for each in way for inner in further(each))
        if beat.kind is not EventKind.KICK or own or not ways:
            return (beat,)
        kicking = next((way for way in ways if any(each.kind is EventKind.KICK for each in way)), None)
        if kicking is not None:
            return tuple(inner for each in kicking for inner in further(each))
        # No IPI is seen in it: it stands for one, and may wait for what it looks at.
        return (
            replace(beat, throws=True),
            *(each for each in ways[-1] if each.kind is EventKind.FLAG_TEST),
        )

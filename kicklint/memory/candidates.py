"""Candidate executions: which write each read finds, and in which order the writes of a location come.

What is one location's business alone is decided here: coherence, and that nothing comes
between the two halves of an update.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from kicklint.memory.program import Value
from kicklint.memory.unfold import Event, Trace

START = -1
"""The thread of the writes that stand for what locations hold at the start."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An event of a combination: its thread, its place in it, and its content."""

    thread: int
    place: int
    event: Event


@dataclass(frozen=True, slots=True)
class Choice:
    """For one location: the write that each read finds, and the writes in coherence order."""

    found: tuple[tuple[int, int], ...]
    order: tuple[int, ...]


def combine(traces: tuple[Trace, ...], initial: dict[str, Value]) -> tuple[Placed, ...]:
    """The events of one trace for each thread, behind the initial writes of what they touch."""
    touched = sorted({event.location for trace in traces for event in trace.events if event.location})
    placed = [
        Placed(START, index, Event("W", "initial", name, initial.get(name, 0)))
        for index, name in enumerate(touched)
    ]
    for thread, trace in enumerate(traces):
        placed += [Placed(thread, place, event) for place, event in enumerate(trace.events)]
    return tuple(placed)


def choices(events: tuple[Placed, ...], location: str) -> list[Choice]:
    """Every coherent choice for ``location``."""
    here = [index for index, each in enumerate(events) if each.event.location == location]
    reads = [index for index in here if events[index].event.kind == "R"]
    writes = [index for index in here if events[index].event.kind == "W"]
    found = []
    for order in _orders(events, writes):
        position = {write: place for place, write in enumerate(order)}
        options = [_sources(events, read, here, position) for read in reads]
        for picked in itertools.product(*options):
            sources = dict(zip(reads, picked, strict=True))
            if _reads_in_order(events, sources, position) and _undivided(events, sources, position):
                found.append(Choice(tuple(sources.items()), order))
    return found


def _orders(events: tuple[Placed, ...], writes: list[int]) -> Iterator[tuple[int, ...]]:
    """The orders of ``writes`` that keep each thread's own; the initial write comes first."""
    queues: dict[int, list[int]] = {}
    for write in writes:
        queues.setdefault(events[write].thread, []).append(write)
    first = tuple(queues.pop(START, ()))
    yield from (first + rest for rest in _merged(tuple(tuple(each) for each in queues.values())))


def _merged(queues: tuple[tuple[int, ...], ...]) -> Iterator[tuple[int, ...]]:
    if not any(queues):
        yield ()
        return
    for index, queue in enumerate(queues):
        if queue:
            left = (*queues[:index], queue[1:], *queues[index + 1 :])
            yield from ((queue[0], *rest) for rest in _merged(left))


def _sources(events: tuple[Placed, ...], read: int, here: list[int], position: dict[int, int]) -> list[int]:
    """The writes of its value that ``read`` may find, by where its thread's own writes stand."""
    me = events[read]
    own = [index for index in here if events[index].thread == me.thread and index in position]
    earliest = max((position[index] for index in own if events[index].place < me.place), default=0)
    latest = min((position[index] for index in own if events[index].place > me.place), default=len(position))
    return [
        write
        for write, place in position.items()
        if earliest <= place < latest and events[write].event.value == me.event.value
    ]


def _reads_in_order(events: tuple[Placed, ...], sources: dict[int, int], position: dict[int, int]) -> bool:
    """Whether a thread's reads never go back in coherence order."""
    last: dict[int, int] = {}
    for read, write in sources.items():
        thread = events[read].thread
        if position[write] < last.get(thread, 0):
            return False
        last[thread] = position[write]
    return True


def _undivided(events: tuple[Placed, ...], sources: dict[int, int], position: dict[int, int]) -> bool:
    """Whether each update's write comes right behind the write that its read has found."""
    for write, place in position.items():
        me = events[write]
        if me.event.reads < 0:
            continue
        read = write - (me.place - me.event.reads)
        if position[sources[read]] != place - 1:
            return False
    return True

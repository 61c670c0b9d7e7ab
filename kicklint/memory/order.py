"""An execution to a story: its events in an order in which they can have taken effect.

A store takes effect when other CPUs see it, which may be long after it was executed.
"""

from __future__ import annotations

from dataclasses import dataclass

from kicklint.memory.axioms import Execution
from kicklint.memory.candidates import START
from kicklint.memory.relation import members
from kicklint.memory.unfold import Event


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a story.

    ``delayed`` says that a store is executed here and not seen by others yet;
    ``visible`` that it comes to be seen here; ``early`` that a load is carried out
    before something that stands in front of it.
    """

    thread: int
    event: Event
    delayed: bool = False
    visible: bool = False
    early: bool = False


def story(execution: Execution) -> tuple[Moment, ...]:
    """The accesses of ``execution`` in an order that explains what every load finds."""
    effects = _effects(execution)
    at = {event: place for place, event in enumerate(effects)}
    events = execution.events
    moments: list[Moment] = []
    issued: set[int] = set()
    for event in effects:
        me = events[event]
        older = [
            index
            for index in effects
            if events[index].thread == me.thread and events[index].place < me.place and at[index] > at[event]
        ]
        for index in sorted(older, key=lambda index: events[index].place):
            if events[index].event.kind == "W" and index not in issued:
                issued.add(index)
                moments.append(Moment(me.thread, events[index].event, delayed=True))
        late = event in issued
        early = any(events[index].event.kind == "R" for index in older)
        moments.append(Moment(me.thread, me.event, visible=late, early=early))
    return tuple(moments)


def _effects(execution: Execution) -> list[int]:
    """The accesses in an order in which they take effect, as near to program order as can be."""
    events, size = execution.events, len(execution.events)
    wanted = [
        index for index, each in enumerate(events) if each.thread != START and each.event.kind in ("R", "W")
    ]
    hard = [set(members(row)) for row in execution.before]
    soft: list[set[int]] = [set() for _ in range(size)]
    for order in execution.co.values():
        for place, write in enumerate(order):
            for later in order[place + 1 :]:
                hard[write].add(later)
            for read in (read for read, found in execution.rf.items() if found == write):
                others = (later for later in order[place + 1 :] if _apart(execution, read, later))
                soft[read].update(others)
    done: list[int] = []
    left = list(wanted)
    while left:
        free = [index for index in left if not any(index in hard[other] for other in left if other != index)]
        calm = [index for index in free if not any(index in soft[other] for other in left if other != index)]
        # Where an execution of three threads has no single order, what loads found gives way.
        best = min(calm or free or left, key=lambda index: _urgency(execution, index, left, done))
        left.remove(best)
        done.append(best)
    return done


def _urgency(execution: Execution, index: int, left: list[int], done: list[int]) -> tuple[int, int, int]:
    """In program order; going on with the thread that ran last; earlier threads first."""
    events = execution.events
    me = events[index]
    behind = sum(1 for other in left if events[other].thread == me.thread and events[other].place < me.place)
    switches = bool(done) and events[done[-1]].thread != me.thread
    return (behind, int(switches), me.thread)


def _apart(execution: Execution, one: int, other: int) -> bool:
    return execution.events[one].thread != execution.events[other].thread

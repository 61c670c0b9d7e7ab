"""An execution to the rows that people read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kicklint.base import REQUESTER, VCPU, Row
from kicklint.memory import Execution, Moment, story
from kicklint.race.acts import (
    BLOCK,
    CPU,
    GATE,
    GUEST,
    INSIDE,
    IPI,
    MODE,
    PAGE,
    REQUESTS,
    SLEEP,
    STATE,
    TABLE,
    WORK,
)
from kicklint.race.beats import Beat
from kicklint.race.programs import Act
from kicklint.rulebook import EventKind

_THREADS = (VCPU, REQUESTER, REQUESTER)
_FOUND = {
    CPU: ("not the one on which it is", "the one on which it is"),
    TABLE: ("it is there", "it is gone"),
    PAGE: ("as it was", "it is somebody else's by now"),
    STATE: ("as it was before", "as it was written"),
    SLEEP: ("it does not sleep", "it sleeps"),
    GATE: ("clear", "set"),
    BLOCK: ("clear", "set"),
    INSIDE: ("clear", "set"),
}
_IN = "IN_GUEST_MODE"
_NOT_SENT = ("sends no IPI", "the IPI goes to the CPU that was read")
_NAMES = {MODE: "the store of the mode", REQUESTS: "the request"}


def rows(execution: Execution, doings: Sequence[Beat | Act], modes: Mapping[str, int]) -> tuple[Row, ...]:
    """The story of ``execution``; ``doings`` are what the labels of its events number."""
    return tuple(_rows(execution, doings, {value: name for name, value in modes.items()}))


def _rows(execution: Execution, doings: Sequence[Beat | Act], modes: Mapping[int, str]) -> Iterator[Row]:
    fences = _fences(execution)
    moments = story(execution)
    # A store that waits is told where it is executed, with the read that belongs to it.
    waiting = {(each.thread, each.event.label) for each in moments if each.delayed}
    written = {(each.thread, each.event.label) for each in moments if each.event.kind == "W"}
    told: set[tuple[int, str, bool]] = set()
    for moment in moments:
        label = moment.event.label
        plain = moment.event.location in (GUEST, IPI)
        # An update is told with its write, unless what it has found matters.
        silent = (moment.thread, label) in waiting or moment.event.location in (REQUESTS, WORK)
        halved = (
            moment.event.update and moment.event.kind == "R" and silent and (moment.thread, label) in written
        )
        untaken = moment.event.location == IPI and moment.event.kind == "R" and moment.event.value == 0
        if not label or untaken or (plain and moment.delayed) or halved:
            continue
        if not moment.early and not moment.visible:
            for place, fence in list(fences.get(moment.thread, ())):
                if place < _place(execution, moment):
                    fences[moment.thread].remove((place, fence))
                    yield from _call(moment.thread, doings[int(fence)], told)
                    yield _row(moment.thread, doings[int(fence)], _text(doings[int(fence)]))
        late = moment.visible and not plain
        if (moment.thread, label, late) in told:
            continue
        told.add((moment.thread, label, late))
        doing = doings[int(label)]
        yield from _call(moment.thread, doing, told)
        yield _row(moment.thread, doing, _said(moment, doing, modes, execution, late=late))


def _fences(execution: Execution) -> dict[int, list[tuple[int, str]]]:
    """The fences of each thread that have a line of their own, with their places."""
    accesses = {(each.thread, each.event.label) for each in execution.events if each.event.kind in ("R", "W")}
    found: dict[int, list[tuple[int, str]]] = {}
    for each in execution.events:
        label = each.event.label
        if each.event.kind == "F" and label and (each.thread, label) not in accesses:
            found.setdefault(each.thread, []).append((each.place, label))
    return found


def _call(thread: int, doing: Beat | Act, told: set[tuple[int, str, bool]]) -> Iterator[Row]:
    """The line of the call that ``doing`` is part of, once."""
    via = doing.via if isinstance(doing, Beat) else None
    if via is not None and (thread, repr(via.span), False) not in told:
        told.add((thread, repr(via.span), False))
        yield _row(thread, via, f"calls {via.event.text}")


def _place(execution: Execution, moment: Moment) -> int:
    return next(
        each.place for each in execution.events if each.thread == moment.thread and each.event == moment.event
    )


def _row(thread: int, doing: Beat | Act, text: str) -> Row:
    beat = doing if isinstance(doing, Beat) else doing.near
    whose = "another one: " if thread > 1 else ""
    return Row(_THREADS[thread], f"{whose}{text}", beat.function, beat.span)


def _text(doing: Beat | Act) -> str:
    return doing.event.text if isinstance(doing, Beat) else doing.text


def _said(
    moment: Moment, doing: Beat | Act, modes: Mapping[int, str], execution: Execution, *, late: bool
) -> str:
    event, text = moment.event, _text(doing)
    if late:
        what = (
            _NAMES.get(event.location, "the store") if event.value or event.location == MODE else "the store"
        )
        return f"{what} becomes visible: {text}"
    notes = []
    if event.kind == "R" and event.location == MODE and isinstance(event.value, int):
        notes.append(f"finds {modes.get(event.value, event.value)}")
        if moment.thread and not _sent(execution):
            notes.append(_NOT_SENT[bool(_aimed(execution) and modes.get(event.value) == _IN)])
    elif event.kind == "R" and event.location == REQUESTS and _is_test(doing):
        notes.append("none is pending" if event.value == 0 else "one is pending")
    elif event.kind == "R" and event.location in _FOUND:
        notes.append(_FOUND[event.location][0 if event.value == 0 else 1])
    elif event.kind == "R" and event.location not in (MODE, REQUESTS, IPI) and not event.update:
        notes.append("nothing yet" if event.value == 0 else "finds it")
    elif event.location == IPI and event.kind == "R" and not _is_outside(doing):
        notes.append("the IPI is taken" if event.value else "none has come")
    if moment.early:
        notes.append("carried out early")
    if moment.delayed:
        notes.append("in the store buffer, not visible yet")
    if event.location == GUEST:
        text = f"{text} enters the guest"
    return f"{text}: {', '.join(notes)}" if notes else text


def _is_test(doing: Beat | Act) -> bool:
    if isinstance(doing, Act):
        return doing.what == "guarded"
    return doing.kind in (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME)


def _is_outside(doing: Beat | Act) -> bool:
    """Whether nothing is taken, since what throws the vCPU out is no IPI."""
    return isinstance(doing, Act) and doing.what == "outside"


def _aimed(execution: Execution) -> bool:
    """Whether it matters which CPU an IPI goes to."""
    return any(each.event.location == CPU and each.event.kind == "R" for each in execution.events)


def _sent(execution: Execution) -> bool:
    return any(
        each.event.kind == "W" and each.event.location == IPI and each.event.value == 1
        for each in execution.events
    )

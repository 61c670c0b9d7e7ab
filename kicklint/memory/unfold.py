"""Threads to traces: every way through a thread with every value that its reads may find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from kicklint.memory.errors import Declined
from kicklint.memory.evaluate import apply, evaluate, truth
from kicklint.memory.program import (
    ACQUIRE,
    FULL,
    NO_RETURN,
    ONCE,
    RELEASE,
    Assign,
    Expression,
    Fence,
    If,
    Load,
    Lock,
    Program,
    Register,
    Statement,
    Store,
    TryLock,
    Unlock,
    Update,
    Value,
    leaves,
)

LOCK_READ, LOCK_WRITE, UNLOCK = "LKR", "LKW", "UL"
_TRACES = 20_000
"""Traces of one thread; beyond them the program is too large."""


@dataclass(frozen=True, slots=True)
class Event:
    """One access or fence of a trace.

    ``kind`` is R, W or F; ``order`` its annotation, or the kind of fence; ``lock`` its
    part in a spinlock. ``address``, ``data`` and ``control`` are the places in the trace
    of the reads it depends on; ``reads`` that of the read that an update's write belongs to.
    ``update`` marks both halves of an update, and the read of one that did not happen.
    """

    kind: str
    order: str
    location: str = ""
    value: Value = 0
    lock: str = ""
    address: frozenset[int] = frozenset()
    data: frozenset[int] = frozenset()
    control: frozenset[int] = frozenset()
    reads: int = -1
    update: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """One way through a thread, and what its registers hold at the end."""

    events: tuple[Event, ...]
    registers: dict[str, Value]

    def values(self, kind: str) -> frozenset[tuple[str, Value]]:
        """The locations and values that it reads (R) or writes (W)."""
        return frozenset((each.location, each.value) for each in self.events if each.kind == kind)


_Held: TypeAlias = tuple[Value, frozenset[int]]
_Location: TypeAlias = tuple[str, frozenset[int]]
_NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _State:
    events: tuple[Event, ...]
    registers: dict[str, _Held]
    control: frozenset[int] = _NOTHING

    def add(self, event: Event) -> _State:
        # Written out: this is where the time goes.
        if self.control:
            event = replace(event, control=self.control)
        return _State((*self.events, event), self.registers, self.control)

    def put(self, register: str, value: Value, reads: frozenset[int]) -> _State:
        if not register:
            return self
        return _State(self.events, {**self.registers, register: (value, reads)}, self.control)

    def value(self, expression: Expression) -> _Held:
        reads = _NOTHING
        for leaf in leaves(expression):
            if isinstance(leaf, Register):
                reads |= self._register(leaf)[1]
        return evaluate(expression, lambda leaf: self._register(leaf)[0]), reads

    def _register(self, leaf: Expression) -> _Held:
        if not isinstance(leaf, Register):
            raise Declined(f"{leaf} inside a thread")
        return self.registers.get(leaf.name, (0, _NOTHING))


class Unfolding:
    """The traces of a program's threads."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._domain: dict[str, set[Value]] = {name: {value} for name, value in program.initial}
        self.traces: list[list[Trace]] = [[] for _ in program.threads]
        again = set(range(len(program.threads)))
        # A value that is computed from others needs at most one write after the other.
        for _ in range(_stores(tuple(each for thread in program.threads for each in thread.statements)) + 1):
            for index in again:
                self.traces[index] = self._of(index)
            learnt = self._learn()
            again = {index for index, traces in enumerate(self.traces) if _read(traces) & learnt}
            if not again:
                break

    def initial(self, location: str) -> Value:
        """What ``location`` holds at the start."""
        return dict(self._program.initial).get(location, 0)

    def _learn(self) -> set[str]:
        """Take in the values that are written; the locations that may hold more of them than before."""
        new = set()
        for traces in self.traces:
            for event in (each for trace in traces for each in trace.events if each.kind == "W"):
                values = self._values(event.location)
                if event.value not in values:
                    new.add(event.location)
                    values.add(event.value)
        return new

    def _values(self, location: str) -> set[Value]:
        return self._domain.setdefault(location, {0})

    def _of(self, index: int) -> list[Trace]:
        given = {
            name: (value, _NOTHING) for thread, name, value in self._program.registers if thread == index
        }
        found = []
        for state in self._run(self._program.threads[index].statements, _State((), given)):
            found.append(Trace(state.events, {name: value for name, (value, _) in state.registers.items()}))
            if len(found) > _TRACES:
                raise Declined("a thread with too many outcomes")
        return found

    def _run(self, statements: tuple[Statement, ...], state: _State) -> Iterator[_State]:
        if not statements:
            yield state
            return
        for after in self._step(statements[0], state):
            yield from self._run(statements[1:], after)

    def _step(self, statement: Statement, state: _State) -> Iterator[_State]:
        match statement:
            case Assign():
                yield state.put(statement.register, *state.value(statement.value))
            case Fence():
                yield state.add(Event("F", statement.kind, label=statement.label))
            case If():
                value, reads = state.value(statement.condition)
                arm = statement.then if truth(value) else statement.otherwise
                inside = _State(state.events, state.registers, state.control | reads)
                for after in self._run(arm, inside):
                    yield _State(after.events, after.registers, state.control)
            case Load():
                yield from self._load(statement, state)
            case Store():
                location, address = self._location(statement.address, state)
                value, data = state.value(statement.value)
                yield state.add(
                    Event(
                        "W",
                        statement.order,
                        location,
                        value,
                        address=address,
                        data=data,
                        label=statement.label,
                    )
                )
            case Unlock():
                location, address = self._location(statement.address, state)
                yield state.add(
                    Event("W", RELEASE, location, 0, UNLOCK, address=address, label=statement.label)
                )
            case Lock():
                yield from self._lock(statement.address, "", state, statement.label, wait=True)
            case TryLock():
                yield from self._lock(
                    statement.address, statement.register, state, statement.label, wait=False
                )
            case Update():
                yield from self._update(statement, state)

    def _location(self, address: Expression, state: _State) -> _Location:
        value, reads = state.value(address)
        if not isinstance(value, str):
            raise Declined(f"an access to the address {value}")
        return value, reads

    def _load(self, load: Load, state: _State) -> Iterator[_State]:
        location, address = self._location(load.address, state)
        place = len(state.events)
        for value in sorted(self._values(location), key=str):
            event = Event("R", load.order, location, value, address=address, label=load.label)
            if load.locked:
                event = replace(event, lock="LF" if truth(value) else "RU")
            yield state.add(event).put(load.register, value, frozenset({place}))

    def _lock(
        self, address: Expression, register: str, state: _State, label: str, *, wait: bool
    ) -> Iterator[_State]:
        location, reads = self._location(address, state)
        place = len(state.events)
        found = frozenset({place})
        taken = state.add(Event("R", ACQUIRE, location, 0, LOCK_READ, address=reads, label=label))
        taken = taken.add(Event("W", ONCE, location, 1, LOCK_WRITE, address=reads, reads=place, label=label))
        yield taken.put(register, 1, found)
        if not wait:
            failed = state.add(Event("R", ONCE, location, 1, "LF", address=reads, label=label))
            yield failed.put(register, 0, found)

    def _update(self, update: Update, state: _State) -> Iterator[_State]:
        location, address = self._location(update.address, state)
        operand, data = state.value(update.operand)
        expected = state.value(update.expected)[0] if update.expected is not None else None
        reading = update.order if update.order in (ACQUIRE, NO_RETURN) else ONCE
        writing = RELEASE if update.order == RELEASE else ONCE
        for value in sorted(self._values(location), key=str):
            if expected is not None and value != expected:
                # An update that does not happen is a read that orders nothing.
                place = len(state.events)
                failed = state.add(
                    Event("R", ONCE, location, value, address=address, update=True, label=update.label)
                )
                yield failed.put(update.register, value, frozenset({place}))
                continue
            current = state
            if update.order == FULL:
                current = current.add(Event("F", FULL))
            place = len(current.events)
            written = apply(update.operator, value, operand)
            depends = data if update.operator == "=" else data | {place}
            current = current.add(
                Event("R", reading, location, value, address=address, update=True, label=update.label)
            )
            current = current.add(
                Event(
                    "W",
                    writing,
                    location,
                    written,
                    address=address,
                    data=depends,
                    reads=place,
                    update=True,
                    label=update.label,
                )
            )
            if update.order == FULL:
                current = current.add(Event("F", FULL))
            yield current.put(update.register, written if update.new else value, frozenset({place}))


def _read(traces: list[Trace]) -> set[str]:
    """The locations that ``traces`` read."""
    return {each.location for trace in traces for each in trace.events if each.kind == "R"}


def _stores(statements: tuple[Statement, ...]) -> int:
    """How many writes a run of ``statements`` can have."""
    total = 0
    for each in statements:
        if isinstance(each, If):
            total += _stores(each.then) + _stores(each.otherwise)
        elif isinstance(each, Store | Update | Lock | TryLock | Unlock):
            total += 1
    return total

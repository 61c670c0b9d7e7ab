"""A thread's events to statements of the memory model.

The locations are the mode, the requests (one of them is set or not), ``work`` (what a
kick without a request is for), ``state`` (what a request announces), ``ipi`` (an IPI is
on its way, or has thrown the guest out) and ``guest`` (the guest was entered).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kicklint.flow import Const
from kicklint.memory import (
    Constant,
    Expression,
    Fence,
    If,
    Load,
    Operation,
    Register,
    Statement,
    Store,
    Update,
)
from kicklint.race.acts import CPU, GUEST, IPI, MODE, REQUESTS, WORK, statements, store, taken
from kicklint.race.ways import Beat
from kicklint.rulebook import EventKind, Order

_FENCES = {Order.FULL: "mb", Order.WRITE: "wmb", Order.READ: "rmb", Order.COMPILER: "barrier"}
_SRCU = {"srcu": "srcu-unlock", "after-srcu": "after-srcu-read-unlock"}
_LOADS = {Order.ACQUIRE: "acquire"}
_STORES = {Order.RELEASE: "release"}
_UPDATES = {Order.FULL: "mb", Order.ON_SUCCESS: "mb", Order.ACQUIRE: "acquire", Order.RELEASE: "release"}
_IN, _EXITING = "IN_GUEST_MODE", "EXITING_GUEST_MODE"


class Unknown(Exception):
    """The tree does not hold what is needed, or it was not understood."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a thread does beside what the code's events say.

    ``what`` is a word of ``acts.py``, or guarded: ``inner`` are the beats that are done only
    when a request is pending.
    """

    what: str
    text: str
    near: Beat
    inner: tuple[Beat, ...] = ()


class Script:
    """Turns what one thread does into statements. ``labels`` number the doings over all threads.

    With ``moving`` it matters which CPU an IPI is sent to, with ``publishing`` where the
    vCPU says that it is.
    """

    def __init__(
        self,
        modes: Mapping[str, int],
        doings: list[Beat | Act],
        *,
        moving: bool = False,
        publishing: bool = False,
    ) -> None:
        self._moving = moving
        self._publishing = publishing
        self._cpu: Register | None = None
        self._modes = modes
        self._doings = doings
        self._registers = 0

    def vcpu(self, way: tuple[Beat | Act, ...], begin: int = 0) -> tuple[Statement, ...]:
        """The vCPU's thread from ``begin`` on; behind a test it goes on only if nothing was found."""
        for place in range(begin, len(way)):
            made, guard = self._vcpu_step(way[place], way[:place])
            if made or guard is not None:
                onward = self.vcpu(way, place + 1)
                return (*made, If(guard, onward)) if guard is not None and onward else (*made, *onward)
        return ()

    def _vcpu_step(
        self, each: Beat | Act, before: tuple[Beat | Act, ...]
    ) -> tuple[tuple[Statement, ...], Expression | None]:
        label = self._label(each)
        if isinstance(each, Act):
            return self._act(each, label)
        match each.kind:
            case EventKind.REQUEST_TEST | EventKind.REQUEST_CONSUME if not each.request:
                register = self._register()
                load = Load(register.name, Constant(REQUESTS), _order(_LOADS, each, "once"), label=label)
                return (load,), None if each.ignored else Operation("==", (register, Constant(0)))
            case EventKind.MODE_READ if _announced(before):
                register = self._register()
                load = Load(register.name, Constant(MODE), _order(_LOADS, each, "once"), label=label)
                return (load,), Operation("!=", (register, Constant(self._modes[_EXITING])))
            case EventKind.INTERRUPTS_ON if _announced(before):
                return (taken(label),), None
            case EventKind.GUEST_ENTRY:
                if any(isinstance(one, Beat) and one.kind is EventKind.GUEST_ENTRY for one in before):
                    left = Act("left", "the guest is left, by an IPI if one was on its way", each)
                    again = Store(Constant(GUEST), Constant(1), label=label)
                    return (taken(self._label(left)), again), None
                return (Store(Constant(GUEST), Constant(1), label=label),), None
        return self._common(each, label), None

    def requester(self, way: tuple[Beat | Act, ...]) -> tuple[Statement, ...]:
        """The other thread: an IPI is sent only if the mode that was read allows it."""
        for place, each in enumerate(way):
            label = self._label(each)
            guard: Expression | None = None
            made: tuple[Statement, ...]
            if isinstance(each, Act):
                made, guard = self._act(each, label)
            elif each.kind is EventKind.IPI:
                made = self._sent(label)
            elif each.kind is EventKind.CPU_READ and self._moving:
                self._cpu = self._register()
                made = (Load(self._cpu.name, Constant(CPU), label=label),)
            elif self._decides(each, way[place + 1 :]):
                register = self._register()
                made = self._decision(each, register, label)
                guard = Operation("==", (register, Constant(self._modes[_IN])))
                onward = self.requester(way[place + 1 :])
                sent, behind = _until_sent(onward)
                return (*made, If(guard, sent), *behind)
            else:
                made = self._common(each, label)
            if made or guard is not None:
                onward = self.requester(way[place + 1 :])
                return (*made, If(guard, onward)) if guard is not None and onward else (*made, *onward)
        return ()

    def _sent(self, label: str) -> tuple[Statement, ...]:
        """An IPI is sent: to the right CPU, if that is the one that was read."""
        sent = store(IPI, 1, label)
        return (sent,) if self._cpu is None else (If(Operation("==", (self._cpu, Constant(1))), (sent,)),)

    @staticmethod
    def _decides(each: Beat, rest: tuple[Beat | Act, ...]) -> bool:
        """Whether the mode that ``each`` finds says whether an IPI is sent."""
        looks = each.kind is EventKind.MODE_READ or (each.kind is EventKind.MODE_WRITE and each.event.atomic)
        later = [other for other in rest if isinstance(other, Beat)]
        for other in later:
            if other.kind is EventKind.IPI:
                return looks
            if other.kind is EventKind.MODE_READ or (
                other.kind is EventKind.MODE_WRITE and other.event.atomic
            ):
                return False
        return False

    def _decision(self, each: Beat, register: Register, label: str) -> tuple[Statement, ...]:
        if each.kind is EventKind.MODE_READ:
            return (Load(register.name, Constant(MODE), _order(_LOADS, each, "once"), label=label),)
        return (self._exchange(each, register.name, label),)

    def _exchange(self, each: Beat, register: str, label: str) -> Update:
        value, expected = self._value(each), None
        if each.event.expected is not None:
            expected = Constant(self._modes[_IN])
        order = _order(_UPDATES, each, "once")
        return Update(register, Constant(MODE), "=", Constant(value), expected, order=order, label=label)

    def _common(self, each: Beat, label: str) -> tuple[Statement, ...]:
        """What an event is whoever's thread it is in; nothing for what is no access."""
        order = each.attribute("order")
        match each.kind:
            case EventKind.MODE_WRITE if each.event.atomic:
                return (self._exchange(each, "", label),)
            case EventKind.MODE_WRITE:
                value = Constant(self._value(each))
                store = Store(Constant(MODE), value, _order(_STORES, each, "once"), label=label)
                return (store, Fence("mb", label)) if order == Order.FULL else (store,)
            case EventKind.CPU_WRITE if self._publishing and each.attribute("cpu") == "thread_cpu":
                here = Constant(int(each.attribute("to") == "some"))
                publishes = Store(Constant(CPU), here, _order(_STORES, each, "once"), label=label)
                return (publishes, Fence("mb", label)) if order == Order.FULL else (publishes,)
            case EventKind.REQUEST_MAKE:
                return self._set(each, REQUESTS, label)
            case EventKind.FLAG_MAKE:
                return self._set(each, WORK, label)
            case EventKind.BARRIER:
                kind = _SRCU.get(each.attribute("via")) or _FENCES.get(Order(order or Order.NONE))
                return (Fence(kind, label),) if kind else ()
        return ()

    def _value(self, each: Beat) -> int:
        """The mode that is written. Raises Unknown where it comes from elsewhere."""
        value = each.event.value
        if isinstance(value, Const):
            return value.value
        if each.mode not in self._modes:
            raise Unknown(each.event.text)
        return self._modes[each.mode]

    def _set(self, each: Beat, location: str, label: str) -> tuple[Statement, ...]:
        """A request is made, or a flag set: by an atomic operation, or stored."""
        order = each.attribute("order")
        if order == Order.FULL:
            return (Update("", Constant(location), "=", Constant(1), order="mb", label=label),)
        if each.event.how == "plain":
            return (Store(Constant(location), Constant(1), label=label),)
        kind = "release" if order == Order.RELEASE else "noreturn"
        return (Update("", Constant(location), "+", Constant(1), order=kind, label=label),)

    def _act(self, act: Act, label: str) -> tuple[tuple[Statement, ...], Expression | None]:
        if act.what != "guarded":
            return statements(act.what, label, self._register)
        register = self._register()
        load = Load(register.name, Constant(REQUESTS), label=label)
        inner = tuple(each for beat in act.inner for each in self._common(beat, self._label(beat)))
        return (load, If(Operation("!=", (register, Constant(0))), inner)), None

    def _label(self, each: Beat | Act) -> str:
        self._doings.append(each)
        return str(len(self._doings) - 1)

    def _register(self) -> Register:
        self._registers += 1
        return Register(f"r{self._registers}")


def _order(orders: Mapping[Order, str], each: Beat, default: str) -> str:
    word = each.attribute("order")
    return orders.get(Order(word), default) if word else default


def _announced(before: tuple[Beat | Act, ...]) -> bool:
    return any(
        isinstance(each, Beat) and each.kind is EventKind.MODE_WRITE and each.mode == _IN for each in before
    )


def _until_sent(statements: tuple[Statement, ...]) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """``statements`` up to the one that sends the IPI, and those behind it."""
    for place, each in enumerate(statements):
        sent = each.then[0] if isinstance(each, If) and each.then else each
        if isinstance(sent, Store) and sent.address == Constant(IPI):
            return statements[: place + 1], statements[place + 1 :]
    return statements, ()

"""A thread's events to statements of the memory model.

The locations are the mode, the requests (one of them is set or not), ``work`` (what a
kick without a request is for), ``state`` (what a request announces), ``ipi`` (an IPI is
on its way, or has thrown the guest out) and ``guest`` (the guest was entered).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

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
    both,
)
from kicklint.race.acts import (
    ANSWER,
    CPU,
    GUEST,
    IPI,
    MODE,
    PAGE,
    REQUESTS,
    SECOND,
    USED,
    WORK,
    send,
    statements,
    store,
    taken,
)
from kicklint.race.beats import Beat, looks
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


@dataclass(frozen=True, slots=True)
class Setting:
    """What matters in a program beside the mode and the requests.

    With ``moving`` it matters which CPU an IPI is sent to, with ``publishing`` where the
    vCPU says that it is; with ``handling`` the vCPU goes on where a test finds the request, and
    what it consumes is gone. ``flags`` have locations of their own, as in Race; ``waits`` is
    the one whose being clear is what the other thread waits for. ``ipi`` is the location of the IPI.
    """

    modes: Mapping[str, int]
    moving: bool = False
    publishing: bool = False
    handling: bool = False
    flags: Mapping[str, str] = field(default_factory=dict)
    waits: str = ""
    interlocked: bool = False
    ipi: str = IPI


class Script:
    """Turns what one thread does into statements. ``labels`` number the doings over all threads."""

    def __init__(self, setting: Setting, doings: list[Beat | Act]) -> None:
        self._setting = setting
        self._modes = setting.modes
        self._cpu: Register | None = None
        self._doings = doings
        self._registers = 0

    def vcpu(self, way: tuple[Beat | Act, ...], begin: int = 0) -> tuple[Statement, ...]:
        """The vCPU's thread from ``begin`` on; behind a test it goes on only if nothing was found."""
        for place in range(begin, len(way)):
            made, guard = self._vcpu_step(way[place], way[:place])
            if made or guard is not None:
                onward = self.vcpu(way, place + 1)
                if _is_window(made) and _is_window(onward[:1]):
                    return onward  # the instants are one
                return (*made, If(guard, onward)) if guard is not None and onward else (*made, *onward)
        return ()

    def _vcpu_step(
        self, each: Beat | Act, before: tuple[Beat | Act, ...]
    ) -> tuple[tuple[Statement, ...], Expression | None]:
        label = self._label(each)
        if isinstance(each, Act):
            return self._act(each, label)
        handling = self._setting.handling
        match each.kind:
            case EventKind.REQUEST_CONSUME if handling:
                return self._consumed(each, before, label)
            case EventKind.FLAG_TEST if self._setting.flags:
                return self._inhibited(each, label)
            case EventKind.REQUEST_TEST | EventKind.REQUEST_CONSUME if handling or not each.request:
                register = self._register()
                load = Load(register.name, Constant(REQUESTS), _order(_LOADS, each, "once"), label=label)
                found = Operation("!=" if handling else "==", (register, Constant(0)))
                return (load,), None if each.ignored else found
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

    def _consumed(
        self, each: Beat, before: tuple[Beat | Act, ...], label: str
    ) -> tuple[tuple[Statement, ...], Expression | None]:
        """A request is taken: by what finds it, or behind a test that has found it."""
        order = "mb" if each.attribute("order") == Order.FULL else "once"
        if any(isinstance(one, Beat) and one.kind is EventKind.REQUEST_TEST for one in before):
            order = "noreturn" if order == "once" else order
            return (Update("", Constant(REQUESTS), "=", Constant(0), order=order, label=label),), None
        register = self._register()
        taken = Update(register.name, Constant(REQUESTS), "=", Constant(0), order=order, label=label)
        return (taken,), Operation("!=", (register, Constant(0)))

    def _inhibited(self, each: Beat, label: str) -> tuple[tuple[Statement, ...], Expression | None]:
        """A look at flags: the thread goes on only if those that it looks at are clear."""
        flags = self._setting.flags
        named = each.attribute("looks").split() or [each.attribute("flag")]
        made: list[Statement] = []
        guards: list[Expression] = []
        for name, place in flags.items():
            if name in named or (named == ["any"] and name != self._setting.waits):
                register = self._register()
                made.append(Load(register.name, Constant(place), label=label))
                guards.append(Operation("==", (register, Constant(0))))
        return tuple(made), None if each.ignored or not guards else both(*guards)

    def second(self, way: tuple[Beat | Act, ...]) -> tuple[Statement, ...]:
        """Another thread that does the same as the other one, with registers of its own."""
        self._registers, self._cpu = 0, None
        self._setting = replace(self._setting, ipi=SECOND)
        return self.requester(way)

    def requester(self, way: tuple[Beat | Act, ...]) -> tuple[Statement, ...]:
        """The other thread: an IPI is sent only if the mode that was read allows it."""
        for place, each in enumerate(way):
            label = self._label(each)
            guard: Expression | None = None
            made: tuple[Statement, ...]
            if isinstance(each, Act):
                made, guard = self._act(each, label)
            elif each.kind is EventKind.IPI or each.throws:
                made = self._sent(label)
            elif each.kind is EventKind.REQUEST_CONSUME:
                made = (store(REQUESTS, 0, label),)  # it is taken back
            elif self._waits(each):
                # It is the last look that is waited with.
                last = not any(isinstance(one, Beat) and self._waits(one) for one in way[place + 1 :])
                made = self._waited(label) if last else ()
            elif each.kind is EventKind.CPU_READ and (self._setting.moving or self._setting.publishing):
                self._cpu = self._register()
                made = (Load(self._cpu.name, Constant(CPU), label=label),)
            elif self._decides(each, way[place + 1 :]):
                register = self._register()
                made = self._decision(each, register, label)
                return (*made, *self._decided(each, register, way[place + 1 :]))
            else:
                made = self._common(each, label)
            if made or guard is not None:
                onward = self.requester(way[place + 1 :])
                return (*made, If(guard, onward)) if guard is not None and onward else (*made, *onward)
        return ()

    def _decided(self, each: Beat, register: Register, rest: tuple[Beat | Act, ...]) -> tuple[Statement, ...]:
        """What follows a look at the mode; a page is freed once an IPI that was sent is answered."""
        sends = {self._modes[_IN]} if each.sends is None else each.sends
        guard = _one_of(register, sends, frozenset(self._modes.values()))
        sent, behind = _until_sent(self.requester(rest))
        freed = next((one for one in rest if isinstance(one, Act) and one.what == "freed"), None)
        if freed is None:
            return (If(guard, sent), *behind)
        label = self._label(freed)
        answer = self._register()
        waits = Load(answer.name, Constant(ANSWER), "acquire", label=label)
        gone = (store(PAGE, 1, label),)
        told = If(Operation("!=", (answer, Constant(0))), gone)
        return (If(guard, (*sent, waits, told), gone),)

    def _waits(self, each: Beat) -> bool:
        flag = each.attribute("flag")
        return each.kind is EventKind.FLAG_TEST and flag != "" and flag == self._setting.waits

    def _waited(self, label: str) -> tuple[Statement, ...]:
        """The thread waits while a flag is set; what it waits for has come once it finds it clear."""
        register = self._register()
        place = self._setting.flags[self._setting.waits]
        gone = If(Operation("==", (register, Constant(0))), (store(USED, 1, ""),))
        return (Load(register.name, Constant(place), label=label), gone)

    def _sent(self, label: str) -> tuple[Statement, ...]:
        """An IPI is sent: to the right CPU, if that is the one that was read."""
        sent = send(label, self._setting.ipi)
        return (sent,) if self._cpu is None else (If(Operation("==", (self._cpu, Constant(1))), (sent,)),)

    @staticmethod
    def _decides(each: Beat, rest: tuple[Beat | Act, ...]) -> bool:
        """Whether the mode that ``each`` finds says whether an IPI is sent."""
        for other in (one for one in rest if isinstance(one, Beat)):
            if other.kind is EventKind.IPI:
                return looks(each)
            if looks(other):
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
            case EventKind.CPU_WRITE if self._setting.publishing and each.attribute("cpu") == "thread_cpu":
                here = Constant(int(each.attribute("to") == "some"))
                publishes = Store(Constant(CPU), here, _order(_STORES, each, "once"), label=label)
                return (publishes, Fence("mb", label)) if order == Order.FULL else (publishes,)
            case EventKind.REQUEST_MAKE:
                return self._set(each, REQUESTS, label)
            case EventKind.FLAG_MAKE | EventKind.FLAG_CLEAR if self._setting.flags:
                place = self._setting.flags.get(each.attribute("flag"))
                return self._flag(each, place, label) if place is not None else ()
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

    def _flag(self, each: Beat, place: str, label: str) -> tuple[Statement, ...]:
        """A flag with a location of its own is set or cleared."""
        changed = store(place, int(each.kind is EventKind.FLAG_MAKE), label)
        full = self._setting.interlocked or each.attribute("order") == Order.FULL
        return (Fence("mb", label), changed, Fence("mb", label)) if full else (changed,)

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


def _is_window(made: tuple[Statement, ...]) -> bool:
    """Whether ``made`` is an instant at which an IPI is taken, and nothing else."""
    match made:
        case (Update(register="", address=Constant(value="ipi")),):
            return True
    return False


def _one_of(register: Register, values: Iterable[int], every: frozenset[int]) -> Expression:
    """Whether ``register`` is one of ``values``, which are some of ``every``."""
    wanted = sorted(values)
    others = sorted(every - set(wanted))
    if len(others) == 1:
        return Operation("!=", (register, Constant(others[0])))
    if not others or not wanted:
        return Operation("==", (Constant(int(bool(wanted))), Constant(1)))
    first, *rest = (Operation("==", (register, Constant(each))) for each in wanted)
    whole: Expression = first
    for each in rest:
        whole = Operation("||", (whole, each))
    return whole


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
        if isinstance(sent, Store) and sent.address in (Constant(IPI), Constant(SECOND)):
            return statements[: place + 1], statements[place + 1 :]
    return statements, ()

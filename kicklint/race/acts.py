"""What threads do beside what the events of the code say: acts to statements of the memory model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

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

MODE, REQUESTS, WORK, STATE, IPI, GUEST = "mode", "requests", "work", "state", "ipi", "guest"
# The IPI of a second requester.
SECOND = "second"
# The CPU that a vCPU is to be found on; a page table, a page, the answer to an IPI; and whether something
# that was gone or out of date has been used.
CPU, TABLE, PAGE, ANSWER, USED = "cpu", "table", "page", "answer", "used"
# s390: PROG_REQUEST and PROG_BLOCK_SIE keep a vCPU out of SIE, PROG_IN_SIE says that it may be in.
GATE, BLOCK, INSIDE = "gate", "block", "inside"
# A halted vCPU says that it is about to sleep, and sleeps; it is out of the guest again.
SLEEP, ASLEEP, LEFT = "sleep", "asleep", "left"

TEXTS = {
    "barrier": "smp_mb()",
    "write-barrier": "smp_wmb()",
    "paid": "what was requested before is visible: a full barrier, of a caller",
    "window": "interrupts are on: an IPI that comes here is taken in the host",
    "look": "looks for what the kick is for",
    "work": "there is something to do for the vCPU, and no request for it",
    "state": "writes the state that the request announces",
    "guarded": "tests the requests first",
    "moved": "the vCPU has come to another CPU",
    "publish": "publishes the CPU that it is on",
    "pend": "there is work for the vCPU",
    "pending": "looks for pending work",
    "cpu-ipi": "sends an IPI to the CPU that the vCPU has published",
    "enter": "the vCPU",
    "shut": "sets PROG_REQUEST",
    "bar": "sets PROG_BLOCK_SIE",
    "throw": "exit_sie() throws the vCPU out, if it is in",
    "waits": "exit_sie() waits while PROG_IN_SIE is set",
    "inside": "sets PROG_IN_SIE",
    "gate": "looks at PROG_REQUEST",
    "block": "looks at PROG_BLOCK_SIE",
    "clear": "clears PROG_REQUEST",
    "retest": "tests the requests again",
    "requested": "a request is made",
    "read": "looks for requests",
    "earlier": "a request of the kind is pending from before",
    "handles": "finds the request and takes it",
    "state-look": "reads the state that the request announces",
    "table": "reads an entry of the page table",
    "page": "reads the page that it leads to",
    "answered": "interrupts are on: an IPI that comes here is answered",
    "released": "smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE)",
    "unlink": "takes a page out of the page table",
    "freed": "frees the page",
    "flushed": "frees the page once the vCPU is OUTSIDE_GUEST_MODE or has answered the IPI",
    "sleeps": "says that it is about to sleep: set_current_state() and a full barrier",
    "nothing": "looks whether there is something to go on for",
    "asleep": "sleeps: schedule()",
    "wakes": "a full barrier, and a look whether the vCPU sleeps",
    "leave": "leaves the guest",
    "announces": "smp_store_mb(vcpu->mode, IN_GUEST_MODE)",
    "outside": "is not in the guest: nothing is there to be thrown out",
}

# Where an act looks that goes on only if nothing is there.
_LOOKS = {
    "look": WORK,
    "pending": REQUESTS,
    "read": REQUESTS,
    "retest": REQUESTS,
    "table": TABLE,
    "gate": GATE,
    "block": BLOCK,
    "nothing": STATE,
}

Made: TypeAlias = "tuple[tuple[Statement, ...], Expression | None]"
"""The statements, and the condition under which the thread goes on."""


def statements(what: str, label: str, register: Callable[[], Register]) -> Made:
    """The statements of the act ``what``; none for what a program has no words for."""
    match what:
        case "work" | "state":
            return (store(what, 1, label),), None
        case "barrier" | "write-barrier":
            return (Fence("mb" if what == "barrier" else "wmb", label),), None
        case "window" | "outside":
            return (taken(label),), None
        case "moved":
            return (store(CPU, 1, label), Fence("mb", label)), None
        case "publish":
            return (store(CPU, 1, label),), None
        case "earlier":
            return (), None  # it is there at the start
        case "pend" | "requested":
            return (store(REQUESTS, 1, label),), None
        case "bar" | "freed":
            return (store(BLOCK if what == "bar" else PAGE, 1, label),), None
        case "shut" | "clear":
            return (store(GATE, int(what == "shut"), label),), None
        case "announces":
            return (store(MODE, 1, label), Fence("mb", label)), None
        case "inside" | "sleeps":
            place = INSIDE if what == "inside" else SLEEP
            return (store(place, 1, label), Fence("mb", label)), None
        case "asleep":
            return (store(ASLEEP, 1, label),), None
        case "leave":
            return (store(MODE, 0, label), store(LEFT, 1, label)), None
        case "throw":
            return (send(label),), None
        case "enter":
            return (store(GUEST, 1, label),), None
        case "released":
            return (store(MODE, 0, label, "release"),), None
        case "unlink":
            return (store(TABLE, 1, label),), None
        case _:
            return _reading(what, label, register())


def _reading(what: str, label: str, found: Register) -> Made:
    none, some = Operation("==", (found, Constant(0))), Operation("!=", (found, Constant(0)))
    match what:
        case _ if what in _LOOKS:
            return (_load(found, _LOOKS[what], label),), none
        case "waits":
            return (_load(found, INSIDE, label), If(none, (store(USED, 1, ""),))), None
        case "wakes":
            return (Fence("mb", label), _load(found, SLEEP, label), If(some, (send(label),))), None
        case "handles":
            return (_load(found, REQUESTS, label),), some
        case "state-look":
            return (_load(found, STATE, label), If(none, (store(USED, 1, ""),))), None
        case "page":
            return (_load(found, PAGE, label), If(some, (store(USED, 1, ""),))), None
        case "cpu-ipi":
            return (_load(found, CPU, label), If(some, (send(label),))), None
        case "answered":
            given = If(some, (store(ANSWER, 1, label),))
            return (taken(label, found.name), given), None
        case "flushed":
            answer = Register(f"{found.name}a")
            freed = (store(PAGE, 1, label),)
            waits = (send(label), Load(answer.name, Constant(ANSWER), "acquire", label=label))
            told = If(Operation("!=", (answer, Constant(0))), freed)
            return (_load(found, MODE, label), If(none, freed, (*waits, told))), None
    return (), None


def taken(label: str, register: str = "") -> Statement:
    """The instant at which an IPI can be taken; it does nothing, since the guest is not running."""
    return Update(register, Constant(IPI), "=", Constant(0), Constant(1), order="mb", label=label)


def send(label: str, ipi: str = IPI) -> Statement:
    """An IPI is sent; whoever takes it sees what was written before, on every architecture."""
    return store(ipi, 1, label, "release")


def store(location: str, value: int, label: str, order: str = "once") -> Statement:
    """A store of a number."""
    return Store(Constant(location), Constant(value), order, label=label)


def _load(register: Register, location: str, label: str) -> Statement:
    return Load(register.name, Constant(location), label=label)

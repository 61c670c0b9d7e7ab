"""Programs: threads of loads, stores, updates, fences and branches, and a condition on their end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = int | str
"""What a location or register holds: a number, or the address of the location of that name."""

PLAIN = "plain"
ONCE = "once"
ACQUIRE = "acquire"
RELEASE = "release"
FULL = "mb"
NO_RETURN = "noreturn"
"""An update whose caller gets nothing back; smp_rmb() does not order its read."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or an address."""

    value: Value


@dataclass(frozen=True, slots=True)
class Register:
    """A local variable of the thread."""

    name: str


@dataclass(frozen=True, slots=True)
class Final:
    """In a condition: what a register of ``thread`` holds at the end, or, without a thread, a location."""

    name: str
    thread: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """``operator`` of C put to one or two operands."""

    operator: str
    operands: tuple[Expression, ...]


Expression: TypeAlias = "Constant | Register | Final | Operation"


@dataclass(frozen=True, slots=True)
class Assign:
    """A local computation."""

    register: str
    value: Expression
    label: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """``order`` is PLAIN, ONCE or ACQUIRE. ``locked`` asks whether a spinlock is held."""

    register: str
    address: Expression
    order: str = ONCE
    locked: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """``order`` is PLAIN, ONCE or RELEASE."""

    address: Expression
    value: Expression
    order: str = ONCE
    label: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """A read and a write that nothing comes between.

    ``operator`` says what is written: "=" the operand, any other its result on what was
    read and the operand. With ``expected`` it is written only where that was read.
    ``register`` gets what was read, or with ``new`` what was written. ``order`` is FULL,
    ONCE, ACQUIRE, RELEASE or NO_RETURN.
    """

    register: str
    address: Expression
    operator: str
    operand: Expression
    expected: Expression | None = None
    new: bool = False
    order: str = FULL
    label: str = ""


@dataclass(frozen=True, slots=True)
class Fence:
    """``kind`` is a name of linux-kernel.bell: mb, wmb, rmb, before-atomic, ..."""

    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A spinlock is taken."""

    address: Expression
    label: str = ""


@dataclass(frozen=True, slots=True)
class TryLock:
    """A spinlock is taken if it is free; ``register`` says whether."""

    register: str
    address: Expression
    label: str = ""


@dataclass(frozen=True, slots=True)
class Unlock:
    """A spinlock is given back."""

    address: Expression
    label: str = ""


@dataclass(frozen=True, slots=True)
class If:
    """A branch; what stands in an arm depends on ``condition``, what comes behind does not."""

    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()


Statement: TypeAlias = "Assign | Load | Store | Update | Fence | Lock | TryLock | Unlock | If"


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread; ``name`` is for people."""

    statements: tuple[Statement, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """Threads, what locations (and registers) hold at the start, and a condition on the end.

    ``keep`` leaves the executions out that do not end in it.
    """

    name: str
    threads: tuple[Thread, ...]
    condition: Expression
    initial: tuple[tuple[str, Value], ...] = ()
    registers: tuple[tuple[int, str, Value], ...] = ()
    keep: Expression | None = None


def equal(left: Expression, right: Value) -> Operation:
    """``left`` is ``right``."""
    return Operation("==", (left, Constant(right)))


def both(*parts: Expression) -> Expression:
    """All of ``parts``."""
    whole = parts[0]
    for part in parts[1:]:
        whole = Operation("&&", (whole, part))
    return whole


def conjuncts(expression: Expression) -> list[Expression]:
    """The parts that must all hold."""
    if isinstance(expression, Operation) and expression.operator == "&&":
        return [each for operand in expression.operands for each in conjuncts(operand)]
    return [expression]


def leaves(expression: Expression) -> list[Expression]:
    """The constants, registers and final values in ``expression``."""
    if isinstance(expression, Operation):
        return [each for operand in expression.operands for each in leaves(operand)]
    return [expression]

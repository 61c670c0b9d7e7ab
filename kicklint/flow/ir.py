"""The intermediate representation: expressions without side effects, and instructions.

Every call, watched load and short-circuit operator of C has been taken out of the
expressions into instructions of its own, in the order of evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kicklint.base import Span


@dataclass(frozen=True, slots=True)
class Const:
    """A number that the text itself gives."""

    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, parameter, function or named constant."""

    id: str


@dataclass(frozen=True, slots=True)
class Temp:
    """The result of a call, a watched load or a conditional expression."""

    index: int


@dataclass(frozen=True, slots=True)
class Member:
    """``base.field`` or ``base->field``."""

    base: Expr
    field: str


@dataclass(frozen=True, slots=True)
class Index:
    """``base[index]``."""

    base: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Unary:
    """``*``, ``&``, ``-``, ``~``, ``!`` or ``!!`` (the truth of) applied to ``operand``."""

    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """An arithmetic, bitwise or relational operator."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Opaque:
    """Anything whose value is not followed; ``text`` is for people."""

    text: str


Expr = Const | Name | Temp | Member | Index | Unary | Binary | Opaque


@dataclass(frozen=True, slots=True)
class Call:
    """``dst = callee(args)``. ``name`` is the function or macro, "" when indirect."""

    dst: int
    name: str
    callee: Expr
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class TableCall:
    """``dst = table->member(args)`` through a macro that picks the table's function."""

    dst: int
    member: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """``dst = place``, a read of a watched member."""

    dst: int
    place: Member


@dataclass(frozen=True, slots=True)
class Store:
    """``place op= value``; ``op`` is "" for a plain assignment."""

    place: Expr
    value: Expr
    op: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """Two successors: the condition is true, the condition is false."""

    condition: Expr


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of the successors, for no reason that is followed."""


@dataclass(frozen=True, slots=True)
class Return:
    """Leave the function; the only successor is the exit."""

    value: Expr | None


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing."""


Instruction = Call | TableCall | Load | Store | Branch | Choice | Return | Skip


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a control-flow graph.

    ``statement`` numbers the statement or condition that the node was made for:
    nodes that share it were one expression in C.
    """

    instruction: Instruction
    successors: tuple[int, ...]
    span: Span
    statement: int


@dataclass(frozen=True, slots=True)
class Local:
    """A local variable or parameter and its declared type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class ControlFlowGraph:
    """The control-flow graph of one function.

    Node 0 is the entry; ``exit`` has no successors and is reached by every return
    and by falling off the end. ``problems`` say what could not be represented.
    """

    function: str
    path: str
    parameters: tuple[Local, ...]
    locals: tuple[Local, ...]
    nodes: tuple[Node, ...]
    exit: int
    problems: tuple[str, ...] = ()


def show(expr: Expr, temps: Callable[[int], str] | None = None) -> str:
    """``expr`` as C, for people; ``temps`` gives the text of a result, else it is ``%n``."""
    match expr:
        case Const(value):
            return str(value)
        case Name(name):
            return name
        case Temp(index):
            return temps(index) if temps is not None else f"%{index}"
        case Member(Unary("*", base), field):
            return f"{show(base, temps)}->{field}"
        case Member(base, field):
            return f"{show(base, temps)}.{field}"
        case Index(base, index):
            return f"{show(base, temps)}[{show(index, temps)}]"
        case Unary(op, operand):
            text = show(operand, temps)
            return f"{op}({text})" if isinstance(operand, Binary) else f"{op}{text}"
        case Binary(op, left, right):
            return f"{show(left, temps)} {op} {show(right, temps)}"
        case Opaque(text):
            return text

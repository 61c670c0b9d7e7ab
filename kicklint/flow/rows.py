"""A control-flow graph as rows of JSON, and back.

Expressions are numbered, each once, so that reading them takes no recursion. Lines count from a
line that is handed in, that of the function: a function that was moved has the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kicklint.base import Span
from kicklint.flow.ir import (
    Binary,
    Branch,
    Call,
    Choice,
    Const,
    ControlFlowGraph,
    Expr,
    Index,
    Instruction,
    Load,
    Local,
    Member,
    Name,
    Node,
    Opaque,
    Return,
    Skip,
    Store,
    TableCall,
    Temp,
    Unary,
)

Rows = list[Any]
"""Of JSON."""

_CONST, _NAME, _TEMP, _MEMBER, _INDEX, _UNARY, _BINARY, _OPAQUE = range(8)
_CALL, _TABLE_CALL, _LOAD, _STORE, _BRANCH, _CHOICE, _RETURN, _SKIP = range(8)


def rows_of(graph: ControlFlowGraph, line: int) -> Rows:
    """``graph``, of a function that begins in ``line``, as rows."""
    numbers = _Numbers()
    spans: dict[tuple[int, int, int, int], int] = {}
    nodes: Rows = []
    for node in graph.nodes:
        span = node.span
        place = (span.line - line, span.column, span.end_line - line, span.end_column)
        number = spans.setdefault(place, len(spans))
        nodes.append(
            [list(node.successors), number, node.statement, *_instruction_row(node.instruction, numbers)]
        )
    return [
        graph.function,
        [[each.name, each.type] for each in graph.parameters],
        [[each.name, each.type] for each in graph.locals],
        graph.exit,
        list(graph.problems),
        [list(each) for each in spans],
        numbers.rows,
        nodes,
    ]


def graph_of(rows: Rows, path: str, line: int) -> ControlFlowGraph:
    """The graph that was made ``rows`` of, its function in the file at ``path`` and from ``line`` on.

    Raises ValueError, TypeError or IndexError for rows that are none.
    """
    function, parameters, variables, leave, problems, places, expressions, nodes = rows
    spans = [
        Span(path, first + line, column, last + line, end_column)
        for first, column, last, end_column in places
    ]
    found: list[Expr] = []
    for row in expressions:
        found.append(_expression(row, found))
    return ControlFlowGraph(
        function,
        path,
        tuple(Local(name, kind) for name, kind in parameters),
        tuple(Local(name, kind) for name, kind in variables),
        tuple(
            Node(_instruction(said, found), tuple(successors), spans[place], statement)
            for successors, place, statement, *said in nodes
        ),
        leave,
        tuple(problems),
    )


class _Numbers:
    """Expressions by number, what they are made of before them."""

    def __init__(self) -> None:
        self.rows: Rows = []
        self._numbers: dict[tuple[object, ...], int] = {}

    def __call__(self, expr: Expr) -> int:
        row = self._row(expr)
        if row not in self._numbers:
            self._numbers[row] = len(self.rows)
            self.rows.append(list(row))
        return self._numbers[row]

    def _row(self, expr: Expr) -> tuple[object, ...]:
        match expr:
            case Const(value):
                return _CONST, value
            case Name(name):
                return _NAME, name
            case Temp(index):
                return _TEMP, index
            case Member(base, field):
                return _MEMBER, self(base), field
            case Index(base, inner):
                return _INDEX, self(base), self(inner)
            case Unary(op, operand):
                return _UNARY, op, self(operand)
            case Binary(op, left, right):
                return _BINARY, op, self(left), self(right)
            case Opaque(text):
                return _OPAQUE, text


def _expression(row: Sequence[Any], before: Sequence[Expr]) -> Expr:
    match row:
        case [0, value]:
            return Const(value)
        case [1, name]:
            return Name(name)
        case [2, index]:
            return Temp(index)
        case [3, base, field]:
            return Member(before[base], field)
        case [4, base, index]:
            return Index(before[base], before[index])
        case [5, op, operand]:
            return Unary(op, before[operand])
        case [6, op, left, right]:
            return Binary(op, before[left], before[right])
        case [7, text]:
            return Opaque(text)
    raise ValueError(row)


def _instruction_row(instruction: Instruction, number: Callable[[Expr], int]) -> list[object]:
    match instruction:
        case Call(dst, name, callee, args):
            return [_CALL, dst, name, number(callee), [number(each) for each in args]]
        case TableCall(dst, member, args):
            return [_TABLE_CALL, dst, member, [number(each) for each in args]]
        case Load(dst, place):
            return [_LOAD, dst, number(place)]
        case Store(place, value, op):
            return [_STORE, number(place), number(value), op]
        case Branch(condition):
            return [_BRANCH, number(condition)]
        case Choice():
            return [_CHOICE]
        case Return(value):
            return [_RETURN] if value is None else [_RETURN, number(value)]
        case Skip():
            return [_SKIP]


def _instruction(row: Sequence[Any], exprs: Sequence[Expr]) -> Instruction:
    match row:
        case [0, dst, name, callee, args]:
            return Call(dst, name, exprs[callee], tuple(exprs[each] for each in args))
        case [1, dst, member, args]:
            return TableCall(dst, member, tuple(exprs[each] for each in args))
        case [2, dst, place]:
            member = exprs[place]
            if not isinstance(member, Member):
                raise ValueError(row)
            return Load(dst, member)
        case [3, place, value, op]:
            return Store(exprs[place], exprs[value], op)
        case [4, condition]:
            return Branch(exprs[condition])
        case [5]:
            return Choice()
        case [6]:
            return Return(None)
        case [6, value]:
            return Return(exprs[value])
        case [7]:
            return Skip()
    raise ValueError(row)

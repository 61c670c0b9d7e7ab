"""Which bits of a word are looked at: the constants that every use of what was read masks it with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kicklint.flow import (
    Binary,
    Branch,
    Call,
    ControlFlowGraph,
    Expr,
    Index,
    Instruction,
    Load,
    Member,
    Name,
    Return,
    Store,
    TableCall,
    Temp,
    Unary,
)

_MAX_COPIES = 4


def looked_at(graph: ControlFlowGraph, result: int) -> frozenset[str] | None:
    """The names of the bits of ``result`` (a temporary) that count; None when any bit may.

    Copies of it in locals that are given nothing else are followed.
    """
    variables = {each.name for each in (*graph.parameters, *graph.locals)}
    instructions = [node.instruction for node in graph.nodes]
    return _Masks(instructions, variables).of(Temp(result), _MAX_COPIES)


def added(expr: Expr) -> list[str]:
    """The names whose bits are in ``expr`` for certain: itself, or joined by ``|``."""
    found: list[str] = []
    pending = [expr]
    while pending:
        each = pending.pop()
        if isinstance(each, Name):
            found.append(each.id)
        elif isinstance(each, Binary) and each.op == "|":
            pending += [each.right, each.left]
    return found


def only(expr: Expr) -> frozenset[str] | None:
    """The names that ``expr`` is made of, joined by ``|``; None when there is more in it."""
    if isinstance(expr, Name):
        return frozenset({expr.id})
    if isinstance(expr, Binary) and expr.op == "|":
        left, right = only(expr.left), only(expr.right)
        return None if left is None or right is None else left | right
    return None


class _Masks:
    def __init__(self, instructions: list[Instruction], variables: set[str]) -> None:
        self.instructions = instructions
        self.variables = variables

    def of(self, what: Name | Temp, copies: int) -> frozenset[str] | None:
        """The bits that the uses of ``what`` look at together; None when not known."""
        found: set[str] = set()
        used = False
        for instruction in self.instructions:
            names = self._in(instruction, what, copies)
            if names is None:
                return None
            used = used or bool(names)
            found |= names
        return frozenset(found) if used else None

    def _in(self, instruction: Instruction, what: Name | Temp, copies: int) -> frozenset[str] | None:
        if isinstance(instruction, Store) and instruction.value == what and not instruction.op:
            place = instruction.place
            given = [each for each in self.instructions if isinstance(each, Store) and each.place == place]
            if not isinstance(place, Name | Temp) or len(given) > 1 or not copies:
                return None
            return self.of(place, copies - 1)
        found: set[str] = set()
        for expr in _read(instruction):
            names = self._masked(expr, what)
            if names is None:
                return None
            found |= names
        return frozenset(found)

    def _masked(self, expr: Expr, what: Name | Temp) -> frozenset[str] | None:
        """The bits of ``what`` that ``expr`` depends on; None for any of them."""
        if expr == what:
            return None
        if isinstance(expr, Binary) and expr.op == "&" and what in (expr.left, expr.right):
            names = only(expr.right if expr.left == what else expr.left)
            return None if names is None or names & self.variables else names
        found: set[str] = set()
        for part in _parts(expr):
            names = self._masked(part, what)
            if names is None:
                return None
            found |= names
        return frozenset(found)


def _read(instruction: Instruction) -> Iterator[Expr]:
    """The expressions that ``instruction`` reads."""
    match instruction:
        case Call(_, _, callee, args):
            yield callee
            yield from args
        case TableCall(_, _, args):
            yield from args
        case Load(_, place):
            yield place
        case Store(place, value, op):
            yield value
            if op or not isinstance(place, Name | Temp):
                yield place
        case Branch(condition):
            yield condition
        case Return(value) if value is not None:
            yield value


def _parts(expr: Expr) -> Iterable[Expr]:
    match expr:
        case Member(base, _):
            return (base,)
        case Index(base, index):
            return base, index
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right):
            return left, right
    return ()

"""Expressions to values."""

from __future__ import annotations

from collections.abc import Callable

from kicklint.memory.errors import Declined
from kicklint.memory.program import Constant, Expression, Operation, Value

_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<": lambda a, b: int(a < b),
    ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b),
    ">=": lambda a, b: int(a >= b),
}
_UNARY: dict[str, Callable[[int], int]] = {"-": lambda a: -a, "~": lambda a: ~a, "+": lambda a: a}


def apply(operator: str, left: Value, right: Value) -> Value:
    """The result of a binary operator that needs both sides. Raises Declined."""
    if operator == "=":
        return right
    if operator == "==":
        return int(left == right)
    if operator == "!=":
        return int(left != right)
    if operator not in _ARITHMETIC:
        raise Declined(f"operator {operator}")
    if isinstance(left, str) or isinstance(right, str):
        raise Declined(f"arithmetic on an address ({operator})")
    return _ARITHMETIC[operator](left, right)


def truth(value: Value) -> bool:
    """Whether C takes ``value`` for true; an address is."""
    return value != 0


def evaluate(expression: Expression, look_up: Callable[[Expression], Value]) -> Value:
    """The value of ``expression``; ``look_up`` gives that of a register or final value."""
    if isinstance(expression, Constant):
        return expression.value
    if not isinstance(expression, Operation):
        return look_up(expression)
    values = [evaluate(each, look_up) for each in expression.operands]
    if expression.operator == "!":
        return int(not truth(values[0]))
    if expression.operator == "&&":
        return int(truth(values[0]) and truth(values[1]))
    if expression.operator == "||":
        return int(truth(values[0]) or truth(values[1]))
    if len(values) == 1:
        if isinstance(values[0], str):
            raise Declined(f"arithmetic on an address ({expression.operator})")
        return _UNARY[expression.operator](values[0])
    return apply(expression.operator, values[0], values[1])

"""Abstract values of locals and results: an interval with known bits, or a name.

The domain is deliberately small (property simulation needs no more): integers with
a lower and an upper bound, bits known to be set and values known to be excluded;
named constants whose number is not known; functions, for pointers to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_MAX_EXCLUDED = 8


class Range(NamedTuple):
    """Integers from ``low`` to ``high`` (None: unbounded) with all bits of ``ones``, none of ``excluded``.

    It is a tuple because values are compared and hashed all the time.
    """

    low: int | None
    high: int | None
    ones: int = 0
    excluded: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named constant of unknown number; two different names are different values."""

    name: str


@dataclass(frozen=True, slots=True)
class FunctionPointer:
    """The address of a function."""

    name: str


Value = Range | Symbol | FunctionPointer
"""None stands for any value at all."""

ZERO = Range(0, 0)
ONE = Range(1, 1)
NOT_ZERO = Range(None, None, 0, frozenset({0}))
ERROR_OR_ZERO = Range(None, 0)


def exactly(number: int) -> Range:
    """The value ``number``."""
    return Range(number, number)


def number(value: Value | None) -> int | None:
    """The one integer that ``value`` is, or None."""
    if isinstance(value, Range) and value.low is not None and value.low == value.high:
        return value.low
    return None


def named(value: Value | None) -> str:
    """``value`` as a word: the name or the number that it is, "" when it is not one."""
    if isinstance(value, Symbol):
        return value.name
    exact = number(value)
    return "" if exact is None else str(exact)


def join(left: Value | None, right: Value | None) -> Value | None:
    """The least value that covers both."""
    if left is right or left == right:
        return left
    if not isinstance(left, Range) or not isinstance(right, Range):
        return None
    return _joined(left, right)


@lru_cache(maxsize=4096)  # the same few ranges are joined over and over
def _joined(left: Range, right: Range) -> Range | None:
    low = None if left.low is None or right.low is None else min(left.low, right.low)
    high = None if left.high is None or right.high is None else max(left.high, right.high)
    ones = _ones(left) & _ones(right)
    candidates = left.excluded | right.excluded | {0}
    if low is not None and high is not None and high - low <= _MAX_EXCLUDED:
        candidates |= set(range(low, high + 1))  # a few numbers are kept apart
    excluded = frozenset(
        each for each in candidates if not contains(left, each) and not contains(right, each)
    )
    if low is None and high is None and not ones and not excluded:
        return None
    return Range(low, high, ones, excluded)


def _ones(value: Range) -> int:
    exact = number(value)
    return exact if exact is not None else value.ones


def contains(value: Value | None, candidate: int) -> bool:
    """Whether ``value`` may be the integer ``candidate``."""
    if value is None or isinstance(value, Symbol):
        return True
    if isinstance(value, FunctionPointer):
        return candidate != 0
    return (
        (value.low is None or candidate >= value.low)
        and (value.high is None or candidate <= value.high)
        and candidate & value.ones == value.ones
        and candidate not in value.excluded
    )


def disjoint(left: Value | None, right: Value | None) -> bool:
    """Whether no value is in both."""
    if left is None or right is None:
        return False
    if isinstance(left, Symbol) and isinstance(right, Symbol):
        return left != right
    if not isinstance(left, Range) or not isinstance(right, Range):
        return False
    for one, other in ((left, right), (right, left)):
        exact = number(one)
        if exact is not None:
            return not contains(other, exact)
    return (left.high is not None and right.low is not None and left.high < right.low) or (
        right.high is not None and left.low is not None and right.high < left.low
    )


def truth(value: Value | None) -> bool | None:
    """Whether ``value`` is not zero; None when it may be either."""
    if value is None or isinstance(value, Symbol):
        return None
    if not contains(value, 0):
        return True
    return False if number(value) == 0 else None


def compare(operator: str, left: Value | None, right: Value | None) -> bool | None:
    """The outcome of ``left operator right``; None when it may be either."""
    if operator in ("==", "!="):
        equal: bool | None = None
        if disjoint(left, right):
            equal = False
        elif left is not None and left == right and (number(left) is not None or isinstance(left, Symbol)):
            equal = True
        return equal if equal is None or operator == "==" else not equal
    if not isinstance(left, Range) or not isinstance(right, Range):
        return None
    if operator in (">", ">="):
        left, right = right, left
    strict = operator in ("<", ">")
    below = _before(left.high, right.low, not strict)
    above = _before(right.high, left.low, strict)
    return True if below else False if above else None


def _before(one: int | None, other: int | None, or_equal: bool) -> bool:
    if one is None or other is None:
        return False
    return one <= other if or_equal else one < other


def arithmetic(operator: str, left: Value | None, right: Value | None) -> Value | None:
    """The value of a binary operator that is no comparison."""
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return _exact(operator, one, other)
    if operator == "|":
        ones = (_ones(left) if isinstance(left, Range) else 0) | (
            _ones(right) if isinstance(right, Range) else 0
        )
        # A negative number has all the high bits set, and so has what is or-ed with it.
        return Range(None, -1 if ones < 0 else None, ones, frozenset({0})) if ones else None
    if operator == "&":
        mask = other if other is not None else one
        if mask is not None and mask >= 0:
            return Range(0, mask)
        return None
    if operator == "<<" and isinstance(left, Range) and other is not None and 0 <= other < 64:
        return Range(_shift(left.low, other), _shift(left.high, other), 0, left.excluded & {0})
    if operator in ("+", "-") and isinstance(left, Range) and other is not None:
        delta = other if operator == "+" else -other
        return Range(_add(left.low, delta), _add(left.high, delta))
    return None


def _shift(bound: int | None, count: int) -> int | None:
    return None if bound is None else bound << count


def _add(bound: int | None, delta: int) -> int | None:
    return None if bound is None else bound + delta


_EXACT: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b if 0 <= b < 64 else 0,
    ">>": lambda a, b: a >> b if 0 <= b < 64 else 0,
}


def _exact(operator: str, left: int, right: int) -> Value | None:
    if operator in ("/", "%"):
        if right == 0:
            return None
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return exactly(quotient if operator == "/" else left - quotient * right)
    operation = _EXACT.get(operator)
    return exactly(operation(left, right)) if operation else None


def refine(value: Value | None, operator: str, bound: Value | None) -> Value | None:
    """``value`` where it is known that ``value operator bound`` holds."""
    if isinstance(value, FunctionPointer | Symbol):
        return value
    if operator == "==":
        return bound if bound is not None else value
    if not isinstance(bound, Range):
        return value
    current = value or Range(None, None)
    if operator == "!=":
        exact = number(bound)
        return value if exact is None else _exclude(current, exact)
    low, high = current.low, current.high
    if operator == "<" and bound.high is not None:
        high = _least(high, bound.high - 1)
    elif operator == "<=":
        high = _least(high, bound.high)
    elif operator == ">" and bound.low is not None:
        low = _greatest(low, bound.low + 1)
    elif operator == ">=":
        low = _greatest(low, bound.low)
    return Range(low, high, current.ones, current.excluded)


def _exclude(current: Range, exact: int) -> Range:
    if not contains(current, exact):
        return current  # so that what is equal stays equal
    low, high = current.low, current.high
    if low == exact:
        low += 1
    if high == exact:
        high -= 1
    excluded = current.excluded
    if len(excluded) < _MAX_EXCLUDED:
        excluded |= {exact}
    return Range(low, high, current.ones, excluded)


def _least(left: int | None, right: int | None) -> int | None:
    return right if left is None else left if right is None else min(left, right)


def _greatest(left: int | None, right: int | None) -> int | None:
    return right if left is None else left if right is None else max(left, right)

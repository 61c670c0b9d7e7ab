"""Evaluating expressions, and learning from the way a branch went."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from kicklint.flow import Binary, Const, Expr, Index, Member, Name, Opaque, Temp, Unary, show
from kicklint.typestate.program import Program
from kicklint.typestate.values import (
    NOT_ZERO,
    ONE,
    ZERO,
    FunctionPointer,
    Range,
    Value,
    arithmetic,
    compare,
    exactly,
    number,
    refine,
    truth,
)

Valuation = Mapping[str | int, Value]
"""What is known of locals (by name), results (by number) and #if symbols; absent: anything."""

Compiled = Callable[[Valuation], Value | None]
"""An expression of one function, ready to be evaluated."""

MEMBER = "."
"""What keys of members, elements and pointed-to places begin with.

Those reached through a pointer are forgotten when other code may have changed them.
"""

OUT = f"{MEMBER}*"
"""What keys of places begin with that a parameter points to."""

_EITHER = Range(0, 1)
_RELATIONS = ("==", "!=", "<", "<=", ">", ">=")
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRROR = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Evaluator:
    """Evaluates the expressions of one function of ``program``.

    Those of its ``variables`` that are ``booleans`` are one where they are not zero.
    """

    def __init__(
        self,
        program: Program,
        variables: frozenset[str],
        path: str,
        booleans: frozenset[str | int] = frozenset(),
    ) -> None:
        self.program = program
        self.variables = variables
        self.booleans = booleans
        self.path = path
        # By identity, since hashing an expression walks it; the expression is kept so that it lives.
        self.keys: dict[int, tuple[Expr, str | int | None]] = {}
        self.compiled: dict[int, tuple[Expr, Compiled]] = {}
        self.subjects: dict[int, tuple[Expr, frozenset[str | int]]] = {}
        self.members: set[str | int] = set()
        self.pointed: set[str | int] = set()
        """Those of the ``members`` that are reached through a pointer."""
        self._holding: dict[str, frozenset[str | int]] = {}

    def key(self, expr: Expr) -> str | int | None:
        """The valuation's key of ``expr``: a variable, a member of what one points to, a result."""
        known = self.keys.get(id(expr))
        if known is None:
            known = self.keys[id(expr)] = (expr, self._key(expr))
        return known[1]

    def _key(self, expr: Expr) -> str | int | None:
        if isinstance(expr, Temp):
            return expr.index
        if isinstance(expr, Name):
            return expr.id if expr.id in self.variables or expr.id[:1] == "#" else None
        if isinstance(expr, Member | Index | Unary):
            return self._member(expr)
        return None

    def _member(self, expr: Expr) -> str | None:
        root = expr
        while isinstance(root, Member | Index | Unary):
            if isinstance(root, Unary):
                if root.op != "*":
                    return None
                root = root.operand
            else:
                if isinstance(root, Index) and not isinstance(root.index, Const):
                    return None
                root = root.base
        if isinstance(root, Name) and root.id in self.variables:
            key = MEMBER + show(expr)
            if key not in self.members:
                self.members.add(key)
                self._holding.clear()
                if _pointed(key):
                    self.pointed.add(key)
            return key
        return None

    def holding(self, field: str) -> frozenset[str | int]:
        """The keys of members called ``field``, and of what is in them."""
        found = self._holding.get(field)
        if found is None:
            found = self._holding[field] = frozenset(key for key in self.members if field in str(key))
        return found

    def value(self, expr: Expr | None, known: Valuation) -> Value | None:
        """The value of ``expr``; None when it may be anything."""
        return None if expr is None else self.ready(expr)(known)

    def ready(self, expr: Expr) -> Compiled:
        """What gives the value of ``expr``."""
        compiled = self.compiled.get(id(expr))
        if compiled is None:
            compiled = self.compiled[id(expr)] = (expr, self._compiled(expr))
        return compiled[1]

    def _compiled(self, expr: Expr) -> Compiled:
        """What gives the value of ``expr``, without looking at its shape again."""
        match expr:
            case Const(value):
                exact = exactly(value)
                return lambda _: exact
            case Temp() | Name() | Member() | Index() | Unary("*", _):
                key = self.key(expr)
                if isinstance(expr, Name) and expr.id.startswith("#"):
                    fixed = self.program.constant(expr.id, self.path)
                    if number(fixed) is not None:
                        return lambda _: fixed
                if key is not None:
                    return lambda known: known.get(key)
                if isinstance(expr, Name):
                    name = expr.id
                    return lambda _: self._global(name)
            case Unary("-", operand):
                negated = self._compiled(operand)
                return lambda known: _exactly_or_none(number(negated(known)), operator.neg)
            case Unary("~", operand):
                inverted = self._compiled(operand)
                return lambda known: _exactly_or_none(number(inverted(known)), operator.invert)
            case Unary("&", Name(name)):
                return lambda _: self._function(name)
            case Binary(sign, left, right):
                return _binary(sign, self._compiled(left), self._compiled(right))
            case Opaque(text) if text.startswith('"'):
                return lambda _: NOT_ZERO
        return _anything

    def _global(self, name: str) -> Value | None:
        constant = self.program.constant(name, self.path)
        return constant if constant is not None else self._function(name)

    def _function(self, name: str) -> Value | None:
        return FunctionPointer(name) if self.program.function_named(name, self.path) else None

    def outcome(self, condition: Expr, known: Valuation) -> bool | None:
        """Whether ``condition`` is true; None when it may be either."""
        return truth(self.ready(condition)(known))

    def learnt(self, condition: Expr) -> frozenset[str | int]:
        """The keys of what can be learnt from the outcome of ``condition``."""
        found = self.subjects.get(id(condition))
        if found is None:
            sides: tuple[Expr, ...] = (condition,)
            if self.key(condition) is None and isinstance(condition, Binary):
                sides = (condition.left, condition.right)
            keys = frozenset(key for each in sides if (key := self.key(each)) is not None)
            found = self.subjects[id(condition)] = (condition, keys)
        return found[1]

    def learn(self, condition: Expr, outcome: bool, known: Valuation) -> Valuation:
        """What is known once ``condition`` turned out as ``outcome``."""
        key = self.key(condition)
        if key is not None:
            current = known.get(key)
            there = ONE if key in self.booleans else refine(current, "!=", ZERO)
            learnt = there if outcome else ZERO
            return {**known, key: learnt} if learnt is not None and learnt != current else known
        if isinstance(condition, Binary) and condition.op in _RELATIONS:
            relation = condition.op if outcome else _OPPOSITE[condition.op]
            known = self._relate(condition.left, relation, condition.right, known)
            return self._relate(condition.right, _MIRROR[relation], condition.left, known)
        if isinstance(condition, Binary) and condition.op == "&" and outcome:
            return self._bits(condition, known)
        return known

    def _relate(self, subject: Expr, relation: str, other: Expr, known: Valuation) -> Valuation:
        key = self.key(subject)
        if key is None:
            return known
        current = known.get(key)
        learnt = refine(current, relation, self.value(other, known))
        return known if learnt is None or learnt == current else {**known, key: learnt}

    def _bits(self, condition: Binary, known: Valuation) -> Valuation:
        key = self.key(condition.left)
        mask = number(self.value(condition.right, known))
        if key is None or mask is None or mask <= 0 or mask & (mask - 1):
            return known
        current = known.get(key)
        if current is None:
            return {**known, key: Range(None, None, mask)}
        if isinstance(current, Range):
            return {**known, key: Range(current.low, current.high, current.ones | mask, current.excluded)}
        return known


def _pointed(key: str) -> bool:
    """Whether other code may change the place; what only a parameter points to it cannot reach."""
    if key.startswith(OUT) and key[len(OUT) :].isidentifier():
        return False
    return "->" in key or "*" in key


def _anything(_: Valuation) -> None:
    return None


def _exactly_or_none(exact: int | None, change: Callable[[int], int]) -> Value | None:
    return None if exact is None else exactly(change(exact))


def _binary(sign: str, left: Compiled, right: Compiled) -> Compiled:
    if sign not in _RELATIONS:
        return lambda known: arithmetic(sign, left(known), right(known))

    def relation(known: Valuation) -> Value:
        outcome = compare(sign, left(known), right(known))
        return _EITHER if outcome is None else ONE if outcome else ZERO

    return relation

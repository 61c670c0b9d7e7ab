"""The domain of values, against brute force over small integers: what really happens is always covered."""

from __future__ import annotations

import operator
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from kicklint.typestate.values import (
    FunctionPointer,
    Range,
    Symbol,
    Value,
    arithmetic,
    compare,
    contains,
    disjoint,
    exactly,
    join,
    number,
    refine,
    truth,
)

SMALL = range(-6, 7)
SETTINGS = settings(max_examples=150, deadline=None)

RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def c_divide(left: int, right: int) -> int:
    """Division as in C: towards zero."""
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def c_remainder(left: int, right: int) -> int:
    return left - c_divide(left, right) * right


OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "/": c_divide,
    "%": c_remainder,
    "<<": operator.lshift,
    ">>": operator.rshift,
}
UNDEFINED = ("/", "%")
SHIFTS = ("<<", ">>")


def defined(symbol: str, right: int) -> bool:
    """Whether C gives the operator a meaning for this right operand."""
    return not (symbol in UNDEFINED and right == 0) and not (symbol in SHIFTS and right < 0)


bounds = st.none() | st.integers(min(SMALL), max(SMALL))
ranges = st.builds(
    Range,
    bounds,
    bounds,
    st.sampled_from([0, 0, 0, 1, 2, 4]),
    st.frozensets(st.integers(min(SMALL), max(SMALL)), max_size=3),
)
exact = st.builds(exactly, st.integers(min(SMALL), max(SMALL)))
values: st.SearchStrategy[Value | None] = st.one_of(st.none(), exact, ranges)
others: st.SearchStrategy[Value | None] = st.sampled_from(
    [Symbol("A"), Symbol("B"), FunctionPointer("f"), FunctionPointer("g")]
)
anything = st.one_of(values, others)


def members(value: Value | None) -> list[int]:
    """The small integers that ``value`` may be."""
    return [each for each in SMALL if contains(value, each)]


@SETTINGS
@given(values, values)
def test_join_covers_both(left: Value | None, right: Value | None) -> None:
    joined = join(left, right)
    assert set(members(left)) | set(members(right)) <= set(members(joined))


@SETTINGS
@given(values, values)
def test_join_has_no_sides_and_settles(left: Value | None, right: Value | None) -> None:
    joined = join(left, right)
    assert members(joined) == members(join(right, left))
    assert join(joined, joined) == joined
    assert members(join(joined, right)) == members(joined)


@SETTINGS
@given(anything, anything)
def test_join_with_what_is_no_number(left: Value | None, right: Value | None) -> None:
    joined = join(left, right)
    assert joined == left or joined is None or (isinstance(left, Range) and isinstance(right, Range))


@SETTINGS
@given(values, st.sampled_from(sorted(RELATIONS)), values)
def test_compare_decides_only_what_is_certain(left: Value | None, relation: str, right: Value | None) -> None:
    outcome = compare(relation, left, right)
    if outcome is not None:
        for one in members(left):
            for other in members(right):
                assert RELATIONS[relation](one, other) is outcome


@SETTINGS
@given(exact, st.sampled_from(sorted(RELATIONS)), exact)
def test_compare_decides_numbers(left: Range, relation: str, right: Range) -> None:
    one, other = number(left), number(right)
    assert one is not None
    assert other is not None
    assert compare(relation, left, right) is RELATIONS[relation](one, other)


@SETTINGS
@given(values, st.sampled_from(sorted(RELATIONS)), values)
def test_refine_keeps_what_satisfies(value: Value | None, relation: str, bound: Value | None) -> None:
    refined = refine(value, relation, bound)
    for one in members(value):
        if any(RELATIONS[relation](one, other) for other in members(bound)):
            assert contains(refined, one)


@SETTINGS
@given(values, st.sampled_from(["!=", "<", "<=", ">", ">="]), values)
def test_refine_only_takes_away(value: Value | None, relation: str, bound: Value | None) -> None:
    assert set(members(refine(value, relation, bound))) <= set(members(value))


@SETTINGS
@given(values, exact)
def test_refine_learns_nothing_from_what_cannot_be(value: Value | None, bound: Range) -> None:
    if isinstance(value, Range) and disjoint(value, bound):
        assert refine(value, "!=", bound) == value


@SETTINGS
@given(values, st.sampled_from(sorted(OPERATORS)), values)
def test_arithmetic_covers_every_result(left: Value | None, symbol: str, right: Value | None) -> None:
    result = arithmetic(symbol, left, right)
    for one in members(left):
        for other in members(right):
            if not defined(symbol, other):
                continue
            assert contains(result, OPERATORS[symbol](one, other)), (one, symbol, other)


@SETTINGS
@given(exact, st.sampled_from(sorted(OPERATORS)), exact)
def test_arithmetic_on_numbers_is_that_of_c(left: Range, symbol: str, right: Range) -> None:
    one, other = number(left), number(right)
    assert one is not None
    assert other is not None
    if not defined(symbol, other):
        return
    assert number(arithmetic(symbol, left, right)) == OPERATORS[symbol](one, other)


@SETTINGS
@given(values, values)
def test_disjoint_is_never_claimed_wrongly(left: Value | None, right: Value | None) -> None:
    if disjoint(left, right):
        assert not set(members(left)) & set(members(right))
    if members(left) and members(right):
        assert disjoint(left, right) == disjoint(right, left)


@SETTINGS
@given(values)
def test_truth(value: Value | None) -> None:
    outcome = truth(value)
    if outcome is not None:
        assert all(bool(each) is outcome for each in members(value))


@SETTINGS
@given(exact)
def test_truth_of_numbers(value: Range) -> None:
    assert truth(value) is bool(number(value))


def test_names_are_other_values_than_other_names() -> None:
    assert compare("==", Symbol("A"), Symbol("A")) is True
    assert compare("==", Symbol("A"), Symbol("B")) is False
    assert compare("!=", Symbol("A"), Symbol("B")) is True
    assert compare("<", Symbol("A"), Symbol("B")) is None
    assert compare("==", Symbol("A"), exactly(1)) is None


def test_a_function_is_not_zero_and_itself() -> None:
    assert truth(FunctionPointer("f")) is True
    assert truth(Symbol("A")) is None
    assert compare("==", FunctionPointer("f"), FunctionPointer("g")) in (None, False)


def test_flags_in_a_result() -> None:
    flagged = arithmetic("|", None, exactly(2))
    assert truth(flagged) is True
    assert not contains(flagged, 1)
    assert contains(flagged, 6)
    assert number(arithmetic("&", exactly(6), exactly(4))) == 4

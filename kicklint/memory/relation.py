"""Relations on few events: row i is the set of what i is related to, as the bits of a number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

Relation: TypeAlias = tuple[int, ...]
Events: TypeAlias = int
"""A set of events, as bits."""


def members(events: Events) -> Iterator[int]:
    """The numbers of the events in a set, in order."""
    while events:
        lowest = events & -events
        yield lowest.bit_length() - 1
        events ^= lowest


def pairs(size: int, content: Iterable[tuple[int, int]]) -> Relation:
    """The relation that holds ``content``."""
    rows = [0] * size
    for one, other in content:
        rows[one] |= 1 << other
    return tuple(rows)


def union(*relations: Relation) -> Relation:
    """What any of them holds."""
    rows = list(relations[0])
    for relation in relations[1:]:
        for index, row in enumerate(relation):
            rows[index] |= row
    return tuple(rows)


def common(one: Relation, other: Relation) -> Relation:
    """What both hold."""
    return tuple(a & b for a, b in zip(one, other, strict=True))


def without(one: Relation, other: Relation) -> Relation:
    """What ``one`` holds and ``other`` does not."""
    return tuple(a & ~b for a, b in zip(one, other, strict=True))


def then(*relations: Relation) -> Relation:
    """One after the other: ``;`` of the cat language."""
    whole = relations[0]
    for following in relations[1:]:
        rows = []
        for row in whole:
            left, reached = row, 0
            while left:  # members() written out: this is where the time goes
                lowest = left & -left
                reached |= following[lowest.bit_length() - 1]
                left ^= lowest
            rows.append(reached)
        whole = tuple(rows)
    return whole


def within(first: Events, relation: Relation, last: Events) -> Relation:
    """``[first] ; relation ; [last]``."""
    return tuple(row & last if first >> index & 1 else 0 for index, row in enumerate(relation))


def inverse(relation: Relation) -> Relation:
    """Every pair the other way round."""
    rows = [0] * len(relation)
    for index, row in enumerate(relation):
        for other in members(row):
            rows[other] |= 1 << index
    return tuple(rows)


def maybe(relation: Relation) -> Relation:
    """``relation?``: also every event with itself."""
    return tuple(row | 1 << index for index, row in enumerate(relation))


def closure(relation: Relation) -> Relation:
    """``relation+``."""
    rows = list(relation)
    for middle in range(len(rows)):
        bit, onward = 1 << middle, rows[middle]
        if onward:
            for index, row in enumerate(rows):
                if row & bit:
                    rows[index] = row | onward
    return tuple(rows)


def star(relation: Relation) -> Relation:
    """``relation*``."""
    return maybe(closure(relation))


def acyclic(relation: Relation) -> bool:
    """Whether no event comes back to itself."""
    return irreflexive(closure(relation))


def irreflexive(relation: Relation) -> bool:
    """Whether no event is related to itself."""
    return not any(row >> index & 1 for index, row in enumerate(relation))

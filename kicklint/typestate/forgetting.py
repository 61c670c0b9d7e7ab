"""Valuations with something learnt, joined, or forgotten because other code may have changed it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from kicklint.typestate.evaluate import Valuation
from kicklint.typestate.values import Value, join

EXPECTED = "@expected"
"""The key of what the place held that an exchange is handed a pointer to."""


def without(known: Valuation, keys: AbstractSet[str | int]) -> Valuation:
    """``known`` without what is known of ``keys``."""
    if not keys or keys.isdisjoint(known):
        return known
    return {key: value for key, value in known.items() if key not in keys}


def with_value(known: Valuation, key: str | int, value: Value | None) -> Valuation:
    """``known`` with ``key`` being ``value`` (None: anything)."""
    if value is not None:
        return known if known.get(key) is value else {**known, key: value}
    if key in known:
        return {name: each for name, each in known.items() if name != key}
    return known


def joined(before: Valuation, known: Valuation, widen: bool) -> Valuation:
    """What is known whether ``before`` or ``known`` holds; ``before`` itself when nothing is lost."""
    if known is before:
        return before
    changes: dict[str | int, Value | None] = {}
    find = known.get
    for key, value in before.items():
        other = find(key)
        if other is value or other == value:
            continue
        both = join(value, other) if other is not None else None
        if both != value:
            changes[key] = None if widen else both
    if not changes:
        return before
    merged = {**before, **changes}
    return {key: value for key, value in merged.items() if value is not None}

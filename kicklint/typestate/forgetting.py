"""Valuations with something learnt, joined, or forgotten because other code may have changed it."""

from __future__ import annotations

from kicklint.typestate.evaluate import MEMBER, Valuation
from kicklint.typestate.values import Value, join

EXPECTED = "@expected"
"""The key of what the place held that an exchange is handed a pointer to."""

OUT = f"{MEMBER}*"
"""What keys of places begin with that a parameter points to."""


def without_members(known: Valuation) -> Valuation:
    """``known`` without what is known of places that are reached through a pointer."""
    if any(_pointed(key) for key in known):
        return {key: value for key, value in known.items() if not _pointed(key)}
    return known


def _pointed(key: str | int) -> bool:
    """Whether other code may change the place; what only a parameter points to it cannot reach."""
    if not isinstance(key, str) or not key.startswith(MEMBER):
        return False
    if key.startswith(OUT) and key[len(OUT) :].isidentifier():
        return False
    return "->" in key or "*" in key


def without_member(known: Valuation, field: str) -> Valuation:
    """``known`` without what is known of members called ``field``, and of what is in them."""
    stale = [key for key in known if isinstance(key, str) and key.startswith(MEMBER) and field in key]
    return {key: value for key, value in known.items() if key not in stale} if stale else known


def with_value(known: Valuation, key: str | int, value: Value | None) -> Valuation:
    """``known`` with ``key`` being ``value`` (None: anything)."""
    if value is not None:
        return {**known, key: value}
    if key in known:
        return {name: each for name, each in known.items() if name != key}
    return known


def joined(before: Valuation, known: Valuation, widen: bool) -> Valuation:
    """What is known whether ``before`` or ``known`` holds; ``before`` itself when nothing is lost."""
    if known is before:
        return before
    merged: dict[str | int, Value] = {}
    changed = False
    for key, value in before.items():
        other = known.get(key)
        if other is value:
            merged[key] = value
            continue
        both = join(value, other) if other is not None else None
        if both != value:
            changed = True
            if widen:
                continue
        if both is not None:
            merged[key] = both
    return merged if changed else before

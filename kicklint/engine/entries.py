"""Where a world enters the guest: from the rulebook, or inferred."""

from __future__ import annotations

from collections.abc import Callable, Collection

from kicklint.rulebook import Entry
from kicklint.typestate import Range, Value, contains, number


def entry_names(
    entries: tuple[Entry, ...], mentioned: Collection[str]
) -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    """The functions and the members (with what they hang on) whose call is a guest entry."""
    calls: set[str] = set()
    members: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        present = [name for name in entry.calls if name in mentioned]
        calls.update(present or entry.instead)
        calls.update(entry.calls)
        for member in entry.members:
            members[member] = entry.on
    return frozenset(calls), members


def resumes(entry: Entry, constant: Callable[[str], Value | None]) -> Callable[[Value | None], bool]:
    """Whether a returned value sends the vCPU back into the guest, as ``entry`` says."""

    def accepts(value: Value | None) -> bool:
        if entry.resume_positive:
            return value is None or not isinstance(value, Range) or value.high is None or value.high > 0
        if entry.resume_clear:
            mask = number(constant(entry.resume_clear))
            exact = number(value)
            if mask is None or not isinstance(value, Range):
                return True
            return not (value.ones & mask) and not (exact is not None and exact & mask)
        numbers = [number(constant(name)) for name in entry.resume_equal]
        return any(each is None or contains(value, each) for each in numbers)

    return accepts

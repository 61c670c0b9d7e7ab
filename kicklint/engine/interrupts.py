"""Which functions may come back with interrupts in another state than they were called in.

Almost every function that touches interrupts puts them back as they were. Going into
all of them to see it would make every rule look at half of the kernel; so the words of
the text decide: a function in which interrupts are only turned off, or only turned
on, by itself or by what it calls, may change them. One that turns them off and on again
without having saved what they were leaves them on, even if it was called with them off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kicklint.rulebook import EventKind, Lexicon
from kicklint.syntax import Function
from kicklint.typestate import INTERRUPTS_CHANGE

_MAX_DEPTH = 12


def interrupt_effects(
    functions: Mapping[str, Function],
    lexicon: Lexicon,
    resolve: Callable[[str, str], tuple[str, ...]],
) -> dict[str, set[str]]:
    """For every function (by identifier) that may change interrupts: that class, and in which direction."""
    by_kind: dict[EventKind, set[str]] = {EventKind.INTERRUPTS_OFF: set(), EventKind.INTERRUPTS_ON: set()}
    forced: set[str] = set()
    # What changes interrupts with certain arguments only: these words have to be there too.
    certain: list[tuple[EventKind, frozenset[str]]] = []
    for name, entries in lexicon.calls.items():
        for entry in entries:
            if entry.event in by_kind and entry.where:
                constants = (each for each in entry.where.values() if each.isidentifier())
                certain.append((entry.event, frozenset({name, *constants})))
                continue
            if entry.event in by_kind:
                by_kind[entry.event].add(name)
            if entry.event is EventKind.INTERRUPTS_ON and entry.saved is None and not entry.holds:
                forced.add(name)
    words = by_kind[EventKind.INTERRUPTS_OFF] | by_kind[EventKind.INTERRUPTS_ON]
    done: dict[str, frozenset[EventKind]] = {}

    def own(function: Function) -> set[EventKind]:
        found = {kind for kind, known in by_kind.items() if function.words & known}
        return found | {kind for kind, needed in certain if needed <= function.words}

    names = {function.name for function in functions.values() if function.words & words or own(function)}
    grown = True
    while grown:
        before = len(names)
        names |= {function.name for function in functions.values() if function.words & names}
        grown = len(names) != before and len(names) < len(functions) // 4

    def effect(key: str, depth: int) -> frozenset[EventKind]:
        if key in done:
            return done[key]
        done[key] = frozenset()  # ends circles
        function = functions[key]
        found = own(function)
        if len(found) > 1 and function.words & forced:
            found = {EventKind.INTERRUPTS_ON}
            done[key] = frozenset(found)
            return done[key]
        if depth and len(found) < 2:
            for word in function.words & names:
                for other in resolve(word, function.path):
                    if other != key:
                        found |= effect(other, depth - 1)
        done[key] = frozenset(found) if len(found) == 1 else frozenset()
        return done[key]

    changed = {}
    for key in sorted(functions):
        if functions[key].name in names:
            found = effect(key, _MAX_DEPTH)
            if found:
                changed[key] = {INTERRUPTS_CHANGE, *found}
    return changed

"""Which functions may come back with interrupts in another state than they were called in.

Almost every function that touches interrupts puts them back as they were. Going into
all of them to see it would make every rule look at half of the kernel; so the words of
the text decide: a function in which interrupts are only turned off, or only turned
on, by itself or by what it calls, may change them. One that turns them off and on again
without having saved what they were leaves them on, even if it was called with them off.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set

from kicklint.rulebook import EventKind, Lexicon
from kicklint.syntax import Function
from kicklint.typestate import INTERRUPTS_CHANGE

_MAX_DEPTH = 12
_GUARD = re.compile(r"\w+\((\w+)\)")


def interrupt_effects(
    functions: Mapping[str, Function],
    lexicon: Lexicon,
    resolve: Callable[[str, str], tuple[str, ...]],
    holding: Callable[[Set[str]], Iterable[tuple[str, list[str]]]],
) -> dict[str, set[str]]:
    """For every function (by identifier) that may change interrupts: that class, and in which direction.

    ``holding`` gives for words the functions in whose text each stands.
    """
    own, forced = _own(lexicon, holding)
    names = {functions[key].name for key in own}
    newest = names
    grown = True
    while grown:
        found = {functions[key].name for _, keys in holding(newest) for key in keys} - names
        names = names | found
        newest = found
        grown = bool(found) and len(names) < len(functions) // 4
    called: dict[str, list[str]] = defaultdict(list)
    for word, keys in holding(names):
        for key in keys:
            called[key].append(word)
    done: dict[str, frozenset[EventKind]] = {}

    def effect(key: str, depth: int) -> frozenset[EventKind]:
        if key in done:
            return done[key]
        done[key] = frozenset()  # ends circles
        found = set(own.get(key, ()))
        if len(found) > 1 and key in forced:
            done[key] = frozenset({EventKind.INTERRUPTS_ON})
            return done[key]
        if depth and len(found) < 2:
            for word in sorted(called.get(key, ())):
                for other in resolve(word, functions[key].path):
                    if other != key:
                        found |= effect(other, depth - 1)
        done[key] = frozenset(found) if len(found) == 1 else frozenset()
        return done[key]

    changed = {}
    for key in sorted(functions):
        if functions[key].name in names:
            kinds = effect(key, _MAX_DEPTH)
            if kinds:
                changed[key] = {INTERRUPTS_CHANGE, *kinds}
    return changed


def _own(
    lexicon: Lexicon, holding: Callable[[Set[str]], Iterable[tuple[str, list[str]]]]
) -> tuple[dict[str, set[EventKind]], set[str]]:
    """What functions do to interrupts in their own text, and those that turn them on whatever they were."""
    by_kind: dict[EventKind, set[str]] = {EventKind.INTERRUPTS_OFF: set(), EventKind.INTERRUPTS_ON: set()}
    forcing: set[str] = set()
    # What changes interrupts with certain arguments only: these words have to be there too.
    certain: list[tuple[EventKind, frozenset[str]]] = []
    # What a guard does stands nowhere in the text: its class does, beside a word that takes it.
    forced: list[frozenset[str]] = []
    for name, entries in lexicon.calls.items():
        taking = _taking(name, lexicon.vocabulary.takers)
        for entry in entries:
            if entry.event in by_kind and taking:
                certain += [(entry.event, each) for each in taking]
                forced += taking if entry.event is EventKind.INTERRUPTS_ON and entry.saved is None else []
                continue
            if entry.event in by_kind and entry.where:
                constants = (each for each in entry.where.values() if each.isidentifier())
                certain.append((entry.event, frozenset({name, *constants})))
                continue
            if entry.event in by_kind:
                by_kind[entry.event].add(name)
            if entry.event is EventKind.INTERRUPTS_ON and entry.saved is None and not entry.holds:
                forcing.add(name)
    words: dict[str, set[str]] = defaultdict(set)
    for word, keys in holding(forcing.union(*by_kind.values(), *(needed for _, needed in certain))):
        for key in keys:
            words[key].add(word)
    own: dict[str, set[EventKind]] = {}
    for key, held in words.items():
        found = {kind for kind, known in by_kind.items() if held & known}
        found |= {kind for kind, needed in certain if needed <= held}
        if found:
            own[key] = found
    sure = {key for key, held in words.items() if any(needed <= held for needed in forced)}
    return own, sure | {key for key, held in words.items() if held & forcing}


def _taking(name: str, takers: tuple[str, ...]) -> list[frozenset[str]]:
    """The words that stand together where what ``name`` says of a class of guards is done."""
    guard = _GUARD.fullmatch(name)
    return [frozenset({each, guard[1]}) for each in takers] if guard is not None else []

"""What runs over a world go by, short enough to be kept, and which runs a difference in it may bear on.

A run of a function goes by its text, by what the words in it mean, by what it may do that it calls,
and by a few things that are the same everywhere in a world. Where none of that differs between two
worlds of one architecture, and neither for what is run in turn, the function's summary is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kicklint.engine.focus import with_macros
from kicklint.engine.history import digest
from kicklint.engine.kept import meaning
from kicklint.engine.world import World

# What a function of up to that many lines returns may say whose vCPU it is about (see Lowering).
_ANSWERING = 40

Facts = Mapping[str, Any]
"""Of JSON: ``everywhere`` is a digest of what every run goes by, ``elsewhere`` are members that lead to other
vCPUs, ``texts`` and ``kinds`` have, by path and name, a digest of the text of each function and the number of
its set in ``sets``, the kinds of event that it may hold; ``meanings`` has a digest for every other name."""


@dataclass(frozen=True, slots=True)
class Stale:
    """What is no longer so: ``functions`` (identifiers) whose runs are to be made again, those of them that
    ``read`` differently, and the ``names`` of functions to which a pointer may mean something else."""

    functions: frozenset[str]
    read: frozenset[str]
    names: frozenset[str]


NOTHING = Stale(frozenset(), frozenset(), frozenset())


def files_of(world: World) -> str:
    """A digest of all that the facts of ``world`` follow from, much sooner made than they are."""
    files = [(file.path, file.digest) for file in world.files]
    return digest(repr((files, _everywhere(world), sorted(world.lowering.elsewhere))))


def facts_of(world: World) -> dict[str, Any]:
    """What runs over ``world`` go by."""
    index = world.index
    texts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    kinds: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    digests = {
        id(function): digest
        for file in world.files
        for function, digest in zip(file.functions, file.digests, strict=True)
    }
    sets: dict[frozenset[str], int] = {}
    for key, function in index.functions.items():
        texts[function.path][function.name].append(digests[id(function)])
        number = sets.setdefault(frozenset(index.classes[key]), len(sets))
        kinds[function.path][function.name].append(number)
    return {
        "everywhere": _everywhere(world),
        "elsewhere": sorted(world.lowering.elsewhere),
        "texts": texts,
        "kinds": kinds,
        "sets": [sorted(each) for each in sets],
        "meanings": _meanings(world),
    }


def stale(before: Facts, now: Facts, world: World) -> Stale | None:
    """What of the world with the facts ``before`` no longer holds in ``world``, whose facts are ``now``.

    None when that is everything. Raises KeyError and TypeError for facts that are none.
    """
    if before["everywhere"] != now["everywhere"]:
        return None
    texts = _different_functions(before["texts"], now["texts"])
    kinds = _different_functions(_spelt(before), _spelt(now))
    words = {name for name, said in _either(before["meanings"], now["meanings"]) if said[0] != said[1]}
    words |= set(before["elsewhere"]) ^ set(now["elsewhere"])
    words = with_macros(world, words)
    changed, other = world.index.users(words), set[str]()
    for key, function in world.index.functions.items():
        name = (function.path, function.name)
        if name in texts:
            changed.add(key)
        elif name in kinds:
            other.add(key)
    names = {name for _, name in texts | kinds} | words
    read = frozenset(changed)
    changed |= other
    return Stale(frozenset(changed | _askers(world, changed)), read, frozenset(names))


def _askers(world: World, functions: set[str]) -> set[str]:
    """What calls ``functions``, and what calls those that may answer with what one of them returns."""
    index = world.index
    found: set[str] = set()
    seen: set[str] = set()
    pending = list(functions)
    while pending:
        key = pending.pop()
        if key in seen:
            continue
        seen.add(key)
        for holder in index.leading_to(key):
            if holder.startswith("#"):
                pending.append(holder)
                continue
            found.add(holder)
            if world.length(holder) <= _ANSWERING:
                pending.append(holder)
    return found


def _everywhere(world: World) -> str:
    names = world.lexicon.vocabulary.modes
    functions = world.index.functions
    said = (
        sorted(world.entry_calls),
        sorted(world.entry_members.items()),
        world.inferred,
        sorted(world.required_requests()),
        [(functions[key].path, functions[key].name) for key in world.resuming()],
        [(name, world.constant(name, "")) for name in sorted(names)],
    )
    return digest(repr(said))


def _meanings(world: World) -> dict[str, str]:
    """A digest of what each name stands for in the world."""
    index = world.index
    found: dict[str, list[object]] = defaultdict(list)
    for name, macros in index.macros.items():
        found[name] += [(each.span.path, meaning(each)) for each in macros]
    for name, value in index.enumerators.items():
        found[name].append(value)
    for member, functions in index.members.items():
        for each in functions:
            found[member].append(("", (index.functions[each].path, index.functions[each].name)))
    for name, keys in index.by_name.items():
        found[name] += [(index.functions[each].path, index.functions[each].static) for each in keys]
    return {name: digest(repr(said)) for name, said in found.items()}


def _spelt(facts: Facts) -> dict[str, dict[str, list[list[str]]]]:
    sets = facts["sets"]
    return {
        path: {name: [sets[number] for number in numbers] for name, numbers in names.items()}
        for path, names in facts["kinds"].items()
    }


def _different_functions(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {
        (path, name)
        for path, (old, new) in _either(before, now)
        if old != new
        for name, said in _either(old or {}, new or {})
        if said[0] != said[1]
    }


def _either(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[tuple[str, tuple[Any, Any]]]:
    for name in before.keys() | now.keys():
        yield name, (before.get(name), now.get(name))

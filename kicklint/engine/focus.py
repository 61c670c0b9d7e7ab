"""What a change of a tree can reach: two worlds in, the functions whose runs it may bear on out.

What a run over a program says depends on the functions that it goes into, and on what names
mean there. A run that begins in a function goes down into what may hold an event that counts
or is short enough to be asked for its value, and up into the callers. Where nothing of
that differs between two worlds, the run says the same in both.

Calls are those of the graph of words, so all of this is an upper bound.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from functools import cached_property
from itertools import chain
from typing import TypeVar

from kicklint.engine.index import Index
from kicklint.engine.inference import announces
from kicklint.engine.kept import meaning
from kicklint.engine.world import World
from kicklint.rulebook import Automaton, CallerPays, EventKind, Thread
from kicklint.source import left_out
from kicklint.syntax import Function, SyntaxFile
from kicklint.typestate import Machine

Name = tuple[str, str]
"""A function in any tree: its file and its name."""

Only = Callable[[str], bool]
"""Whether runs that begin in the function of that identifier are wanted."""

# Lines of a function that is run for the value that it returns, levels of callers that may pay for
# a harm, and those that may hand on the mode: as typestate has them.
_FOR_VALUE = 60
_PAYING = 4
_HANDING = 2
_WORD = re.compile(r"[A-Za-z_]\w*")

Key = TypeVar("Key")
_NONE = frozenset[Name]()


class Focus:
    """What differs between two worlds of one architecture, ``before`` and ``after``, and what it reaches."""

    def __init__(self, before: World, after: World) -> None:
        self.worlds = (before, after)
        self.everything = _facts(before, before.paths) != _facts(after, before.paths)
        self._keys = tuple(_by_name(world) for world in self.worlds)
        self.changed = frozenset[Name]() if self.everything else self._changed()
        self._wanted: dict[tuple[frozenset[str], int | None, int | None], frozenset[Name]] = {}
        self._short: dict[int, frozenset[Name]] = {}

    @property
    def nothing(self) -> bool:
        """Whether the two worlds are the same to every rule."""
        return not self.everything and not self.changed

    def only(self, automaton: Automaton) -> tuple[Only, Only] | None:
        """Which runs of ``automaton`` may differ, by where they begin in either world; None if none may.

        A run is wanted in both worlds or in none.
        """
        if self.everything:
            return (lambda _key: True), (lambda _key: True)
        kinds = frozenset().union(*Machine.of(automaton).enabled.values())
        asked = (kinds, automaton.callees, _levels(automaton))
        if asked not in self._wanted:
            self._wanted[asked] = self._from(*asked)
        wanted = self._wanted[asked] & self._beginning(EventKind(automaton.begin.partition(":")[0]))
        before, after = self.worlds
        if not wanted:
            return None
        return (lambda key: _name(before, key) in wanted), (lambda key: _name(after, key) in wanted)

    def reaches(self, kinds: Iterable[str]) -> bool:
        """Whether what leads to something that differs may hold an event of ``kinds``."""
        wanted = set(kinds)
        return self.everything or any(
            world.may(key) & wanted for world, keys in self.functions() for key in _upwards(world, keys)
        )

    def holds(self, kinds: Iterable[str]) -> bool:
        """Whether a function that differs may hold an event of ``kinds``, itself or in what it calls."""
        wanted = set(kinds)
        return self.everything or any(
            wanted & world.may(key) for world, keys in self.functions() for key in keys
        )

    def near(self, up: int, down: int, held: Iterable[str]) -> tuple[Only, Only]:
        """Which functions may be told apart by a difference up to ``up`` calls below, or ``down`` above them.

        Only one call above, unless a function that differs calls something else, or what one of
        the words ``held`` stands in, such as the taking of a lock.
        """
        words = [
            {each for key in keys for each in world.index.functions[key].words}
            for world, keys in self.functions()
        ]
        holds = any(part in word for each in words for word in each for part in held)
        levels = down if holds or words[0] != words[1] else 1
        found: set[Name] = set()
        for at, world in enumerate(self.worlds):
            changed = set(self._of(at, self.changed))
            level, reached = changed, set(changed)
            for _ in range(up):
                level = {caller for key in level for caller in world.callers(key)} - reached
                reached |= level
            found |= {_name(world, key) for key in _below(self._callees[at], reached, 1)}
            below = _below(self._callees[at], changed, levels)
            found |= {_name(world, key) for key in below}
        before, after = self.worlds
        return (lambda key: _name(before, key) in found), (lambda key: _name(after, key) in found)

    def functions(self) -> list[tuple[World, list[str]]]:
        """For each of the worlds, the functions that differ."""
        return [(world, self._of(at, self.changed)) for at, world in enumerate(self.worlds)]

    def _of(self, at: int, names: Iterable[Name]) -> list[str]:
        return [key for name in sorted(names) for key in self._keys[at].get(name, ())]

    def _changed(self) -> frozenset[Name]:
        """The functions whose text differs, or what a word in it means."""
        before, after = self.worlds
        files = _only_in(before, after), _only_in(after, before)
        found = _different_texts(*files)
        words = _different_meanings(self.worlds, files)
        words |= before.lowering.elsewhere ^ after.lowering.elsewhere
        bare = {each.decode() for each in _different(*map(_mentions, files))}
        for world in self.worlds:
            users = world.index.users(with_macros(world, words))
            named = (key for name in bare for key in world.index.by_name.get(name, ()))
            found.update(_name(world, key) for key in (*users, *named))
        return frozenset(found)

    def _from(self, kinds: frozenset[str], limit: int | None, levels: int | None) -> frozenset[Name]:
        """The functions from which a run that heeds ``kinds`` may come to a difference."""
        holding = self._holding
        gained = {
            name for kind in kinds for name in holding[0].get(kind, _NONE) ^ holding[1].get(kind, _NONE)
        }
        starts = self.changed | gained
        held = {name for each in holding for kind in kinds for name in each.get(kind, _NONE)}
        enterable = self._for_value | (held if limit is None else held & self._up_to(limit))
        found: set[Name] = set()
        for at, world in enumerate(self.worlds):
            begins = self._of(at, starts)
            reached = _upwards(world, begins, enterable)
            found |= {_name(world, key) for key in _below(self._callees[at], reached, levels)}
        return frozenset(found)

    def _beginning(self, kind: EventKind) -> set[Name]:
        """The functions in which a run for events of ``kind`` may begin."""
        found: set[Name] = set()
        for world, held in zip(self.worlds, self._holding, strict=True):
            found |= held.get(kind, _NONE)
            found |= {_name(world, key) for key in (*world.implementing(kind), *world.resuming())}
        return found

    @cached_property
    def _holding(self) -> tuple[Mapping[str, frozenset[Name]], ...]:
        """For each of the worlds, by kind of event, the functions that may hold one."""
        return tuple(_holding(world) for world in self.worlds)

    @cached_property
    def _for_value(self) -> frozenset[Name]:
        """The functions that a run may go into for what they return."""
        return frozenset(
            _name(world, key)
            for world in self.worlds
            for key in world.index.functions
            if 0 < world.lines(key) <= _FOR_VALUE
        )

    def _up_to(self, limit: int) -> frozenset[Name]:
        """The functions of no more than ``limit`` lines."""
        if limit not in self._short:
            self._short[limit] = frozenset(
                _name(world, key)
                for world in self.worlds
                for key in world.index.functions
                if world.length(key) <= limit
            )
        return self._short[limit]

    @cached_property
    def _callees(self) -> tuple[Mapping[str, set[str]], ...]:
        return tuple(_callees(world) for world in self.worlds)


def _name(world: World, key: str) -> Name:
    function = world.index.functions[key]
    return function.path, function.name


def _holding(world: World) -> Mapping[str, frozenset[Name]]:
    found: dict[str, set[Name]] = defaultdict(set)
    for key in world.index.functions:
        name = _name(world, key)
        for kind in world.may(key):
            found[kind].add(name)
    return {kind: frozenset(names) for kind, names in found.items()}


def _by_name(world: World) -> dict[Name, list[str]]:
    found: dict[Name, list[str]] = defaultdict(list)
    for key in world.index.functions:
        found[_name(world, key)].append(key)
    return found


def _facts(world: World, paths: tuple[str, ...]) -> tuple[object, ...]:
    """What every run over the world may go by."""
    known = world.rulebook.architecture(world.architecture) is not None
    return (
        world.inferred,
        world.entry_calls,
        world.entry_members,
        world.enters() or announces(world),
        world.required_requests(),
        world.decides(),
        world.domains,
        left_out(world.tree, world.architecture),
        [world.linkage.kernels(path) for path in paths],
        known or world.special_prototypes,
    )


def _different(before: Mapping[Key, object], after: Mapping[Key, object]) -> set[Key]:
    return {each for each in before.keys() | after.keys() if before.get(each) != after.get(each)}


def _only_in(world: World, other: World) -> list[SyntaxFile]:
    """The files of ``world`` that ``other`` has not got as they are."""
    same = {id(file) for file in other.files}
    return [file for file in world.files if id(file) not in same]


def _different_texts(before: Iterable[SyntaxFile], after: Iterable[SyntaxFile]) -> set[Name]:
    """The functions of these files that do not read the same; other white space and comments aside."""
    old, new = _texts(before), _texts(after)
    return {
        name
        for name in _different(
            {name: [digest for _, digest in found] for name, found in old.items()},
            {name: [digest for _, digest in found] for name, found in new.items()},
        )
        if [_text(each) for each, _ in old.get(name, ())] != [_text(each) for each, _ in new.get(name, ())]
    }


def _texts(files: Iterable[SyntaxFile]) -> dict[Name, list[tuple[Function, str]]]:
    """The functions of ``files`` by name, each with a digest of what it goes by."""
    found: dict[Name, list[tuple[Function, str]]] = defaultdict(list)
    for file in files:
        for function, digest in zip(file.functions, file.digests, strict=True):
            found[function.path, function.name].append((function, digest))
    return found


def _text(function: Function) -> tuple[object, ...]:
    bodies = tuple(
        (body.text[body.node.start_byte : body.node.end_byte], body.configuration) for body in function.bodies
    )
    return function.static, function.returns, function.parameters, bodies, function.damage


def _mentions(files: Iterable[SyntaxFile]) -> Counter[bytes]:
    """How often words stand in ``files`` without being called."""
    found: Counter[bytes] = Counter()
    for file in files:
        found.update(file.uncalled)
    return found


def _different_meanings(worlds: tuple[World, World], files: Iterable[list[SyntaxFile]]) -> set[str]:
    """The names that stand for something else in one of ``worlds`` than in the other.

    Of macros and functions those are looked at that are defined in ``files``, in which the worlds differ;
    a member may be given another function by a macro in any of them.
    """
    indices = [world.index for world in worlds]
    found = _different(*(each.enumerators for each in indices))
    found |= _different(*(_pointers(world) for world in worlds))
    names = {each.name for file in chain(*files) for each in file.macros}
    names |= {each.name for file in chain(*files) for each in file.functions}
    found |= _different(*({name: _definitions(each, name) for name in names} for each in indices))
    return found


def _pointers(world: World) -> dict[str, list[Name]]:
    return {
        member: [_name(world, each) for each in functions]
        for member, functions in world.index.members.items()
    }


def _definitions(index: Index, name: str) -> tuple[object, ...]:
    macros = [(each.span.path, meaning(each)) for each in index.macros.get(name, ())]
    functions = [index.functions[key] for key in index.by_name.get(name, ())]
    return macros, [(each.path, each.static) for each in functions]


def with_macros(world: World, words: set[str]) -> set[str]:
    """``words``, the macros that mention one of them, and those that mention such a macro."""
    found = set(words)
    bodies = {
        name: {word for each in macros for word in _WORD.findall(each.body)}
        for name, macros in world.index.macros.items()
        if words
    }
    size = -1
    while size != len(found):
        size = len(found)
        found |= {name for name, held in bodies.items() if held & found}
    return found


def _levels(automaton: Automaton) -> int | None:
    """How far above the function in which it begins a run may look; None for as far as there are callers."""
    if automaton.thread is Thread.OWN:
        return None
    paying = _PAYING if automaton.caller_pays is not CallerPays.NO else 0
    handing = _HANDING if automaton.begin.startswith(EventKind.MODE_WRITE) else 0
    return automaton.climb + paying + handing


def _upwards(world: World, starts: Iterable[str], enterable: Set[Name] | None = None) -> set[str]:
    """``starts`` and what calls them, and what calls that as long as it is ``enterable``."""
    found: set[str] = set()
    handlers = set(world.resuming())
    pending = list(starts)
    while pending:
        key = pending.pop()
        if key not in found:
            found.add(key)
            if enterable is None or key.startswith("#") or _name(world, key) in enterable:
                pending += world.index.leading_to(key)
            if key in handlers:  # assembly calls it, behind the entry
                pending += world.holders(EventKind.GUEST_ENTRY, "")
    return {key for key in found if not key.startswith("#")}


def _callees(world: World) -> Mapping[str, set[str]]:
    """By function what it calls: ``World.callers`` of all functions, turned round."""
    index = world.index
    found: dict[str, set[str]] = defaultdict(set)
    above: dict[str, set[str]] = {}  # of a macro, the functions that it leads to
    for key in index.functions:
        for holder in index.leading_to(key):
            if holder.startswith("#") and holder not in above:
                above[holder] = _holding_macro(index, holder)
            for each in above.get(holder, (holder,)):
                found[each].add(key)
    for key, callees in found.items():
        callees.discard(key)
    return {key: callees for key, callees in found.items() if not world.apart(key)}


def _holding_macro(index: Index, macro: str) -> set[str]:
    """The functions that ``macro`` stands in, itself or in other macros."""
    found: set[str] = set()
    pending = [macro]
    while pending:
        key = pending.pop()
        if key not in found:
            found.add(key)
            pending += index.leading_to(key) if key.startswith("#") else ()
    return {key for key in found if not key.startswith("#")}


def _below(callees: Mapping[str, set[str]], starts: set[str], levels: int | None) -> set[str]:
    """``starts`` and what they call, so many ``levels`` down."""
    found, level = set(starts), set(starts)
    while level and levels != 0:
        level = {each for key in level for each in callees.get(key, ())} - found
        found |= level
        levels = levels - 1 if levels is not None else None
    return found

"""Summaries as they are kept between runs: rows of numbers, and lists of what the numbers stand for."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from kicklint.engine.facts import NOTHING, Stale, facts_of, files_of, stale
from kicklint.engine.history import READING, Group, Row, Use
from kicklint.engine.lasting import Lasting
from kicklint.engine.world import World
from kicklint.events import Role
from kicklint.typestate import (
    Context,
    FunctionPointer,
    ProtocolState,
    Range,
    Recall,
    Summary,
    Symbol,
    Value,
)

_MOST_ROWS = 100_000
# What part of all there is has to be new for all of it to be written again. Some part is never kept.
_WORTH = 0.1
_Kind = TypeVar("_Kind", bound=Hashable)


def remember(world: World, text: bytes | None) -> None:
    """Let ``world`` know the summaries of ``text``, as ``written`` made it, as far as they hold there."""
    history = world.history
    history.names = {
        id(automaton): f"{rule.id}/{number}"
        for rule in world.rulebook.rules
        if not rule.census  # which counts the nodes that its automata came to
        for number, automaton in enumerate(rule.automaton)
    }
    files = files_of(world)
    try:
        said = json.loads(text) if text is not None else {}
        if said.get("files") == files:
            history.facts = said["facts"]
            old: Stale | None = NOTHING
        else:
            history.facts = facts_of(world)
            old = stale(said["facts"], history.facts, world) if said else None
        history.known = _Known(said, world, old) if old is not None else None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        history.facts = facts_of(world)  # somebody else's idea of such a file


def written(world: World, *, complete: bool) -> bytes | None:
    """The summaries of what was run over ``world`` or recalled, and what they go by.

    ``complete`` says that every rule was run over all of it, and that what was not asked for is not needed.
    None when there is not enough new to be worth it, or too much.
    """
    history = world.history
    history.settle()
    if history.known is not None and history.made < _WORTH * history.known.size:
        return None
    found = history.rows(complete=complete)
    places = [(group, context) for group, contexts in found.items() for context in contexts]
    if len(places) > _MOST_ROWS:
        return None
    numbers = {place: number for number, place in enumerate(places)}
    names = world.lasting.of
    functions = _Numbers[Lasting](list)
    notes = {
        what: [[functions(names[key]), said] for key, said in each.items()]
        for what, each in history.notes.items()
    }
    bindings = _Numbers[frozenset[tuple[str, Role]]](lambda binding: sorted(list(each) for each in binding))
    states = _Numbers[ProtocolState](_plain_state)
    values = _Numbers[Value | None](_plain_value)
    pairs = _Numbers[tuple[tuple[str, Value | None], ...]](
        lambda each: [[name, values(one)] for name, one in each]
    )
    rows = []
    for group, context in places:
        row = found[group][context]
        exits = [
            [states(state), values(value), pairs(tuple(row.outs.get(state, {}).items()))]
            for state, value in row.exits.items()
        ]
        about = [functions(names[context.function]), bindings(context.binding), states(context.entry)]
        uses = [numbers[each] for each in row.uses]
        rows.append(
            [*about, pairs(context.constants), exits, uses, int((group, context) in history.circular)]
        )
    said = {
        "files": files_of(world),
        "facts": history.facts,
        "groups": [[_plain_group(group), len(contexts)] for group, contexts in found.items()],
        "rows": rows,
        "notes": notes,
        "functions": functions.listed(),
        "bindings": bindings.listed(),
        "states": states.listed(),
        "pairs": pairs.listed(),  # may come upon new values
        "values": values.listed(),
    }
    return json.dumps(said, separators=(",", ":")).encode("utf-8", "surrogatepass")


class _Numbers(Generic[_Kind]):
    """Values by number, each once; ``plain`` says what is written for one."""

    def __init__(self, plain: Callable[[_Kind], object]) -> None:
        self.plain = plain
        self.numbers: dict[_Kind, int] = {}

    def __call__(self, value: _Kind) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    def listed(self) -> list[object]:
        return [self.plain(each) for each in self.numbers]


class _Known:
    """The summaries of an earlier run that hold in ``world``; see ``written``."""

    def __init__(self, said: Any, world: World, old: Stale) -> None:
        here = world.lasting.keys
        self.functions = [here.get((path, name, number), "") for path, name, number in said["functions"]]
        self.bindings = [frozenset((name, Role(role)) for name, role in each) for each in said["bindings"]]
        self.states = [_state(each) for each in said["states"]]
        values = [_value(each) for each in said["values"]]
        self.pairs = [tuple((name, values[number]) for name, number in each) for each in said["pairs"]]
        self.values = values
        self.rows = said["rows"]
        self.groups: list[Group] = []
        self.starts: dict[Group, tuple[int, int]] = {}
        start = 0
        for plain, count in said["groups"]:
            group = _group(plain)
            self.starts[group] = (start, start + count)
            self.groups += [group] * count
            start += count
        pointers = [
            any(isinstance(one, FunctionPointer) and one.name in old.names for _, one in each)
            for each in self.pairs
        ]
        self.gone = self._gone(old.functions, pointers)
        self.contexts: dict[Group, dict[Context, int]] = {}
        self.notes = {
            what: {
                self.functions[function]: found
                for function, found in each
                if self.functions[function]
                and self.functions[function] not in (old.read if what == READING else old.functions)
            }
            for what, each in said["notes"].items()
        }

    def _gone(self, stale: frozenset[str], pointers: list[bool]) -> bytearray:
        """For every row whether it is no longer so: by itself, or by one that it was made from."""
        bad = [not key or key in stale for key in self.functions]
        users: list[list[int]] = [[] for _ in self.rows]
        pending = []
        for number, (function, _, _, constants, _, uses, _) in enumerate(self.rows):
            for use in uses:
                users[use].append(number)
            if bad[function] or pointers[constants]:
                pending.append(number)
        gone = bytearray(len(self.rows))
        while pending:
            number = pending.pop()
            if not gone[number]:
                gone[number] = 1
                pending += users[number]
        return gone

    def of(self, group: Group) -> Recall | None:
        """See history.Known."""
        rows = self._contexts(group)

        def recall(context: Context) -> Summary | None:
            number = rows.get(context)
            if number is None:
                return None
            exits, outs = self._exits(number)
            return Summary(context, exits=exits, outs=outs, recalled=True)

        return recall if rows else None

    def note(self, what: str, function: str) -> Any:
        """See history.Known."""
        return self.notes.get(what, {}).get(function)

    def carried(self, places: Iterable[Use]) -> Iterator[tuple[Group, Row, bool]]:
        """See history.Known."""
        pending = [self._contexts(group)[context] for group, context in places]
        seen = set(pending)
        while pending:
            number = pending.pop()
            uses = self.rows[number][5]
            new = [each for each in uses if each not in seen]
            seen.update(new)
            pending += new
            exits, outs = self._exits(number)
            places = [(self.groups[each], self._context(each)) for each in uses]
            yield (
                self.groups[number],
                Row(self._context(number), exits, outs, places),
                bool(self.rows[number][6]),
            )

    @property
    def size(self) -> int:
        """See history.Known."""
        return len(self.rows)

    def places(self) -> Iterable[Use]:
        """See history.Known."""
        return [(group, context) for group in self.starts for context in self._contexts(group)]

    def add_notes(self, notes: dict[str, dict[str, Any]]) -> None:
        """See history.Known."""
        for what, found in self.notes.items():
            notes[what] = {**found, **notes.get(what, {})}

    def _contexts(self, group: Group) -> dict[Context, int]:
        if group not in self.contexts:
            first, last = self.starts.get(group, (0, 0))
            self.contexts[group] = {
                self._context(number): number
                for number in range(first, last)
                if not self.gone[number] and not self.rows[number][6]
            }
        return self.contexts[group]

    def _context(self, number: int) -> Context:
        function, binding, state, constants, *_ = self.rows[number]
        pairs = self.pairs[constants]
        return Context(self.functions[function], self.bindings[binding], self.states[state], pairs)

    def _exits(
        self, number: int
    ) -> tuple[dict[ProtocolState, Value | None], dict[ProtocolState, dict[str, Value]]]:
        exits: dict[ProtocolState, Value | None] = {}
        outs: dict[ProtocolState, dict[str, Value]] = {}
        for state, value, written in self.rows[number][4]:
            exits[self.states[state]] = self.values[value]
            outs[self.states[state]] = dict(self.pairs[written])
        return exits, outs


def _plain_group(group: Group) -> list[object]:
    learnt = [group.learnt[0], sorted(group.learnt[1])] if group.learnt is not None else None
    return [group.automaton, sorted(group.excluded), sorted(group.foreign), learnt, group.depth]


def _group(plain: Any) -> Group:
    automaton, excluded, foreign, learnt, depth = plain
    known = (learnt[0], frozenset(learnt[1])) if learnt is not None else None
    return Group(automaton, frozenset(excluded), frozenset(foreign), known, depth)


def _plain_state(state: ProtocolState) -> list[object]:
    assumed = sorted(list(each) for each in state.assumed)
    return [state.state, sorted(state.consumed), state.result, state.interrupts, assumed, state.about]


def _state(plain: Any) -> ProtocolState:
    state, consumed, result, interrupts, assumed, about = plain
    conditions = frozenset((text, outcome) for text, outcome in assumed)
    return ProtocolState(state, frozenset(consumed), result, interrupts, conditions, about)


def _plain_value(value: Value | None) -> object:
    match value:
        case Range(low, high, ones, excluded):
            return [low, high, ones, sorted(excluded)]
        case Symbol(name):
            return name
        case FunctionPointer(name):
            return [name]
    return None


def _value(plain: Any) -> Value | None:
    match plain:
        case [low, high, ones, excluded]:
            return Range(low, high, ones, frozenset(excluded))
        case [name]:
            return FunctionPointer(name)
        case str(name):
            return Symbol(name)
    return None

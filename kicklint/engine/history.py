"""Summaries of an earlier run over a world of the same architecture, and those of this run.

A summary that was recalled has the states in which a function returns, and the values. That is all
a caller needs, and nearly all of the work: the ways to a harm are walked again. So only
what leads to no harm and was wholly understood is kept, with what it was made from; where one of
those is stale, it is, too. What is part of a recursion is kept for that only, and never recalled by itself:
it was made in the order in which the recursion was come to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from kicklint.syntax import DIGEST
from kicklint.typestate import VALUES, Context, ProtocolState, Recall, Runs, Setting, Value

READING = "problems"
"""What could not be understood of a function, whatever it calls (see ``History.noted``)."""


class Group(NamedTuple):
    """Which simulators have their summaries in common: those that run one automaton alike.

    ``automaton`` is its name, "" that of what runs functions for their values.
    """

    automaton: str
    excluded: frozenset[str]
    foreign: frozenset[str]
    learnt: tuple[str, frozenset[str]] | None
    depth: int

    def values(self) -> Group:
        """The group of what runs functions for their values, for this one."""
        return Group("", self.excluded, self.foreign, None, self.depth - 1)


Use = tuple[Group, Context]


@dataclass(slots=True)
class Row:
    """One summary, with the contexts that it was made from, each with its group."""

    context: Context
    exits: dict[ProtocolState, Value | None]
    outs: dict[ProtocolState, dict[str, Value]]
    uses: list[Use]


class Known(Protocol):
    """The summaries of an earlier run that hold in a world."""

    def of(self, group: Group) -> Recall | None:
        """What knows those of ``group``; None where there are none."""

    def note(self, what: str, function: str) -> Any:
        """What was found out of that kind about ``function``; None where that is not known."""

    def carried(self, places: Iterable[Use]) -> Iterator[tuple[Group, Row, bool]]:
        """Those of ``places`` and all that they were made from; and whether each is part of a recursion."""

    @property
    def size(self) -> int:
        """How many there are, those that no longer hold among them."""

    def places(self) -> Iterable[Use]:
        """Where all of them stand."""

    def add_notes(self, notes: dict[str, dict[str, Any]]) -> None:
        """Add to ``notes`` all that is known and not among them."""


@dataclass(slots=True)
class History:
    """The summaries of this time, and those ``known`` of an earlier one. Nothing is noted without ``facts``.

    Automata are told apart by ``names``, what is not named is not kept. ``facts`` is what runs go by,
    ``circular`` what is part of a recursion. ``notes`` are what was found out about single functions, by
    what it is and by function; see ``noted``. ``later`` fills in the rest when it is asked for: of two
    worlds that are compared one may never be run.
    """

    known: Known | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    circular: set[Use] = field(default_factory=set)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    later: Callable[[], None] | None = None
    _runs: list[Runs] = field(default_factory=list)
    _values: list[Runs] = field(default_factory=list)
    _rows: dict[Group, dict[Context, Row]] = field(default_factory=dict)
    _recalled: dict[Use, None] = field(default_factory=dict)
    _dirty: set[Use] = field(default_factory=set)

    def recall(self, runs: Runs) -> Recall | None:
        """Note ``runs``, and give what knows its summaries."""
        self._recollect()
        group = self._group(runs.setting)
        if group is None or not self.facts:
            return None
        (self._runs if group.automaton else self._values).append(runs)
        return self.known.of(group) if self.known is not None else None

    def noted(self, what: str, function: str, find: Callable[[], Any]) -> Any:
        """What ``find`` finds out about ``function``, or found out in an earlier run: of JSON.

        It may go by nothing but the function, what its words mean, and what it calls directly; what is
        found out in READING it not by the last.
        """
        notes = self.notes.setdefault(what, {})
        if function not in notes:
            self._recollect()
            known = self.known.note(what, function) if self.known is not None else None
            notes[function] = find() if known is None else known
        return notes[function]

    def settle(self) -> None:
        """Take what matters out of the summaries of the automata that have run: nobody adds to them."""
        self._take(self._runs)
        self._runs.clear()

    def rows(self, *, complete: bool) -> dict[Group, dict[Context, Row]]:
        """The summaries that may be kept: those of this run, and those recalled with what they go by.

        Unless it was ``complete``, all that were known and still hold.
        """
        self.settle()
        self._take(self._values)
        self._values.clear()
        if self.known is not None:
            carried = self._recalled if complete else self.known.places()
            for group, row, circular in self.known.carried(carried):
                self._rows.setdefault(group, {}).setdefault(row.context, row)
                if circular:
                    self.circular.add((group, row.context))
            if not complete:
                self.known.add_notes(self.notes)
        return _sound(self._rows, self._dirty)

    @property
    def made(self) -> int:
        """How many summaries were made in this run."""
        return sum(len(each) for each in self._rows.values())

    def _recollect(self) -> None:
        later, self.later = self.later, None
        if later is not None:
            later()

    def _group(self, setting: Setting) -> Group | None:
        """The group of a simulator; None for an automaton whose summaries are not kept."""
        name = self._name(setting)
        return None if name is None else Group(name, *setting[1:])

    def _name(self, setting: Setting) -> str | None:
        """The name of a simulator's automaton, "" of what runs functions for their values."""
        return "" if setting.automaton is VALUES.automaton else self.names.get(id(setting.automaton))

    def _take(self, simulators: list[Runs]) -> None:
        """Take what matters out of the summaries of ``simulators``, which may have them in common."""
        circular: dict[tuple[str | None, int], set[Context]] = {}
        for runs in simulators:
            setting = runs.setting
            circular.setdefault((self._name(setting), setting.depth), set()).update(runs.circular)
        # One that was taken over from another kernel has what it asked for values in the runner of that one.
        homes: dict[tuple[int, Context], Group] = {}
        for runs in self._values:
            group = self._group(runs.setting)
            homes.update(((group.depth, each), group) for each in runs.summaries if group is not None)
        for runs in simulators:
            group = self._group(runs.setting)
            assert group is not None
            values = group.values()
            rows = self._rows.setdefault(group, {})
            for context, summary in runs.summaries.items():
                place = (group, context)
                if context in circular[group.automaton, group.depth]:
                    self.circular.add(place)
                if summary.recalled:
                    self._recalled[place] = None
                elif summary.harms or summary.problems or summary.partial:
                    self._dirty.add(place)
                elif context not in rows:
                    uses = [(group, each) for each in summary.uses]
                    uses += [(homes.get((values.depth, each), values), each) for each in summary.valued]
                    rows[context] = Row(context, summary.exits, summary.outs, uses)


def _sound(rows: dict[Group, dict[Context, Row]], dirty: set[Use]) -> dict[Group, dict[Context, Row]]:
    """``rows`` without those that use one of ``dirty``, or one that is not among them."""
    users: dict[Use, list[Use]] = {}
    pending = list(dirty)
    for group, contexts in rows.items():
        for context, row in contexts.items():
            for use in row.uses:
                users.setdefault(use, []).append((group, context))
                if use[1] not in rows.get(use[0], ()):
                    pending.append(use)
    gone: set[Use] = set()
    while pending:
        each = pending.pop()
        if each not in gone:
            gone.add(each)
            pending += users.get(each, ())
    return {
        group: {context: row for context, row in contexts.items() if (group, context) not in gone}
        for group, contexts in rows.items()
    }


def digest(text: str) -> str:
    """Something short that is different for another text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=DIGEST).hexdigest()

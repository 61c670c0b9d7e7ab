"""analyse_edits(trees, request) -> a Report on each, with no more work than their differences take."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from kicklint.base import KicklintError, Report
from kicklint.engine.analysis import AnalysisRequest, report_of
from kicklint.engine.effort import undisturbed
from kicklint.engine.escalation import WorldResult
from kicklint.engine.remembered import Remembered, kept_key
from kicklint.engine.scope import world_paths
from kicklint.engine.sources import Parsed
from kicklint.engine.versions import Versions
from kicklint.engine.workers import KILLED, begin
from kicklint.rulebook import Rulebook, load_rulebook, own_rules
from kicklint.source import KeptTree, SourceTree
from kicklint.store import Store

# The first letters of the keys of what a difference affects.
_FOLDER = "co"
Answer = TypeVar("Answer")
Rules = frozenset[str]
Progress = Callable[[str, int, int], None] | None


def analyse_edits(
    trees: Sequence[SourceTree],
    request: AnalysisRequest,
    parsed: Parsed | None = None,
    *,
    whole: bool = False,
) -> tuple[Report, ...]:
    """The reports on ``trees``, each of which is an edit of the one before.

    A rule that says the same of all of them is left out of all reports, unless they are to be
    ``whole``. ``request.tree`` is not looked at. ``parsed`` is as in an analysis, and of use with one
    process. Raises SourceError.
    """
    rulebook = load_rulebook()
    present = sorted({name for tree in trees for name in tree.architectures()})
    names = [name for name in present if not request.architectures or name in request.architectures]
    if present and not names:
        return tuple(Report(()) for _ in trees)
    chosen = request.select or frozenset(rule.id for rule in rulebook.rules)
    with undisturbed(), _Workers(trees, names or [""], request, parsed) as workers:
        if not whole:
            chosen &= going_by(rulebook, workers.affected(request.select))
        results = workers.results(chosen) if chosen else []
        workers.keep()
    selected = replace(request, select=chosen)
    reports = []
    for at, tree in enumerate(trees):
        said = [result for each in results if (result := each[at]) is not None]
        has = tuple(name for name in names if name in tree.architectures())
        reports.append(replace(report_of(selected, tree, rulebook, said), architectures=has))
    return tuple(reports)


def going_by(rulebook: Rulebook, affected: Rules) -> Rules:
    """``affected``, and the rules whose level goes by one of them."""
    return affected | {
        rule.id
        for rule in rulebook.rules
        if rule.escalation is not None and affected & set(rule.escalation.unless)
    }


@dataclass(slots=True)
class _Held:
    """What one process keeps: the trees, and the architectures that it has opened in them."""

    trees: tuple[SourceTree, ...]
    store: Store | None = None
    parsed: Parsed = field(default_factory=dict)
    versions: dict[str, Versions] = field(default_factory=dict)

    def of(self, name: str) -> Versions:
        """The architecture ``name`` in all trees."""
        if name not in self.versions:
            self.versions[name] = Versions(name, self.trees, load_rulebook(), self.parsed, self.store)
        return self.versions[name]

    def affected(self, name: str, select: Rules) -> Rules:
        """See Versions."""
        return self.of(name).affected(select)

    def results(
        self, name: str, select: Rules, wanted: Mapping[str, Sequence[int]]
    ) -> list[WorldResult | None]:
        """What the rules say of those of the architecture's worlds that are ``wanted``, by their numbers."""
        return [self.of(name).result(number, select) for number in wanted[name]]

    def keep(self, name: str, _select: Rules) -> None:
        """See Versions."""
        self.of(name).keep()


class _Workers:
    """Asks about each architecture in the process that has it, which is always the same."""

    def __init__(
        self,
        trees: Sequence[SourceTree],
        names: Sequence[str],
        request: AnalysisRequest,
        parsed: Parsed | None,
    ) -> None:
        self.trees = trees
        self.names = names
        self.store = request.store
        self.progress = request.progress
        self.done = 0
        self.known = [Remembered(KeptTree(tree), frozenset(), self.store) for tree in trees]
        count = min(request.jobs, len(names))
        held = _Held(tuple(trees), self.store, parsed if parsed is not None else {})
        self.held = held if count == 1 else None
        # What is handed over may hold a process of its own, which no two may talk to.
        data = pickle.dumps(tuple(trees)) if count > 1 else b""
        folder = self.store.folder if self.store is not None else None
        self.pools = [
            ProcessPoolExecutor(1, initializer=_hold, initargs=(data, folder, own_rules()))
            for _ in range(count if count > 1 else 0)
        ]
        self.order = _largest_first(trees, names)
        self.place: dict[str, int] = {}

    def __enter__(self) -> _Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self.pools:
            if error is not None:  # nobody wants what is being worked out any more
                for process in list(pool._processes.values()):
                    process.terminate()
            pool.shutdown(cancel_futures=True)

    def affected(self, select: Rules) -> Rules:
        """The rules that some architecture may be affected in."""
        found: dict[str, Rules] = {}
        keys = {name: self._key(name, select) for name in self.names}
        for name, key in keys.items():
            text = self.store.get(key) if self.store is not None and key else None
            if text is not None:
                found[name] = frozenset(text.decode("ascii", "replace").split())
        missing = [name for name in self.names if name not in found]
        for name, rules in zip(missing, self._each(_Held.affected, select, missing), strict=True):
            found[name] = rules
            if self.store is not None and keys[name]:
                self.store.put(keys[name], " ".join(sorted(rules)).encode())
        return frozenset().union(*found.values())

    def _key(self, name: str, select: Rules) -> str:
        """What it is kept under which rules are affected in an architecture; "" when it is not to be."""
        files = [each.files_of(name).hex() for each in self.known]
        return kept_key(_FOLDER, "affected", name, *sorted(select), "", *files) if all(files) else ""

    def results(self, select: Rules) -> list[list[WorldResult | None]]:
        """What the rules say, by architecture and tree."""
        known = [each.selecting(select) for each in self.known]
        found = {name: [each.find(name) for each in known] for name in self.names}
        missing = {
            name: [number for number, result in enumerate(results) if result is None]
            for name, results in found.items()
            if None in results
        }
        ask = partial(_Held.results, wanted=missing)
        for name, results in zip(missing, self._each(ask, select, list(missing)), strict=True):
            for number, result in zip(missing[name], results, strict=True):
                found[name][number] = result
                if result is not None:
                    known[number].keep(result)
        return [found[name] for name in self.names]

    def keep(self) -> None:
        """Keep what was run for the next time."""
        if self.store is not None:
            there = self.held.versions if self.held is not None else self.place
            self._each(_Held.keep, frozenset(), [name for name in self.names if name in there])

    def _each(
        self, ask: Callable[[_Held, str, Rules], Answer], select: Rules, names: Sequence[str]
    ) -> list[Answer]:
        if self.held is not None:
            answers = []
            for name in names:
                self._said()
                answers.append(ask(self.held, name, select))
            return answers
        try:
            found = self._asked(ask, select, [name for name in self.order if name in names])
        except BrokenProcessPool as broken:
            raise KicklintError(KILLED) from broken
        return [found[name] for name in names]

    def _asked(
        self, ask: Callable[[_Held, str, Rules], Answer], select: Rules, names: Sequence[str]
    ) -> dict[str, Answer]:
        """The answers by architecture. One that no process has yet goes to the first that has time for it."""
        found: dict[str, Answer] = {}
        waiting = [[name for name in names if self.place.get(name) == at] for at in range(len(self.pools))]
        new = [name for name in names if name not in self.place]
        busy: dict[Future[Answer], tuple[str, int]] = {}
        while len(found) < len(names):
            for at, pool in enumerate(self.pools):
                if at in {place for _, place in busy.values()}:
                    continue
                own = waiting[at] or new
                if own:
                    name = own.pop(0)
                    self.place[name] = at
                    busy[pool.submit(_ask, ask, name, select)] = name, at
            for future in wait(busy, return_when=FIRST_COMPLETED).done:
                name, _ = busy.pop(future)
                found[name] = future.result()
                self._said()
        return found

    def _said(self) -> None:
        if self.progress is not None:
            self.done += 1
            self.progress("comparing", self.done, max(2 * len(self.names), self.done))


def _largest_first(trees: Sequence[SourceTree], names: Sequence[str]) -> list[str]:
    """``names`` in the order in which they are best taken up: the architecture with the most files first."""
    paths = trees[0].paths()
    sizes = {name: len(world_paths(paths, name)) for name in names}
    return sorted(names, key=lambda each: (-sizes[each], each))


_held: list[_Held] = []
"""In a process that works for another: what it keeps."""


def _hold(data: bytes, folder: Path | None, own: Path | None) -> None:
    begin(own)
    gc.disable()  # the worlds stay until the process ends
    _held.append(_Held(pickle.loads(data), Store(folder) if folder is not None else None))


def _ask(ask: Callable[[_Held, str, Rules], Answer], name: str, select: Rules) -> Answer:
    return ask(_held[0], name, select)

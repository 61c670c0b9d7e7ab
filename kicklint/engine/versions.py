"""One architecture in several versions of a tree: which rules may say more of one than of the one before.

A rule is not run over whole worlds for that. In the later of two worlds only those runs are made
that what differs may bear on (focus.py). Where nothing is wrong in them there is nothing new; else
they are made in the earlier one, too, and where they end alike, so does everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from kicklint.engine.announced import announced, announcing
from kicklint.engine.census import census, reached
from kicklint.engine.drafts import UNANALYSED, Draft
from kicklint.engine.effort import undisturbed
from kicklint.engine.escalation import WorldResult
from kicklint.engine.flows import Flows
from kicklint.engine.focus import Focus, Only
from kicklint.engine.inference import open_world
from kicklint.engine.opposite import played_otherwise
from kicklint.engine.past import Past
from kicklint.engine.run import damaged, judged, needed
from kicklint.engine.sources import Parsed, Sources
from kicklint.engine.witness import values_learnt
from kicklint.engine.world import World
from kicklint.rulebook import EventKind, Rulebook, RuleInfo
from kicklint.source import SourceTree
from kicklint.store import Store
from kicklint.typestate import Outcome, RawStep, Violation, search

_REQUESTS = (EventKind.REQUEST_MAKE, EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME)
_ANNOUNCING = (EventKind.REQUEST_MAKE, EventKind.REQUEST_CONSUME)


class Versions:
    """The worlds of ``architecture`` in ``trees``, each of which is an edit of the one before.

    A tree that has nothing of the architecture has no world. ``parsed`` is used and filled with the
    files that were parsed, and so is ``store``. What is kept there of earlier runs is not run again.
    ``base`` are versions that begin with the same tree, whose first world is taken. ``said`` is what all
    rules say of it, where that is known.
    """

    def __init__(
        self,
        architecture: str,
        trees: Sequence[SourceTree],
        rulebook: Rulebook,
        parsed: Parsed,
        store: Store | None = None,
        base: Versions | None = None,
        said: WorldResult | None = None,
    ) -> None:
        self.rulebook = rulebook
        self.said = said
        self.past = Past(store, trees[-1].root) if store is not None else None
        self.flows: Flows | None = base.flows if base is not None else None
        if base is None and self.past is not None:
            self.flows = self.past.flows(architecture)
        self.sources: list[Sources | None] = base.sources[:1] if base is not None else []
        self.worlds: list[World | None] = base.worlds[:1] if base is not None else []
        with undisturbed():
            for tree in trees[len(self.worlds) :]:
                there = architecture in (tree.architectures() or ("",)) and tree.paths()
                sources = Sources(tree, None, parsed, store) if there else None
                self.sources.append(sources)
                if sources is None:
                    self.worlds.append(None)
                    continue
                sources.flows = self.flows
                world = open_world(architecture, rulebook, sources, self.worlds[-1] if self.worlds else None)
                self.worlds.append(world)
                if self.past is not None:
                    self.past.recall(world, sources)
        self._focuses: dict[int, Focus] = {}

    def affected(self, select: frozenset[str]) -> frozenset[str]:
        """Of the rules that are selected (all when none is) and those that they go by: which may say more
        of some world than of the one before it."""
        rules = needed(self.rulebook, select)
        found: set[str] = set()
        with undisturbed():
            for number, (before, after) in enumerate(pairwise(self.worlds)):
                if before is None or after is None:
                    found |= {rule.id for rule in rules if before is not after}
                    continue
                if number not in self._focuses:
                    self._focuses[number] = Focus(before, after)
                focus = self._focuses[number]
                if focus.everything:
                    found |= {rule.id for rule in rules}
                elif not focus.nothing:
                    found |= self._damage(focus) | played_otherwise(focus, rules)
                    said = self.said if number == 0 else None
                    for rule in rules:
                        found |= _affected(rule, focus, said) if rule.id not in found else set()
        return frozenset(found)

    def keep(self) -> None:
        """Keep what was run over the last of the worlds."""
        if self.past is not None and self.worlds[-1] is not None:
            self.past.keep(self.worlds[-1], complete=False)
        if self.flows is not None:
            self.flows.keep()

    def result(self, number: int, select: frozenset[str]) -> WorldResult | None:
        """What the rules of ``select``, and those that they go by, say of the world of that number."""
        world, sources = self.worlds[number], self.sources[number]
        if world is None or sources is None:
            return None
        with undisturbed():
            return judged(world, sources, select)

    @staticmethod
    def _damage(focus: Focus) -> set[str]:
        """The engine's own rule, when a function that differs is understood in the first world only."""
        (before, old), (after, new) = focus.functions()
        now = _named(after, damaged(after, new).items())
        return {UNANALYSED} if now and now != _named(before, damaged(before, old).items()) else set()


class _Side:
    """What one rule says of one of the two worlds of ``focus``, run only as far as it is asked for."""

    def __init__(self, rule: RuleInfo, focus: Focus, at: int, *, whole: bool) -> None:
        self.rule = rule
        self.world = focus.worlds[at]
        self.automata = [
            each
            for each in rule.automaton
            if not each.architectures or self.world.architecture in each.architectures
        ]
        self.only = [None if whole else focus.only(each) for each in self.automata]
        self.at = at
        self.whole = whole
        self._outcomes: dict[int, Outcome] = {}

    def outcome(self, number: int) -> Outcome | None:
        """What the automaton of that number ends in; None when nothing that differs can matter to it."""
        automaton, only = self.automata[number], self.only[number]
        everything = self.whole or bool(automaton.learn)
        if only is None and not everything:
            return None
        if number not in self._outcomes:
            learnt = self.learnt(number)
            if everything or only is None:
                self._outcomes[number] = search(self.world, automaton, learnt)
            else:
                self._outcomes[number] = search(self.world, automaton, learnt, only[self.at])
        return self._outcomes[number]

    def fine(self, number: int) -> bool:
        """Whether the automaton of that number finds nothing wrong, not even with nothing learnt before.

        What is learnt only ever excuses, and learning it takes whole runs.
        """
        names = [each.learn for each in self.automata[:number] if each.learn]
        if not names or self.whole:
            return False
        outcome = self._bare(number, (names[-1], self.world.unread_flags))
        return not outcome.violations and not outcome.problems

    def teaches(self, number: int) -> frozenset[str]:
        """What the automaton of that number learns from what may differ."""
        return values_learnt(self._bare(number, None), self.automata[number].learn)

    def _bare(self, number: int, learnt: tuple[str, frozenset[str]] | None) -> Outcome:
        only = self.only[number]
        assert only is not None
        return search(self.world, self.automata[number], learnt, only[self.at])

    def learnt(self, number: int) -> tuple[str, frozenset[str]] | None:
        """What the automata before that number have learnt."""
        found: tuple[str, frozenset[str]] | None = None
        for earlier, automaton in enumerate(self.automata[:number]):
            outcome = self.outcome(earlier) if automaton.learn else None
            if outcome is not None:
                known = found[1] if found is not None else self.world.unread_flags
                found = (automaton.learn, known | values_learnt(outcome, automaton.learn))
        return found

    def counted(self, near: tuple[Only, Only] | None) -> Counter[object]:
        """The findings of the forms of the rule that are no automata, without the numbers of lines.

        What is announced is looked for in the functions that are ``near`` (None: in all).
        """
        drafts: list[Draft] = []
        if self.whole:
            numbers = range(len(self.automata))
            outcomes = [each for number in numbers if (each := self.outcome(number)) is not None]
            for count in self.rule.census:
                drafts += census(self.world, self.rule, count, reached(outcomes))
        form = self.rule.announced
        if form is not None:
            drafts += announced(self.world, self.rule, form, near[self.at] if near is not None else None)
        return _plain(self.world, drafts)


def _plain(world: World, drafts: Iterable[Draft]) -> Counter[object]:
    """Findings without the numbers of lines."""
    found = (each.finding for each in drafts)
    return Counter((each.span.path, each.function, each.message, world.line(each.span)) for each in found)


def _affected(rule: RuleInfo, focus: Focus, known: WorldResult | None) -> set[str]:
    """``rule``, if it may say more of the second world; the engine's own rule when some function is
    understood in the first only. ``known`` is what all rules say of the first, if that is known."""
    whole = bool(rule.census) and focus.holds(_REQUESTS)
    counting = whole or (rule.announced is not None and focus.reaches(_ANNOUNCING))
    before, after = (_Side(rule, focus, at, whole=whole) for at in (0, 1))
    found: set[str] = set()
    for number in range(len(after.automata)):
        if after.only[number] is None and not whole:
            continue
        if after.automata[number].learn and not whole:
            found |= {rule.id} if after.teaches(number) != before.teaches(number) else set()
            continue
        now = after.outcome(number) if not after.fine(number) else None
        then = before.outcome(number) if now is not None and (now.violations or now.problems) else None
        if now is None or then is None:
            continue
        if _said(after.world, now) != _said(before.world, then):
            found.add(rule.id)
        if _named(after.world, now.problems) != _named(before.world, then.problems):
            found.add(UNANALYSED)
    if counting and rule.id not in found:
        near = announcing(focus, rule.announced) if rule.announced is not None else None
        said = after.counted(near)
        if said and known is not None:
            said -= _plain(before.world, (each for each in known.drafts if each.finding.rule == rule.id))
        found |= {rule.id} if said and said != before.counted(near) else set()
    return found


def _said(world: World, outcome: Outcome) -> Counter[object]:
    """What ``outcome`` says of ``world``, without the numbers of lines."""
    return Counter(
        (each.transition, each.brought, *_line(world, each), tuple(_events(each.steps)))
        for each in outcome.violations
    )


def _line(world: World, violation: Violation) -> tuple[str, str]:
    span = violation.key.span
    return span.path, world.line(span)


def _events(steps: tuple[RawStep, ...]) -> Iterator[tuple[str, str, str]]:
    for step in steps:
        if step.event is not None:
            yield step.graph.function, step.event.kind, step.event.text
        elif step.inner:
            yield step.graph.function, "", ""
        yield from _events(step.inner)


def _named(world: World, problems: Iterable[tuple[str, str]]) -> set[tuple[str, str, str]]:
    functions = world.index.functions
    return {(functions[key].path, functions[key].name, reason) for key, reason in problems}

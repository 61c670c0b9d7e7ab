"""The thread that a harm in the vCPU's is played against: whether it does the same in two worlds.

An interleaving puts the way to a harm against a thread that makes a request and kicks, as the tree's own
functions have it. Where these come to do something else, a harm whose code is the same may end badly
for the first time.
"""

from __future__ import annotations

from collections.abc import Iterator

from kicklint.base import Severity
from kicklint.engine.focus import Focus
from kicklint.engine.racing import composer_of
from kicklint.engine.world import World
from kicklint.race import SEEN, Beat
from kicklint.rulebook import EventKind, Race, RuleInfo

# Calls on top of each other that an interleaving takes apart.
_DEPTH = 6
_OWN = "trail"
_CALL = "call:"
# What another thread does by a function that the vocabulary names, and what that is asked for.
_GOALS = {"request": EventKind.REQUEST_MAKE, "kick": EventKind.IPI, "ipi": EventKind.IPI}


def played_otherwise(focus: Focus, rules: list[RuleInfo]) -> set[str]:
    """Those of ``rules`` whose errors may have become some, or none, by what the other thread does."""
    asked = {rule.id: frozenset(_words(rule)) for rule in rules if rule.level is Severity.ERROR}
    every = frozenset().union(*asked.values())
    reached = {
        word for word in every if any(_mentioned(world, word, focus.changed) for world in focus.worlds)
    }
    before, after = focus.worlds
    differs = {word for word in reached if _done(before, word) != _done(after, word)}
    return {rule for rule, words in asked.items() if words & differs}


def _words(rule: RuleInfo) -> Iterator[str]:
    """What the other thread does in the races of ``rule`` in which the harm is the vCPU's own."""
    for race in (each.race for each in rule.automaton):
        if race is not None and _against(race):
            for word in (one for each in race.requester for one in each.split("|")):
                if word.startswith(_CALL) or word in _GOALS:
                    yield word


def _against(race: Race) -> bool:
    return any(each.startswith(_OWN) for each in race.vcpu)


def _function(world: World, word: str) -> str:
    """The name of the function that does ``word``."""
    api = world.lexicon.vocabulary.requester
    return {"request": api.request, "kick": api.kick, "ipi": api.kick}.get(word, word.removeprefix(_CALL))


def _mentioned(world: World, word: str, changed: frozenset[tuple[str, str]]) -> bool:
    """Whether what does ``word`` comes to one of the functions that are ``changed``."""
    level = set(world.function_ids(_function(world, word)))
    seen = set(level)
    functions = world.index.functions
    for _ in range(_DEPTH):
        if any((functions[key].path, functions[key].name) in changed for key in level):
            return True
        words = {each for key in level for each in functions[key].words}
        level = {key for each in words for key in world.index.by_name.get(each, ())} - seen
        seen |= level
    return False


def _done(world: World, word: str) -> tuple[object, ...]:
    """What a thread does that does ``word``, as the memory model has it, without the places of text."""
    reader = composer_of(world).reader
    name = _function(world, word)
    if word.startswith(_CALL):
        done = reader.called(name, own=False)
    else:
        ways = (each for each in reader.named(name) if any(beat.kind is _GOALS[word] for beat in each))
        done = reader.expanded(next(ways, ()), own=False)
    return tuple(_plain(each) for each in done if each.kind in SEEN)


def _plain(beat: Beat) -> tuple[object, ...]:
    return beat.kind, beat.mode, beat.request, beat.event.attributes, beat.ignored, beat.sends, beat.throws

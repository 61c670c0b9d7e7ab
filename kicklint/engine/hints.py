"""Which kinds of event the words of a text hint at: an upper bound, and cheap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Sequence, Set
from functools import lru_cache

from kicklint.rulebook import EventKind, Lexicon
from kicklint.syntax import Spoken, Uses, spoken_in, words_in

_REQUEST_KINDS = (EventKind.REQUEST_MAKE, EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME)
RUNNING = "running"


class Hints:
    """What words hint at, by ``lexicon``; ``entries`` enter the guest, ``flags`` stand in for requests."""

    def __init__(self, lexicon: Lexicon, entries: frozenset[str], flags: frozenset[str]) -> None:
        self._lexicon = lexicon
        self._entries = entries
        self._flags = flags
        shape = lexicon.vocabulary.vcpu
        self._running = frozenset({*shape.running_functions, *shape.running_variables})
        self._members = frozenset({shape.mode, shape.requests, *shape.cpus})
        # A text with none of these hints at nothing.
        self._telling = self._running.union(
            *(lexicon.calls, lexicon.stored, lexicon.barriers, flags, entries),
            *(lexicon.vocabulary.modes, self._members),
        )
        # These are asked about where one of them is there.
        where = (each for found in lexicon.calls.values() for entry in found for each in entry.where.values())
        self._asked = frozenset({shape.type, *where}) - self._telling

    def by_function(self, uses: Uses) -> Iterator[tuple[int, set[str]]]:
        """The numbers of the functions of a file that hint at anything, with what they hint at."""
        words: dict[int, set[str]] = defaultdict(set)
        for word in uses.places.keys() & self._telling:
            for number in uses.holding(word):
                words[number].add(word)
        if not words:
            return
        for word in uses.places.keys() & self._asked:
            for number in uses.holding(word):
                words[number].add(word)
        members: dict[int, set[str]] = defaultdict(set)
        for word in uses.places.keys() & self._members:
            for number in uses.reaching(word):
                members[number].add(word)
        for number, found in words.items():
            yield number, self.kinds(found, members.get(number, ()))

    def kinds(self, words: Set[str], members: Container[str]) -> set[str]:
        """The kinds of event that ``words`` hint at, where ``members`` are those reached in objects."""
        if words.isdisjoint(self._telling):
            return set()
        lexicon, shape = self._lexicon, self._lexicon.vocabulary.vcpu
        found: set[str] = {
            entry.event
            for word in words & lexicon.calls.keys()
            for entry in lexicon.calls[word]
            if entry.saved is None
            and all(not each.isidentifier() or each in words for each in entry.where.values())
        }
        found |= {lexicon.stored[word].event for word in words & lexicon.stored.keys()}
        if words & lexicon.barriers.keys():
            found.add(EventKind.BARRIER)
        if words & self._flags:
            found |= {EventKind.FLAG_MAKE, EventKind.FLAG_CLEAR, EventKind.FLAG_TEST}
        if any(cpu in words and cpu in members for cpu in shape.cpus):
            found |= {EventKind.CPU_READ, EventKind.CPU_WRITE}
        if words & self._entries:
            found.add(EventKind.GUEST_ENTRY)
        modes = words & lexicon.vocabulary.modes.keys()
        found |= {f"{EventKind.MODE_WRITE}:{mode}" for mode in modes}
        if modes:
            found |= {EventKind.MODE_WRITE, EventKind.MODE_READ}
        elif shape.mode in words and shape.type in words and shape.mode in members:
            found |= {EventKind.MODE_WRITE, EventKind.MODE_READ, f"{EventKind.MODE_WRITE}:*"}
        if shape.requests in words and shape.requests in members:
            found |= set(_REQUEST_KINDS)
        if words & self._running:
            found |= {RUNNING, EventKind.SELF_TEST}
        return found


class Mentions:
    """The words that lead on from a text: what it calls and hands on, and what calls through tables name."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._prefixes = tuple(prefix for table in lexicon.tables.values() for prefix in table.prefixes)

    def of(self, mentioned: Collection[str]) -> Collection[str]:
        """``mentioned``, and what is left of it behind the prefixes of calls through tables."""
        if not any(word.startswith(self._prefixes) for word in mentioned):
            return mentioned
        found = set(mentioned)
        for prefix in self._prefixes:
            found |= {word.removeprefix(prefix) for word in found if word.startswith(prefix)}
        return found

    def leading(self, uses: Uses, names: Set[str]) -> Iterator[tuple[str, Sequence[int]]]:
        """Those of ``names`` that functions of a file mention, each with the numbers of these, in order."""
        behind: dict[str, set[str]] = defaultdict(set)
        for word in uses.places:
            if word.startswith(self._prefixes):
                for rest in self.of((word,)):
                    behind[rest].add(word)
        for name in uses.places.keys() & names | behind.keys() & names:
            numbers = uses.mentioning(name)
            if name in behind:
                others = (number for word in behind[name] for number in uses.mentioning(word))
                numbers = sorted({*numbers, *others})
            if numbers:
                yield name, numbers


@lru_cache(maxsize=16384)
def spoken(body: str) -> tuple[frozenset[str], Spoken]:
    """The words of the body of a macro, and what they are used for."""
    return words_in(body), spoken_in(body)

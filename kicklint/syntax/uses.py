"""Which functions of a file use a word: by name alone, to call or hand it on, or to reach into an object."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain

from kicklint.syntax.words import Spoken

CODE = "i"
"""What arrays hold: numbers of four bytes."""


@dataclass(slots=True)
class Column:
    """For each word, by its place, the ``numbers`` of some functions: those up to its entry in ``ends``."""

    ends: array[int]
    numbers: array[int]

    @classmethod
    def of(cls, places: dict[str, int], sets: Iterable[Iterable[str]]) -> Column:
        """The numbers of those of ``sets`` that hold a word, for each of the words in ``places``."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number, words in enumerate(sets):
            for word in words:
                found[word].append(number)
        each = [found.get(word, ()) for word in places]
        return cls(array(CODE, accumulate(map(len, each), initial=0)), array(CODE, chain.from_iterable(each)))

    def at(self, place: int) -> Sequence[int]:
        """The numbers for the word at ``place``, in order."""
        return self.numbers[self.ends[place] : self.ends[place + 1]]


@dataclass(slots=True)
class Uses:
    """The words of the functions of one file, and by number, from 0, which functions use them.

    ``places`` has the words in an order of their own; the first ``own`` of them stand in the text of
    a function, the others only in a reading of it.
    """

    places: dict[str, int]
    own: int
    held: Column
    mentioned: Column
    reached: Column
    _words: dict[int, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, words: Sequence[frozenset[str]], spoken: Sequence[Spoken]) -> Uses:
        """The uses in functions of those ``words``, of which so much is ``spoken``."""
        own = frozenset().union(*words)
        rest = frozenset().union(*(each.mentioned | each.members for each in spoken)) - own
        places = {word: place for place, word in enumerate((*sorted(own), *sorted(rest)))}
        return cls(
            places,
            len(own),
            Column.of(places, words),
            Column.of(places, (each.mentioned for each in spoken)),
            Column.of(places, (each.members for each in spoken)),
        )

    def holding(self, word: str) -> Sequence[int]:
        """The functions in whose text ``word`` stands."""
        return self._at(self.held, word)

    def mentioning(self, word: str) -> Sequence[int]:
        """The functions that call ``word``, or hand it on."""
        return self._at(self.mentioned, word)

    def reaching(self, word: str) -> Sequence[int]:
        """The functions that reach a member called ``word``."""
        return self._at(self.reached, word)

    def _at(self, column: Column, word: str) -> Sequence[int]:
        place = self.places.get(word)
        return () if place is None else column.at(place)

    def words(self, function: int) -> frozenset[str]:
        """The words of the function of that number."""
        if not self._words:
            found: defaultdict[int, list[str]] = defaultdict(list)
            for word, place in self.places.items():
                for number in self.held.at(place):
                    found[number].append(word)
            self._words = {number: frozenset(words) for number, words in found.items()}
        return self._words.get(function, frozenset())

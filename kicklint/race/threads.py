"""The words of a rule's ``race`` table: what each thread does, from the trail and from the tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kicklint.base import RulebookError
from kicklint.race.programs import Act, Unknown
from kicklint.race.ways import Beat, Reader
from kicklint.rulebook import EventKind

Way = tuple[Beat | Act, ...]
_TESTS = (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME, EventKind.FLAG_TEST)
_MODE = (EventKind.MODE_READ, EventKind.MODE_WRITE)
_INTERRUPTS = (EventKind.INTERRUPTS_ON, EventKind.INTERRUPTS_OFF)
_IN = "IN_GUEST_MODE"


@dataclass(frozen=True, slots=True)
class Sources:
    """What words are made of.

    ``trail`` is the way to the harm. ``run`` gives a way of the vCPU's thread from its
    IN_GUEST_MODE write to the guest, ``request`` and ``kick`` are the names of the
    functions of the kernel that make a request and kick.
    """

    trail: tuple[Beat, ...]
    run: Callable[[], tuple[Beat, ...]]
    reader: Reader
    request: str
    kick: str


class Words:
    """Turns words into what a thread does. ``own`` says that it is the vCPU's thread."""

    def __init__(self, sources: Sources, *, own: bool) -> None:
        self._sources = sources
        self._own = own

    def way(self, words: tuple[str, ...]) -> Way:
        """What a thread does that does all of ``words``. Raises Unknown."""
        done: Way = ()
        for word in words:
            done = (*done, *self._word(word, done))
        return done if self._own else _last_request(done)

    def _word(self, word: str, done: Way) -> Way:
        if word.endswith("?"):
            return self._unless(word.removesuffix("?"), done)
        match word.partition("-")[0]:
            case "trail" | "masked" | "guarded":
                return self._trail(word)
            case "announce" | "test" | "requests" | "entry" | "window" | "look":
                return self._run(word)
            case "request" | "kick" | "ipi":
                return self._api(word)
            case "work" | "state" | "barrier" | "write":
                return (Act(word, _TEXTS[word], self._near()),)
        raise RulebookError(f"a race has no word {word!r}")

    def _unless(self, word: str, done: Way) -> Way:
        """What ``word`` stands for, unless the thread has done that already."""
        here = [each for each in done if isinstance(each, Beat)]
        place = next((n for n in range(len(here) - 1, -1, -1) if _announces(here[n])), 0)
        kinds = {each.kind for each in here[place:]}
        known = {
            "test": set(_TESTS),
            "entry": {EventKind.GUEST_ENTRY},
            "window": {EventKind.INTERRUPTS_ON},
            "request": {EventKind.REQUEST_MAKE},
            "ipi": {EventKind.IPI},
            "barrier": {EventKind.BARRIER},
        }[word]
        full = word == "barrier" and any(each.attribute("order") == "full" for each in here[place:])
        return () if kinds & known or full else self._word(word, done)

    # Out of the trail

    def _trail(self, word: str) -> Way:
        trail = self._sources.trail
        if not trail:
            raise Unknown(word)
        last, head = trail[-1:], trail[:-1]
        match word:
            case "trail":
                return self._expanded(trail)
            case "trail-head":
                return self._expanded(head)
            case "trail-last":
                return self._expanded(last)
            case "trail-ordered":
                way = self._expanded(trail)
                place = next((n for n, each in enumerate(way) if each.kind in _MODE), len(way))
                return (*way[:place], Act("barrier", _TEXTS["barrier"], self._near()), *way[place:])
            case "masked":
                return tuple(each for each in self._expanded(trail) if each.kind not in _INTERRUPTS)
            case "guarded":
                return (Act("guarded", _TEXTS["guarded"], self._near(), self._expanded(last)),)
        raise RulebookError(f"a race has no word {word!r}")

    def _expanded(self, way: tuple[Beat, ...]) -> tuple[Beat, ...]:
        return self._sources.reader.expanded(way, own=self._own)

    def _near(self) -> Beat:
        if not self._sources.trail:
            raise Unknown("trail")
        return self._sources.trail[-1]

    # Out of the vCPU's way to the guest

    def _run(self, word: str) -> Way:
        run = self._sources.run()
        if not run:
            raise Unknown(word)
        entry = run[-1:]
        first = next(
            (n for n, each in enumerate(run) if n and each.kind in (*_TESTS, EventKind.MODE_READ)), -1
        )
        announce, tests = (run[:first], run[first:-1]) if first > 0 else (run[:-1], ())
        match word:
            case "announce":
                return tuple(each for each in announce if each.kind not in _INTERRUPTS)
            case "test":
                if not tests:
                    raise Unknown(word)
                return tuple(each for each in tests if each.kind not in _INTERRUPTS)
            case "requests-test":
                return tuple(each for each in tests if each.kind in _TESTS)
            case "entry":
                return entry
            case "window":
                return (Act("window", _TEXTS["window"], self._near()),)
            case "look":
                return (Act("look", _TEXTS["look"], run[0]),)
        raise RulebookError(f"a race has no word {word!r}")

    # Out of the kernel's own functions

    def _api(self, word: str) -> Way:
        reader, names = self._sources.reader, {"request": self._sources.request}
        goal = EventKind.REQUEST_MAKE if word == "request" else EventKind.IPI
        ways = reader.named(names.get(word, self._sources.kick))
        way = next((each for each in ways if any(beat.kind is goal for beat in each)), None)
        if way is None:
            raise Unknown(word)
        way = reader.expanded(way, own=self._own)
        return way if word != "ipi" else tuple(each for each in way if each.kind is EventKind.IPI)[:1]


_TEXTS = {
    "barrier": "smp_mb()",
    "write-barrier": "smp_wmb()",
    "window": "interrupts are on: an IPI that comes here is taken in the host",
    "look": "looks for what the kick is for",
    "work": "there is something to do for the vCPU, and no request for it",
    "state": "writes the state that the request announces",
    "guarded": "tests the requests first",
}


def trimmed(trail: tuple[Beat, ...]) -> tuple[Beat, ...]:
    """``trail`` from the last time that the vCPU announced itself, with its last test taken for any.

    A request of the very kind that the last step tests for is the one that is lost.
    """
    starts = [n for n, each in enumerate(trail[:-1]) if _announces(each)]
    way = trail[starts[-1] :] if starts else trail
    return (*way[:-1], of_any_request(way[-1])) if way else way


def _last_request(way: Way) -> Way:
    """``way`` with the last of its requests only: the others are of kinds that were handled before."""
    made = [n for n, each in enumerate(way) if isinstance(each, Beat) and each.kind is EventKind.REQUEST_MAKE]
    return tuple(each for n, each in enumerate(way) if n not in made[:-1])


def of_any_request(beat: Beat) -> Beat:
    """``beat`` as a test of the request in question, where it is a test at all."""
    if beat.kind not in _TESTS:
        return beat
    return replace(beat, event=replace(beat.event, kind=EventKind.REQUEST_TEST, request=None))


def _announces(beat: Beat) -> bool:
    return beat.kind is EventKind.MODE_WRITE and beat.mode == _IN

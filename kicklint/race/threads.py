"""The words of a rule's ``race`` table: what each thread does, from the trail and from the tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kicklint.base import RulebookError
from kicklint.race.acts import TEXTS
from kicklint.race.programs import Act, Unknown
from kicklint.race.ways import Beat, Reader
from kicklint.rulebook import EventKind

Way = tuple[Beat | Act, ...]
_TESTS = (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME, EventKind.FLAG_TEST)
_MODE = (EventKind.MODE_READ, EventKind.MODE_WRITE)
# The events of the trail that stand for what a thread does.
_EVENTS = {"clear": (EventKind.FLAG_CLEAR,), "read": _TESTS, "throw": (EventKind.KICK,)}
_INTERRUPTS = (EventKind.INTERRUPTS_ON, EventKind.INTERRUPTS_OFF)
_IN, _READING = "IN_GUEST_MODE", "READING_SHADOW_PAGE_TABLES"


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
            case "trail" | "masked" | "guarded" | "stray" | "walk":
                return self._trail(word)
            case "announce" | "test" | "requests" | "entry" | "look":
                return self._run(word)
            case "request" | "kick" | "ipi":
                return self._api(word)
            case _ if word in TEXTS:
                return (Act(word, TEXTS[word], self._near(_EVENTS.get(word, ()))),)
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
                return (*way[:place], Act("barrier", TEXTS["barrier"], self._near()), *way[place:])
            case "masked":
                return tuple(each for each in self._expanded(trail) if each.kind not in _INTERRUPTS)
            case "stray":
                if last[0].mode == _IN:
                    raise Unknown(word)  # a kick that finds IN_GUEST_MODE sends its IPI
                return self._expanded(last)
            case "walk" | "walk-right":
                return self._walk(right=word == "walk-right")
            case "guarded":
                return (Act("guarded", TEXTS["guarded"], self._near(), self._expanded(last)),)
        raise RulebookError(f"a race has no word {word!r}")

    def _walk(self, *, right: bool) -> Way:
        """The walk of a page table that the trail leads into, out of, or lets an interrupt into."""
        trail = self._sources.trail
        reads = ("table", "page", "answered")
        table, page, open_to_ipi = (Act(each, TEXTS[each], self._near()) for each in reads)
        begin = next((n for n, each in enumerate(trail) if each.mode == _READING), None)
        if begin is None:
            raise Unknown("walk")
        if right:
            barrier, end = (Act(each, TEXTS[each], self._near()) for each in ("barrier", "released"))
            return (trail[begin], barrier, table, page, end)
        head, last = self._expanded(trail[begin:-1]), self._expanded(trail[-1:])
        if trail[-1].kind is EventKind.MODE_WRITE and trail[-1].mode != _READING:
            return (*head, table, page, *last)
        # The interrupt comes in the middle.
        way = tuple(each for each in (*head, *last) if each.kind not in _INTERRUPTS)
        return (*way, table, open_to_ipi, page)

    def _expanded(self, way: tuple[Beat, ...]) -> tuple[Beat, ...]:
        return self._sources.reader.expanded(way, own=self._own)

    def _near(self, kinds: tuple[EventKind, ...] = ()) -> Beat:
        """The last step of the trail, or the last that is of ``kinds`` if there is one."""
        trail = self._sources.trail
        if not trail:
            raise Unknown("trail")
        return next((each for each in reversed(trail) if each.kind in kinds), trail[-1])

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
            case "look":
                return (Act("look", TEXTS["look"], run[0]),)
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


def trimmed(trail: tuple[Beat, ...], *, publishing: bool = False) -> tuple[Beat, ...]:
    """``trail`` from the last time that the vCPU announced itself, with its last test taken for any.

    With ``publishing`` it announces itself by the CPU that it publishes. A request of the very kind
    that the last step tests for is the one that is lost.
    """
    begins = _publishes if publishing else _announces
    starts = [n for n, each in enumerate(trail[:-1]) if begins(each)]
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


def _publishes(beat: Beat) -> bool:
    return beat.kind is EventKind.CPU_WRITE and beat.attribute("to") == "some"


def _announces(beat: Beat) -> bool:
    return beat.kind is EventKind.MODE_WRITE and beat.mode == _IN

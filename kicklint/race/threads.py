"""The words of a rule's ``race`` table: what each thread does, from the trail and from the tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kicklint.base import RulebookError
from kicklint.race.acts import TEXTS
from kicklint.race.beats import Beat
from kicklint.race.programs import Act, Unknown
from kicklint.race.ways import Reader
from kicklint.rulebook import EventKind, Race

Way = tuple[Beat | Act, ...]
_TESTS = (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME, EventKind.FLAG_TEST)
_MODE = (EventKind.MODE_READ, EventKind.MODE_WRITE)
# The events of the trail that stand for what a thread does.
_EVENTS = {"clear": (EventKind.FLAG_CLEAR,), "read": _TESTS, "throw": (EventKind.KICK,)}
_INTERRUPTS = (EventKind.INTERRUPTS_ON, EventKind.INTERRUPTS_OFF)
_IN, _OUTSIDE, _READING = "IN_GUEST_MODE", "OUTSIDE_GUEST_MODE", "READING_SHADOW_PAGE_TABLES"
# Words that are made out of the trail begin like this.
_TRAIL = ("trail", "masked", "opened", "guarded", "stray", "walk")
PLACE = "place"
"""How an event comes about that only says where something is done, and in which words."""
CALL = "call:"
"""How a word begins that is a function of the tree."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What words are made of.

    ``trail`` is the way to the harm. ``run`` gives a way of the vCPU's thread from its
    IN_GUEST_MODE write to the guest, and ``proven`` one that the rule itself has found to be
    as it should; ``before`` is the test before what the way begins with, ``state`` where what a request
    announces is read. ``request`` and ``kick`` are the
    names of the functions of the kernel that make a request and kick.
    """

    trail: tuple[Beat, ...]
    run: Callable[[], tuple[Beat, ...]]
    reader: Reader
    request: str
    kick: str
    proven: Callable[[], tuple[Beat, ...]]
    before: Callable[[], tuple[Beat, ...]]
    state: Callable[[], Beat | None]


class Words:
    """Turns words into what a thread does. ``own`` says that it is the vCPU's thread."""

    def __init__(self, sources: Sources, *, own: bool) -> None:
        self._sources = sources
        self._own = own
        self._beside: Beat | None = None

    def way(self, words: tuple[str, ...]) -> Way:
        """What a thread does that does all of ``words``. Raises Unknown."""
        done: Way = ()
        called = [each.removeprefix(CALL) for each in words if each.startswith(CALL)]
        if not any(each.startswith(_TRAIL) for each in words):
            # What the thread does beside is done where that is called, before the guest or around a request.
            reader, names = self._sources.reader, (*called, self._sources.request)
            self._beside = reader.entry() if self._own and not called else reader.head(names[0])
        for word in filter(None, words):
            done = (*done, *self._word(word, done))
        return done if self._own else _last_request(done)

    def _word(self, word: str, done: Way) -> Way:
        if word.endswith("?"):
            return self._unless(word.removesuffix("?"), done)
        match word.partition("-")[0]:
            case "state" | "nothing":
                read = self._sources.state() if word != "state" else None
                near = read or self._near()
                return (Act(word, near.event.text if near.event.how == PLACE else TEXTS[word], near),)
            case "proven" | "before" | "leave":
                return self._elsewhere(word)
            case _ if word.startswith(CALL):
                return self._called(word.removeprefix(CALL))
            case _ if word.startswith(_TRAIL):
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
                kinds = _MODE if any(each.kind in _MODE for each in way) else (EventKind.CPU_READ,)
                place = next((n for n, each in enumerate(way) if each.kind in kinds), len(way))
                return (*way[:place], Act("barrier", TEXTS["barrier"], self._near()), *way[place:])
            case "masked":
                return tuple(each for each in self._expanded(trail) if each.kind not in _INTERRUPTS)
            case "opened-head":
                # Interrupts are let in before the mode is written again.
                again = next(n for n in reversed(range(len(head))) if _announces(head[n]))
                window = Act("window", TEXTS["window"], head[again])
                return (*self._expanded(head[:again]), window, *self._expanded(head[again:]))
            case "stray":
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
        begin = next((n for n, each in enumerate(trail) if each.mode == _READING), None)
        if begin is None:
            raise Unknown("walk")
        table, page, open_to_ipi = (Act(each, TEXTS[each], trail[begin]) for each in reads)
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
        """The last step of the trail, or the last that is of ``kinds`` if there is one.

        Of a thread that has nothing to do with the trail, the function of the tree that it calls.
        """
        if self._beside is not None:
            return self._beside
        trail = self._sources.trail
        if not trail:
            raise Unknown("trail")
        return next((each for each in reversed(trail) if each.kind in kinds), trail[-1])

    # Out of other functions of the tree

    def _called(self, name: str) -> Way:
        """What the tree's function ``name`` does."""
        way = self._sources.reader.called(name, own=self._own)
        if not way:
            raise Unknown(name)
        return way

    def _elsewhere(self, word: str) -> Way:
        found: Way
        if word == "proven":
            found = self._sources.proven()
        elif word == "before":
            found = tuple(of_any_request(each) for each in self._sources.before())
        else:
            run = self._sources.run()
            left = self._sources.reader.last_write(run[0], _OUTSIDE) if run else None
            found = (Act("leave", TEXTS["leave"], left),) if left is not None else ()
        if not found:
            raise Unknown(word)
        return found

    # Out of the vCPU's way to the guest

    def _run(self, word: str) -> Way:
        run = self._sources.run()
        if word == "look":
            return (Act("look", TEXTS["look"], run[0] if run else self._near()),)
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
                return tuple(
                    each for each in tests if each.kind in (*_TESTS, EventKind.MODE_READ, EventKind.BARRIER)
                )
            case "requests-test":
                return tuple(each for each in tests if each.kind in _TESTS)
            case "entry":
                return entry
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


def begins(race: Race) -> Callable[[Beat], bool]:
    """What a way to a harm begins with: the vCPU announces itself, publishes its CPU or clears a flag."""
    if "before" in race.vcpu:
        return lambda beat: beat.kind is EventKind.FLAG_CLEAR
    return _publishes if publishing(race) else _announces


def publishing(race: Race) -> bool:
    """Whether it matters where the vCPU says that it is."""
    return "cpu-ipi" in (*race.requester, *race.written_requester)


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

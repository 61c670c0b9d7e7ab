"""The words of a rule's ``race`` table: what each thread does, from the trail and from the tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kicklint.base import RulebookError
from kicklint.race.acts import TEXTS
from kicklint.race.beats import Beat, exchange_at, looks, publishes
from kicklint.race.programs import Act, Unknown
from kicklint.race.ways import Reader
from kicklint.rulebook import EventKind, Order, Race

Way = tuple[Beat | Act, ...]
_TESTS = (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME, EventKind.FLAG_TEST)
_MODE = (EventKind.MODE_READ, EventKind.MODE_WRITE)
# The events of the trail that stand for what a thread does.
_EVENTS = {"clear": (EventKind.FLAG_CLEAR,), "read": _TESTS, "throw": (EventKind.KICK,)}
_INTERRUPTS = (EventKind.INTERRUPTS_ON, EventKind.INTERRUPTS_OFF)
_IN, _OUTSIDE, _READING = "IN_GUEST_MODE", "OUTSIDE_GUEST_MODE", "READING_SHADOW_PAGE_TABLES"
# What stands for the requests at the gate of SIE; a block of a guest's guest has one of its own.
_GATE, _SHADOW = "PROG_REQUEST", "scb_s"
# Words that are made out of the trail begin like this.
_TRAIL = ("trail", "masked", "opened", "guarded", "stray", "walk")
PLACE = "place"
"""How an event comes about that only says where something is done, and in which words."""
CALL = "call:"
"""How a word begins that is a function of the tree."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What words are made of.

    ``trail`` is the way to the harm; ``theirs`` says that it is not the vCPU's. ``run`` gives a
    way of the vCPU's thread from its IN_GUEST_MODE write to the guest, and ``proven`` one that the
    rule itself has found to be as it should; ``before`` is the test before what the way begins
    with, ``state`` where what a request announces is read. ``request`` and ``kick`` are the names
    of the functions of the kernel that make a request and kick.
    """

    trail: tuple[Beat, ...]
    theirs: bool
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
        if not any(each.startswith(_TRAIL) for each in words):
            self._beside = self._place([each.removeprefix(CALL) for each in words if each.startswith(CALL)])
        for word in filter(None, words):
            done = (*done, *self._word(word, done))
        return done if self._own else _last_request(done)

    def _place(self, called: list[str]) -> Beat | None:
        """Where the thread does what no event says: in what it calls, before the guest, around a request.

        None where the trail is its own, which says more.
        """
        reader = self._sources.reader
        if called:
            return reader.head(called[0])
        if self._own is not self._sources.theirs:
            return None
        if self._own:
            return reader.entry() or reader.first(EventKind.CPU_WRITE, publishes)
        return reader.head(self._sources.request)

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
            case "tested":
                return self._tested()
            case "request" | "kick" | "ipi":
                return self._api(word)
            case "exchange":
                found = [_exchanging(each) for each in self._api("kick")]
                return tuple(beat for each in found for beat in each)
            case "clear" | "read" | "moved" if self._beside is not None:
                return self._beyond(word)
            case _ if word in TEXTS:
                return (Act(word, TEXTS[word], self._near(_EVENTS.get(word, ()))),)
        raise RulebookError(f"a race has no word {word!r}")

    def _unless(self, word: str, done: Way) -> Way:
        """What ``word`` stands for, unless the thread has done that already."""
        here = [each for each in done if isinstance(each, Beat)]
        place = next((n for n in range(len(here) - 1, -1, -1) if _announces(here[n])), 0)
        kinds = {each.kind for each in here[place:]}
        if any(each.attribute("order") == Order.FULL for each in here[place:]):
            kinds.add(EventKind.BARRIER)
        known = {
            "test": set(_TESTS),
            "entry": {EventKind.GUEST_ENTRY},
            "window": {EventKind.INTERRUPTS_ON},
            "request": {EventKind.REQUEST_MAKE},
            "ipi": {EventKind.IPI},
            "barrier": {EventKind.BARRIER},
        }[word]
        if kinds & known:
            return ()
        return self._barrier() if word == "barrier" and self._own else self._word(word, done)

    def _barrier(self) -> Way:
        """The barriers behind the vCPU's announcement, as the tree has them, or one that is missing."""
        run = self._sources.run()
        found = tuple(each for each in (self._run("announce") if run else ()) if _is_barrier(each))
        return found or (Act("barrier", TEXTS["barrier"], self._near()),)

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
            case "trail-late":
                # The CPU is read only behind what finds out the mode.
                way = self._expanded(trail)
                early = tuple(each for each in way if each.kind is EventKind.CPU_READ)
                rest = tuple(each for each in way if each.kind is not EventKind.CPU_READ)
                place = max((n + 1 for n, each in enumerate(rest) if looks(each)), default=0)
                return self._ordered((*rest[:place], *early[-1:], *rest[place:]), TEXTS["paid"])
            case "trail-ordered":
                return self._ordered(self._expanded(trail), TEXTS["barrier"])
            case "trail-pending":
                # A request that is made is not taken back.
                way = self._expanded(trail)
                kept = tuple(each for each in way if each.kind is not EventKind.REQUEST_CONSUME)
                return self._ordered(kept, TEXTS["barrier"])
            case "trail-paid":
                return self._ordered(self._expanded(trail), TEXTS["paid"])
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

    def _ordered(self, way: tuple[Beat, ...], text: str) -> Way:
        """``way`` with a full barrier before it looks at the mode, where it has none; ``text`` says whose."""
        kinds = _MODE if any(each.kind in _MODE for each in way) else (EventKind.CPU_READ,)
        place = next((n for n, each in enumerate(way) if each.kind in kinds), len(way))
        if any(each.attribute("order") == Order.FULL for each in way[:place]):
            return way
        return (*way[:place], Act("barrier", text, self._near()), *way[place:])

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

    def _beyond(self, word: str) -> Way:
        """An act of the vCPU's that neither the trail nor its way to the guest shows: where the tree has it.

        What it never does is left out.
        """
        reader = self._sources.reader
        found = {
            "clear": lambda: reader.first(EventKind.FLAG_CLEAR, _reopens),
            "read": lambda: reader.first(EventKind.REQUEST_TEST, lambda beat: not beat.request),
            "moved": lambda: reader.first(EventKind.CPU_WRITE, publishes),
        }[word]()
        if found is None and word == "clear":
            return ()
        return (Act(word, TEXTS[word], found or self._near()),)

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
            # Where the vCPU announces itself in a helper, it is out again where it was in.
            ends = (self._sources.reader.last_write(each, _OUTSIDE) for each in (*run[:1], *run[-1:]))
            left = next(filter(None, ends), None)
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

    def _tested(self) -> Way:
        """The vCPU's test of the requests as the tree has it, or one that is missing."""
        try:
            return self._run("test")
        except Unknown:
            return (Act("retest", TEXTS["retest"], self._near()),)

    # Out of the kernel's own functions

    def _api(self, word: str) -> Way:
        reader, names = self._sources.reader, {"request": self._sources.request}
        goal = EventKind.REQUEST_MAKE if word == "request" else EventKind.IPI
        ways = sorted(
            reader.named(names.get(word, self._sources.kick)),
            key=lambda each: all(beat.kind is not goal for beat in each),
        )
        # One that goes by another name may hand it all on to the function that does it.
        whole = (reader.expanded(each, own=self._own) for each in ways)
        way = next((each for each in whole if any(beat.kind is goal for beat in each)), None)
        if way is None:
            raise Unknown(word)
        return way if word != "ipi" else tuple(each for each in way if each.kind is EventKind.IPI)[:1]


def begins(race: Race) -> Callable[[Beat], bool]:
    """What a way to a harm begins with: the vCPU announces itself, publishes its CPU or clears a flag."""
    if "before" in race.vcpu:
        return lambda beat: beat.kind is EventKind.FLAG_CLEAR
    return publishes if publishing(race) else _announces


def of_requester(race: Race) -> bool:
    """Whether the way to the harm is the other thread's."""
    return any(each.startswith(_TRAIL) for each in race.requester)


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


def _exchanging(each: Beat | Act) -> Way:
    """``each``, or the exchange that is to be where it looks at the mode."""
    if not isinstance(each, Beat) or not looks(each) or each.event.expected is not None:
        return (each,)
    return exchange_at(each.function, each.span, "cmpxchg")


def _is_barrier(each: Beat | Act) -> bool:
    return isinstance(each, Beat) and each.kind is EventKind.BARRIER


def _reopens(beat: Beat) -> bool:
    """Whether ``beat`` clears what stands for the requests at the gate to the guest."""
    return beat.attribute("flag") == _GATE and beat.attribute("place") != _SHADOW


def _announces(beat: Beat) -> bool:
    return beat.kind is EventKind.MODE_WRITE and beat.mode == _IN

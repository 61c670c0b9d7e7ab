"""One harm to an interleaving, by the memory model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from kicklint.base import REQUESTER, VCPU, Interleaving
from kicklint.memory import (
    Answer,
    Constant,
    Declined,
    Expression,
    Final,
    If,
    Operation,
    Program,
    Statement,
    Thread,
    Verdict,
    both,
    check,
    equal,
    write_litmus,
)
from kicklint.race.acts import (
    ASLEEP,
    GATE,
    GUEST,
    IPI,
    LEFT,
    MODE,
    REQUESTS,
    SECOND,
    STATE,
    TEXTS,
    USED,
    WORK,
)
from kicklint.race.beats import Beat
from kicklint.race.programs import Act, Script, Setting, Unknown
from kicklint.race.rows import rows
from kicklint.race.threads import Sources, Way, Words, begins, of_any_request, of_requester, publishing
from kicklint.race.ways import Reader
from kicklint.rulebook import EventKind, Race, Vocabulary
from kicklint.typestate import RawStep, Simulator

MOST_EVENTS = 20
"""Events of one thread; what is larger is cut, and says so. What is cut and does no harm proves nothing."""

_OTHER_KERNEL = "of this back end no such way of the vCPU is known: another one's is shown"
_MODE = (EventKind.MODE_READ, EventKind.MODE_WRITE)
_ENDS = {"request": REQUESTS, "work": WORK, "gate": GATE}
_BAD = {
    # No further request says that the state is new.
    "state": ((USED, "==", 1), (REQUESTS, "==", 0)),
    "page": ((USED, "==", 1),),
    # Who waits for the vCPU to be out has seen it out.
    "out": ((GUEST, "==", 1), (USED, "==", 1)),
    "asleep": ((ASLEEP, "==", 1), (STATE, "==", 1), (IPI, "==", 0)),
    "twice": ((GUEST, "==", 1), (IPI, "==", 1), (SECOND, "==", 1)),
    "left": ((LEFT, "==", 1), (MODE, "!=", 0)),
}


@dataclass(frozen=True, slots=True)
class Composed:
    """What the memory model says of a harm.

    ``interleaving`` is None when no execution ends badly, and when nothing could be
    judged; ``judged`` tells the two apart.
    """

    interleaving: Interleaving | None
    judged: bool


@dataclass(frozen=True, slots=True)
class _Built:
    program: Program
    doings: tuple[Beat | Act, ...]
    cut: bool


class Composer:
    """Composes interleavings for one world.

    ``run`` gives a way of the vCPU's thread to the guest in a kernel without some files, as far as
    one was found; it is asked only when it is needed. ``vocabulary`` names the kernel's functions
    for the other side.
    """

    def __init__(
        self,
        reader: Reader,
        run: Callable[[Reader, frozenset[str]], tuple[Beat, ...]],
        vocabulary: Vocabulary,
        state: Callable[[], Beat | None],
    ) -> None:
        self._run = lru_cache(maxsize=None)(lambda absent: run(reader, absent))
        self._state = lru_cache(maxsize=1)(state)
        self._modes = vocabulary.modes
        self._api = vocabulary.requester
        self.reader = reader

    def trail(self, race: Race, steps: tuple[RawStep, ...], simulator: Simulator) -> tuple[Beat, ...]:
        """What ``steps`` do from the last time that the vCPU announced itself.

        A request of the very kind that the last step tests for is the one that is lost.
        """
        again = any(each.startswith("opened") for each in race.assuming)
        way = self.reader.beats(steps, simulator, begins(race), first=again)
        return (*way[:-1], of_any_request(way[-1])) if way else way

    def compose(
        self,
        name: str,
        race: Race,
        way: tuple[Beat, ...],
        *,
        proven: Callable[[], tuple[Beat, ...]] = tuple,
        before: Callable[[], tuple[Beat, ...]] = tuple,
        state: Beat | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> Composed:
        """The shortest bad execution of ``race`` with ``way`` for the guilty one.

        ``proven`` gives a way of the vCPU's that the rule has found to be right, ``before`` the
        test before what ``way`` begins with; ``state`` is where
        the state in question is read, if that is known. The files ``absent`` are in no kernel with ``way``:
        what they do is only taken where nothing else is known.
        """
        reads = (lambda: state) if state is not None else self._state
        names = (self._api.request, self._api.kick)

        def without(files: frozenset[str]) -> Sources:
            reader = self.reader.without(files)
            run = partial(self._run, files)
            return Sources(way, of_requester(race), run, reader, *names, proven, before, reads)

        race = _with_flag(race, way)
        sources = without(absent)
        said, whole = self._first(name, _variants(race), sources, "")
        if not said.judged and absent and not race.written:
            said, whole = self._first(name, _variants(race), without(frozenset()), _OTHER_KERNEL)
        if said.interleaving is not None or whole or not race.written:
            return said
        written = replace(
            race,
            vcpu=race.written_vcpu or race.vcpu,
            requester=race.written_requester or race.requester,
            fixed_vcpu=race.written_fixed_vcpu or race.fixed_vcpu,
        )
        return self._first(name, _variants(written), sources, race.written)[0]

    def _first(
        self, name: str, races: Iterable[Race], sources: Sources, assumption: str
    ) -> tuple[Composed, bool]:
        """The first of ``races`` that can end badly, and whether the tree held what all before needed.

        Where it did not, that none of the others does proves nothing.
        """
        said, whole = Composed(None, judged=False), True
        for each in races:
            try:
                said = self._judged(name, each, sources, assumption)
            except (Unknown, Declined):
                whole = False
            if said.interleaving is not None:
                return said, whole
        return (said if whole else Composed(None, judged=False)), whole

    def _judged(self, name: str, race: Race, sources: Sources, assumption: str) -> Composed:
        requester = ("kick",) if race.alone else race.requester
        built = self._program(name, race, sources, race.vcpu, requester)
        answer = check(built.program)
        if answer.witness is None and race.alone:
            built = self._program(name, race, sources, race.vcpu, race.requester)
            answer = check(built.program)
        if answer.witness is None and race.assumption:
            vcpu = race.assuming or race.vcpu
            other = race.assuming_requester or race.requester
            built = self._program(name, race, sources, vcpu, other)
            answer = check(built.program)
            assumption = _joined(assumption, race.assumption)
        if answer.witness is None:
            return Composed(None, judged=not built.cut)
        if built.cut:
            assumption = _joined(assumption, f"only {MOST_EVENTS} events of a thread are looked at")
        return Composed(self._shown(name, race, sources, built, answer, assumption), judged=True)

    def _shown(
        self, name: str, race: Race, sources: Sources, built: _Built, answer: Answer, assumption: str
    ) -> Interleaving:
        fixed, verdict = self._fixed(name, race, sources)
        assert answer.witness is not None
        return Interleaving(
            rows(answer.witness, built.doings, self._modes),
            race.lost,
            write_litmus(built.program, _comment(race, assumption), _notes(built)),
            answer.verdict.value,
            fixed,
            verdict,
            assumption,
        )

    def _fixed(self, name: str, race: Race, sources: Sources) -> tuple[str, str]:
        """The litmus test with the missing piece in place, when that is known to help."""
        if not race.fixed_vcpu and not race.fixed_requester:
            return "", ""
        vcpu, requester = race.fixed_vcpu or race.vcpu, race.fixed_requester or race.requester
        try:
            built = self._program(f"{name}-fixed", race, sources, vcpu, requester)
            verdict = check(built.program).verdict
        except (Unknown, Declined):
            return "", ""
        if verdict is not Verdict.NEVER:
            return "", ""
        return write_litmus(
            built.program, ("With the missing piece in place.",), _notes(built)
        ), verdict.value

    def _program(
        self, name: str, race: Race, sources: Sources, vcpu: tuple[str, ...], requester: tuple[str, ...]
    ) -> _Built:
        first: Way = Words(sources, own=True).way(vcpu)
        second: Way = Words(sources, own=False).way(requester)
        if race.waits and race.vcpu is vcpu and not _waits(second, race.waits):
            raise Unknown(race.waits)
        told = any(isinstance(each, Beat) and each.kind in _MODE for each in second)
        if not told and race.ends not in _BAD:
            # An IPI that is sent whatever the mode is may come too early, and is taken in the host.
            first = _early(first, "outside" if _throws(second) else "window")
        doings: list[Beat | Act] = []
        setting = Setting(
            self._modes,
            moving=_has(first, "moved"),
            publishing=publishing(race),
            handling=race.ends == "state",
            flags=race.flags,
            waits=race.waits,
            interlocked=race.interlocked,
        )
        script = Script(setting, doings)
        made, cut = _cut(first, script.vcpu)
        threads: tuple[Thread, ...] = (Thread(made, VCPU),)
        if second:
            made, too = _cut(second, script.requester)
            threads, cut = (*threads, Thread(made, REQUESTER)), cut or too
        if race.twice:
            threads = (*threads, Thread(_cut(second, script.second)[0], f"another {REQUESTER}"))
        bad: list[Expression]
        if race.ends in _BAD:
            bad = [Operation(sign, (Final(place), Constant(value))) for place, sign, value in _BAD[race.ends]]
        else:
            lost = Operation("!=", (Final(_ENDS[race.ends]), Constant(0)))
            bad = [equal(Final(GUEST), 1), lost, equal(Final(IPI), 0)]
        initial = ((REQUESTS, 1),) if _has(first, "earlier") else ()
        return _Built(Program(name, threads, both(*bad), initial), tuple(doings), cut)


def _with_flag(race: Race, way: tuple[Beat, ...]) -> Race:
    """``race`` for a flag in place of a request, where ``way`` sets one and makes no request."""
    kinds = {each.kind for each in way}
    if not race.flag_vcpu or EventKind.FLAG_MAKE not in kinds or EventKind.REQUEST_MAKE in kinds:
        return race
    return replace(race, vcpu=race.flag_vcpu, ends="work", lost="in the guest, the flag is not seen")


def _variants(race: Race) -> Iterator[Race]:
    """``race`` with each of what the other thread may do, where words leave a choice.

    Last comes that a mode which another thread writes is no longer true.
    """
    choices = [each.split("|") for each in race.requester]
    for place in range(max(map(len, choices), default=1)):
        yield replace(race, requester=tuple(each[min(place, len(each) - 1)] for each in choices))
    if race.left_vcpu:
        lost = "out of the guest, the mode does not say OUTSIDE_GUEST_MODE"
        yield replace(race, vcpu=race.left_vcpu, requester=("stray",), ends="left", lost=lost)


def _waits(way: Way, flag: str) -> bool:
    """Whether the thread waits for ``flag`` to be clear."""
    return _has(way, "waits") or any(
        isinstance(each, Beat) and each.kind is EventKind.FLAG_TEST and each.attribute("flag") == flag
        for each in way
    )


def _joined(one: str, other: str) -> str:
    return f"{one}; {other}" if one else other


def _cut(way: Way, make: Callable[[Way], tuple[Statement, ...]]) -> tuple[tuple[Statement, ...], bool]:
    """What ``make`` makes of ``way``, cut to what is looked at; whether it was cut.

    Barriers that are not full are left out first, then what comes first.
    """
    statements, cut = make(way), False
    while _size(statements) > MOST_EVENTS and len(way) > 1:
        weak = (n for n, each in enumerate(way) if isinstance(each, Beat) and _weak(each))
        place = next(weak, 0)
        cut, way = True, (*way[:place], *way[place + 1 :])
        statements = make(way)
    return statements, cut


def _weak(beat: Beat) -> bool:
    return beat.kind is EventKind.BARRIER and beat.attribute("order") != "full"


def _has(way: Way, what: str) -> bool:
    return any(isinstance(each, Act) and each.what == what for each in way)


def _throws(way: Way) -> bool:
    """Whether the vCPU is thrown out of the guest by something that is no IPI."""
    return _has(way, "throw") or any(isinstance(each, Beat) and each.throws for each in way)


def _early(way: Way, what: str) -> Way:
    """``way`` with the last instant at which an IPI comes too early: before the vCPU announces itself.

    What it looks at before that, it looks at with interrupts on.
    """
    place = next((n for n, each in enumerate(way) if isinstance(each, Beat) or each.what != "look"), 0)
    near = [each if isinstance(each, Beat) else each.near for each in way[place : place + 1]]
    window = [Act(what, TEXTS[what], each) for each in near]
    return (*way[:place], *window, *way[place:])


def _notes(built: _Built) -> list[str]:
    """For every doing where it stands in the code."""
    near = [each.near if isinstance(each, Act) else each for each in built.doings]
    return [f"{each.function}:{each.span.line}" for each in near]


def _comment(race: Race, assumption: str) -> tuple[str, ...]:
    said = (f"Assumed: {assumption}.",) if assumption else ()
    return (f"Bad end: {race.lost}.", *said)


def _size(statements: tuple[Statement, ...]) -> int:
    return sum(_size(each.then) + _size(each.otherwise) if isinstance(each, If) else 1 for each in statements)

"""One harm to an interleaving, by the memory model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

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
from kicklint.race.acts import GATE, GUEST, IPI, REQUESTS, USED, WORK
from kicklint.race.programs import Act, Script, Unknown
from kicklint.race.rows import rows
from kicklint.race.threads import Sources, Way, Words, trimmed
from kicklint.race.ways import Beat, Reader
from kicklint.rulebook import EventKind, Race, Vocabulary
from kicklint.typestate import RawStep, Simulator

MOST_EVENTS = 20
"""Events of one thread; what is larger is cut, and says so. What is cut and does no harm proves nothing."""

_MODE = (EventKind.MODE_READ, EventKind.MODE_WRITE)
_ENDS = {"request": REQUESTS, "work": WORK, "gate": GATE}
_USES = ("state", "page")
"""Bad ends in which something is used that is out of date or gone."""


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

    ``run`` gives a way of the vCPU's thread to the guest, as far as one was found; it is
    asked only when it is needed. ``vocabulary`` names the kernel's functions for the
    other side.
    """

    def __init__(
        self,
        reader: Reader,
        run: Callable[[], tuple[Beat, ...]],
        vocabulary: Vocabulary,
    ) -> None:
        self._run = lru_cache(maxsize=1)(run)
        self._modes = vocabulary.modes
        self._api = vocabulary.requester
        self._reader = reader

    def compose(self, name: str, race: Race, steps: tuple[RawStep, ...], simulator: Simulator) -> Composed:
        """The shortest bad execution of ``race`` with ``steps`` for the guilty way."""
        way = trimmed(self._reader.beats(steps, simulator), publishing="cpu-ipi" in race.requester)
        sources = Sources(way, self._run, self._reader, self._api.request, self._api.kick)
        race = _with_flag(race, way)
        try:
            assumption = ""
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
                assumption = race.assumption
        except (Unknown, Declined):
            return Composed(None, judged=False)
        if answer.witness is None:
            return Composed(None, judged=not built.cut)
        if built.cut:
            said = f"only {MOST_EVENTS} events of a thread are looked at"
            assumption = f"{assumption}; {said}" if assumption else said
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
        told = any(isinstance(each, Beat) and each.kind in _MODE for each in second)
        if not told and race.ends not in _USES:
            # An IPI that is sent whatever the mode is may come too early, and is taken in the host.
            first = (*_early(first), *first)
        doings: list[Beat | Act] = []
        script = Script(self._modes, doings, moving=_has(first, "moved"), publishing=_has(second, "cpu-ipi"))
        made, cut = _cut(first, script.vcpu)
        threads: tuple[Thread, ...] = (Thread(made, VCPU),)
        if second:
            made, too = _cut(second, script.requester)
            threads, cut = (*threads, Thread(made, REQUESTER)), cut or too
        bad: list[Expression] = [equal(Final(GUEST), 1), equal(Final(IPI), 0)]
        if race.ends in _USES:
            bad = [equal(Final(USED), 1)]
        else:
            bad.insert(1, Operation("!=", (Final(_ENDS[race.ends]), Constant(0))))
        return _Built(Program(name, threads, both(*bad)), tuple(doings), cut)


def _with_flag(race: Race, way: tuple[Beat, ...]) -> Race:
    """``race`` for a flag in place of a request, where ``way`` sets one and makes no request."""
    kinds = {each.kind for each in way}
    if not race.flag_vcpu or EventKind.FLAG_MAKE not in kinds or EventKind.REQUEST_MAKE in kinds:
        return race
    return replace(race, vcpu=race.flag_vcpu, ends="work", lost="in the guest, the flag is not seen")


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


def _early(way: Way) -> Way:
    near = [each if isinstance(each, Beat) else each.near for each in way[:1]]
    return tuple(Act("window", "an IPI that comes before this is taken in the host", each) for each in near)


def _notes(built: _Built) -> list[str]:
    """For every doing where it stands in the code."""
    near = [each.near if isinstance(each, Act) else each for each in built.doings]
    return [f"{each.function}:{each.span.line}" for each in near]


def _comment(race: Race, assumption: str) -> tuple[str, ...]:
    said = (f"Assumed: {assumption}.",) if assumption else ()
    return (f"Bad end: {race.lost}.", *said)


def _size(statements: tuple[Statement, ...]) -> int:
    return sum(_size(each.then) + _size(each.otherwise) if isinstance(each, If) else 1 for each in statements)

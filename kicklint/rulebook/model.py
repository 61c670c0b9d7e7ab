"""A rule as its file states it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kicklint.base import Severity
from kicklint.rulebook.vocabulary import Architecture, EventKind, Flag, Inference, Lexicon

EVENT_ANCHOR = "*"
"""As the anchor of a transition: its finding points at the event itself, wherever that is."""

INNERMOST = "!"
"""At the end of a state as an anchor: not the call on the way that led there, but the event in it."""

BEGUN = "^"
"""At the end of a state as an anchor: as INNERMOST, but not inside callees that only went on with the
instance; the exit handler, which nobody calls, is gone into."""

MENDING = "~"
"""At the end of a state as an anchor: the step in the innermost function on the way that could have seen to
it: one that does so on some other way, or a helper whose callers all leave it undone."""
SAME = "="
"""As the value of an attribute in a transition: that of the event which entered the state."""


@dataclass(frozen=True, slots=True)
class Transition:
    """From any of ``source`` (``*``: any state) to ``to`` on an event.

    ``where`` constrains attributes of the event: each maps to the values allowed;
    a value that begins with ``!`` is one that is not allowed (an attribute that is
    not known satisfies only those), and ``=`` is that which the event had that entered
    the state. ``*`` in ``to`` keeps the state. A transition with a ``message`` is a harm:
    taking it reports, at ``level`` (None: the rule's). One with ``witness`` is the opposite: taking it shows
    that things are as they should be.
    """

    source: tuple[str, ...]
    on: EventKind
    to: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    message: str = ""
    anchor: str = ""
    missing: str = ""
    witness: bool = False
    level: Severity | None = None

    @property
    def anchor_state(self) -> str:
        """The state that the anchor names."""
        return self.anchor.rstrip(INNERMOST + BEGUN + MENDING)


class Thread(enum.StrEnum):
    """Which vcpu an automaton follows, seen from the code that runs.

    ``own``: the one whose thread it is; ``other``: one that the code has looked up
    itself; ``away``: one that a timer, an interrupt or queued work is for, in no vcpu's
    thread; ``any``: whichever the event that begins is about.
    """

    OWN = "own"
    OTHER = "other"
    AWAY = "away"
    ANY = "any"


class Excerpts(enum.StrEnum):
    """Whether a rule can be judged by an excerpt of a function.

    ``shown``: by what is shown. ``weaker``: only where something has been taken away beside a line that stood
    there before, since what is not shown may make a new line right.
    """

    NO = "no"
    SHOWN = "shown"
    WEAKER = "weaker"


class CallerPays(enum.StrEnum):
    """Whose callers can see to it that a harm does not stand.

    ``direct``: those of a function that is only ever called by its name; ``any``:
    those through tables as well. Of ``any``, callers that do not, where others do, are
    the ones to name.
    """

    NO = "no"
    DIRECT = "direct"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Race:
    """How the harm of an automaton is put to the memory model.

    ``vcpu`` and ``requester`` say, in words of kicklint.race, what the two threads do;
    one of them holds the way to the harm. ``ends`` is the bad end, ``lost`` that for
    people. ``fixed_vcpu`` and ``fixed_requester`` are the threads with the missing piece in
    place, where that changes them. With ``alone`` the vCPU's thread may lose something of its
    own, whatever the other thread does beside a kick. When the code as it is cannot end badly, ``assuming``
    and ``assuming_requester`` are the threads under ``assumption``. A requester that sets a
    flag and makes no request is taken against ``flag_vcpu``; one that writes another vCPU's mode and
    loses no request by it against ``left_vcpu``, which leaves the guest with a mode that is not true.

    A word ``call:NAME`` is what the tree's function of that name does. Of words with ``|``
    between them (or nothing) the first counts with which the threads can end badly. Where the
    tree does not hold what a word needs, ``written_vcpu`` and ``written_requester`` are taken,
    and the interleaving says ``written``; ``written_fixed_vcpu`` belongs to them. ``flags`` gives
    flags of the architecture locations of their own; the other thread waits for ``waits`` among
    them, and with ``interlocked`` a change of one is in order with everything around it. With
    ``twice`` there are two requesters, who do the same.
    """

    vcpu: tuple[str, ...]
    requester: tuple[str, ...]
    ends: str
    lost: str
    fixed_vcpu: tuple[str, ...] = ()
    fixed_requester: tuple[str, ...] = ()
    assuming: tuple[str, ...] = ()
    assuming_requester: tuple[str, ...] = ()
    assumption: str = ""
    alone: bool = False
    flag_vcpu: tuple[str, ...] = ()
    left_vcpu: tuple[str, ...] = ()
    written_vcpu: tuple[str, ...] = ()
    written_requester: tuple[str, ...] = ()
    written_fixed_vcpu: tuple[str, ...] = ()
    written: str = ""
    flags: Mapping[str, str] = field(default_factory=dict)
    waits: str = ""
    interlocked: bool = False
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Automaton:
    """A typestate of one vcpu.

    ``begin`` names the event, written ``kind`` or ``kind:value``, that makes a function
    a starting point; with ``implements`` the starting points are the functions that are
    that event by their name, and what is in them is looked at.
    What functions do that are an event of the kind ``aside`` by their name, and their helpers
    for them, is that event and no more: it begins nothing.
    ``caller_pays`` says that a harm does not stand when every caller avoids it. A
    function that only returns in states of ``ended`` is not followed into its callers.

    With ``interrupts`` the state of the interrupts is followed beside the automaton's
    state. With ``handlers`` an entry goes on in the function that assembly calls when the
    guest is left. ``decides`` restricts the automaton to architectures whose kick
    decision looks at the mode (``mode``) or does not (``always``). With ``correlate`` a
    condition that calls nothing of the protocol has one outcome while a state lasts.
    With ``thread`` any, an instance that is alive goes on in the callers ``climb`` levels up.
    With ``callees`` a call of a function of more lines is taken to do nothing. A harm more than
    ``within`` calls below the outermost function, or whose state was entered there, is not
    believed: what leads so far down is seldom all true at once. It is for ``architectures`` only
    (empty: all).
    With ``paired`` an instance goes on in the callers only where one of them ends it; else
    the function that returns with it should have ended it.
    With ``rounds`` every round of a loop is about another vcpu; where one ends in a state of
    ``swept``, the loop is left in the state that stands there, which is one of all vcpus alike.
    Where a round of a loop over all vcpus of a machine ends in a state of ``everyone``, and none ends
    otherwise, the vcpus that the variable is given behind the loop begin in that state.
    ``race`` shows a harm as an interleaving.
    ``learn`` names an attribute: its values at this automaton's witnesses are what the
    rule's later automata see as attribute ``learnt``.
    """

    initial: str
    thread: Thread
    begin: str
    states: Mapping[str, str]
    transition: tuple[Transition, ...]
    implements: bool = False
    aside: str = ""
    caller_pays: CallerPays = CallerPays.NO
    ended: tuple[str, ...] = ()
    interrupts: bool = False
    handlers: bool = False
    correlate: bool = False
    climb: int = 0
    callees: int | None = None
    paired: bool = False
    within: int | None = None
    rounds: bool = False
    swept: Mapping[str, str] = field(default_factory=dict)
    everyone: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    decides: str = ""
    learn: str = ""
    race: Race | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """How the outcome of other rules decides this rule's level and message.

    When none of ``unless`` reports in a world that has a guest entry, the finding
    has the rule's own level and ``proven`` is added to its message; else it has
    ``level`` and ``unproven`` is added. ``witness`` is the rule whose run shows where
    the tests stand.
    """

    unless: tuple[str, ...]
    witness: str
    level: Severity
    proven: str
    unproven: str
    no_entry: str


@dataclass(frozen=True, slots=True)
class Census:
    """Kinds of request that are ``made`` or ``tested`` in a world and never consumed there.

    With ``logged``: kinds that only ask for the kick, where the interface logs them.
    """

    of: str
    message: str
    level: Severity


@dataclass(frozen=True, slots=True)
class Announced:
    """State that the consumer of a request reads, and that is written only after the request.

    ``locks`` and ``unlocks`` are words of the functions that take and give back a lock: what
    both sides do in one section may come in any order. ``writers`` are the functions that
    write what a pointer among their arguments leads to; ``*`` stands for any letters.
    ``woken`` are the functions by which a halted vCPU decides whether to go on: what they read is
    announced by a kick or a wake-up, and ``woken_message`` is said where it is written after it.
    ``wakes`` wake whoever sleeps on what they are handed; if that is a part of a vCPU, it is that vCPU.
    ``race`` and ``woken_race`` show the two as interleavings.
    """

    message: str
    missing: str
    locks: tuple[str, ...]
    unlocks: tuple[str, ...]
    writers: tuple[str, ...]
    woken: tuple[str, ...]
    woken_message: str
    wakes: tuple[str, ...] = ()
    race: Race | None = None
    woken_race: Race | None = None


class RemedyKind(enum.StrEnum):
    """What a remedy does to the text."""

    GUARD = "guard"
    REWRITE = "rewrite"
    INSERT_BEFORE = "insert-before"
    INSERT_BEHIND = "insert-behind"
    MOVE_BEFORE = "move-before"
    MOVE_BEHIND = "move-behind"
    MOVE_INTO = "move-into"
    MOVE_READ = "move-read"


class RemedyPlace(enum.StrEnum):
    """A place that a finding names.

    Its own, the first or the last step of its trail, or (``turn``) the last one before what is missing that
    stands in the same function.
    """

    FINDING = "finding"
    FIRST = "first"
    TURN = "turn"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A mechanical edit that may remove a finding; ``says`` tells what it does.

    It is for findings whose message holds one of ``message`` (any when there are none), in no other
    architectures than ``fit`` (any when there are none), and not for those in ``unfit``. ``do`` is done
    ``at`` a place; a move goes ``to`` another. ``text`` is what is put there, ``match`` the patterns of
    which one has to be the expression at the place; what stands in their holes fills those of ``text``.
    ``around`` is a pattern of a statement elsewhere in the function: its constants are filled in when
    all such statements have the same, or all of those that stand right before one that matches. What is
    put before a statement takes the place of one of ``instead`` that stands there. Where the statement
    is under a condition that demands one of ``against``, nothing is done. One that is not ``sure`` is
    shown and not written by itself.
    """

    do: RemedyKind
    says: str
    at: RemedyPlace = RemedyPlace.FINDING
    to: RemedyPlace = RemedyPlace.TURN
    text: str = ""
    match: tuple[str, ...] = ()
    around: str = ""
    message: tuple[str, ...] = ()
    fit: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    sure: bool = True

    def meant(self, message: str, architectures: Iterable[str]) -> bool:
        """Whether it is for a finding of its rule with that message in those architectures."""
        here = set(architectures)
        if here & set(self.unfit) or (self.fit and not here <= set(self.fit)):
            return False
        return not self.message or any(each in message for each in self.message)


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """One file ``rules/KICKnnn.toml``: the rule, its page and its automaton.

    Texts are Markdown. ``bad`` and ``good`` are C that the tests run the rule on.
    A rule may have several automata, and a form of its own: ``census`` counts kinds of
    request over a world, ``announced`` learns what a request announces. The rule that the
    engine itself reports (KICK000) has none of them. ``excerpts`` says whether it can be judged by
    the part of a function that a patch shows. Of one event that a rule of ``consequence_of`` is about
    as well, only that one's finding is reported.
    """

    id: str
    name: str
    level: Severity
    since: str
    what: str
    why: str
    interleaving: str
    fix: str
    bad: str
    good: str
    blind: str
    benign: str
    precision: str
    references: tuple[str, ...]
    cwe: tuple[int, ...] = ()
    automaton: tuple[Automaton, ...] = ()
    escalation: Escalation | None = None
    census: tuple[Census, ...] = ()
    announced: Announced | None = None
    excerpts: Excerpts = Excerpts.NO
    remedy: tuple[Remedy, ...] = ()
    consequence_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that ``rules/`` holds, checked."""

    rules: tuple[RuleInfo, ...]
    lexicon: Lexicon
    architectures: tuple[Architecture, ...]
    inference: Inference
    flags: tuple[Flag, ...] = ()

    def rule(self, identity: str) -> RuleInfo | None:
        """The rule with this id or name, or None."""
        return next((rule for rule in self.rules if identity in (rule.id, rule.name)), None)

    def architecture(self, name: str) -> Architecture | None:
        """What is known of the architecture ``name``, or None."""
        return next((each for each in self.architectures if each.name == name), None)

"""A rule as its file states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kicklint.base import Severity
from kicklint.rulebook.vocabulary import Architecture, EventKind, Inference, Lexicon

EVENT_ANCHOR = "*"
"""As the anchor of a transition: its finding points at the event itself, wherever that is."""


@dataclass(frozen=True, slots=True)
class Transition:
    """From any of ``source`` (``*``: any state) to ``to`` on an event.

    ``where`` constrains attributes of the event: each maps to the values allowed;
    a value that begins with ``!`` is one that is not allowed (an attribute that is
    not known satisfies only those). ``*`` in ``to``
    keeps the state. A transition with a ``message`` is a harm: taking it reports. One
    with ``witness`` is the opposite: taking it shows that things are as they should be.
    """

    source: tuple[str, ...]
    on: EventKind
    to: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    message: str = ""
    anchor: str = ""
    missing: str = ""
    witness: bool = False


@dataclass(frozen=True, slots=True)
class Automaton:
    """A typestate of one vcpu.

    ``thread`` is ``own`` when the code that runs it is the vCPU's own thread (then
    the running vcpu is the subject), ``any`` otherwise. ``begin`` names the event,
    written ``kind`` or ``kind:value``, that makes a function a starting point.
    ``caller_pays`` says that a harm does not stand when every caller avoids it. A
    function that only returns in states of ``ended`` is not followed into its callers.
    """

    initial: str
    thread: str
    begin: str
    states: Mapping[str, str]
    transition: tuple[Transition, ...]
    caller_pays: bool = False
    ended: tuple[str, ...] = ()


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
class RuleInfo:
    """One file ``rules/KICKnnn.toml``: the rule, its page and its automaton.

    Texts are Markdown. ``bad`` and ``good`` are C that the tests run the rule on.
    ``automaton`` is None for the rule that the engine itself reports (KICK000).
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
    automaton: Automaton | None = None
    escalation: Escalation | None = None


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that ``rules/`` holds, checked."""

    rules: tuple[RuleInfo, ...]
    lexicon: Lexicon
    architectures: tuple[Architecture, ...]
    inference: Inference

    def rule(self, identity: str) -> RuleInfo | None:
        """The rule with this id or name, or None."""
        return next((rule for rule in self.rules if identity in (rule.id, rule.name)), None)

    def architecture(self, name: str) -> Architecture | None:
        """What is known of the architecture ``name``, or None."""
        return next((each for each in self.architectures if each.name == name), None)

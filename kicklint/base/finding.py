"""What a rule reports, and the trail that shows why."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kicklint.base.edit import Edit
from kicklint.base.interleaving import Interleaving
from kicklint.base.span import Span


class Severity(enum.StrEnum):
    """How much harm a finding describes (PROTOCOL: error = a kick can be lost)."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Standing(enum.StrEnum):
    """How a finding stands against an older state of the tree."""

    NEW = "new"
    KNOWN = "known"
    FIXED = "fixed"


class SuppressionKind(enum.StrEnum):
    """Where a finding was waived; the values are SARIF's (section 3.35.2)."""

    IN_SOURCE = "inSource"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a finding does not count: somebody looked at it and gave a reason.

    ``place`` is the file, and perhaps the line, in which that stands.
    """

    kind: SuppressionKind
    justification: str
    place: str = ""
    link: str = ""


class StepKind(enum.StrEnum):
    """What one entry of a trail is."""

    EVENT = "event"
    CALL = "call"
    RETURN = "return"
    BRANCH = "branch"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a trail, in the order of execution.

    ``depth`` is the call depth, 0 in the function that the finding is about.
    ``state`` is the automaton's state after the step ("" where it is unchanged).
    """

    kind: StepKind
    span: Span
    function: str
    message: str
    depth: int = 0
    state: str = ""
    essential: bool = True


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that a finding names, with what it is."""

    span: Span
    function: str
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of one rule.

    ``fingerprint`` survives edits elsewhere in the file and in the function's
    other lines. ``architectures`` holds, sorted, the worlds it was found in.
    ``remedy`` says what to do; ``trail`` runs from the first event to the harm.
    ``standing`` is against a baseline, where there is one; a finding with a
    ``suppression`` is waived. ``edit`` would remove it, where that was asked for and found.
    ``interleaving`` shows how it goes wrong, where the harm is an order of events.
    """

    rule: str
    name: str
    severity: Severity
    message: str
    span: Span
    function: str
    fingerprint: str
    architectures: tuple[str, ...]
    trail: tuple[Step, ...] = ()
    related: tuple[Related, ...] = ()
    remedy: str = ""
    standing: Standing = Standing.NEW
    suppression: Suppression | None = None
    interleaving: Interleaving | None = None
    edit: Edit | None = None

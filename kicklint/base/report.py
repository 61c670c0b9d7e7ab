"""What an analysis gives back, besides its findings."""

from __future__ import annotations

from dataclasses import dataclass, field

from kicklint.base.finding import Finding, Severity, Standing
from kicklint.base.span import Span


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The text of one source line that a report shows (no line end)."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader of the report has to know: damage, an omission, a guess.

    ``code`` is stable and kebab-case (``damaged-function``, ``inferred-entry``,
    ``unreadable-file``, ...). ``span`` is None when no place belongs to it.
    """

    code: str
    severity: Severity
    message: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """A finding of a baseline that is there no more, as far as the baseline told of it."""

    rule: str
    path: str
    function: str
    message: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one analysis of one tree.

    Findings are sorted by path, line, rule. ``excerpts`` holds the text of every
    line that a finding's span, trail or related place names. ``gone`` is None where
    the findings were not compared with a baseline.
    """

    findings: tuple[Finding, ...]
    notes: tuple[Note, ...] = ()
    architectures: tuple[str, ...] = ()
    files: int = 0
    functions: int = 0
    excerpts: tuple[Excerpt, ...] = field(default=())
    gone: tuple[Gone, ...] | None = None

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        """The findings that count: not waived, and new where there is a baseline."""
        return tuple(
            each for each in self.findings if each.suppression is None and each.standing is Standing.NEW
        )


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One place where the protocol is touched, for the inventory.

    ``kind`` is one of mode-write, mode-read, kick, wake, request-make,
    request-test, request-consume, guest-entry.
    """

    path: str
    line: int
    function: str
    kind: str
    detail: str
    vcpu: str


@dataclass(frozen=True, slots=True, order=True)
class DamagedFunction:
    """A function that was found but not wholly understood, and why."""

    path: str
    line: int
    function: str
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class MissedFunction:
    """A function definition that a reference lister has and kicklint has not, and why."""

    path: str
    line: int
    function: str
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a tree the front end understood.

    ``reference`` counts the function definitions that Universal Ctags lists in
    the same files; it is None when ctags is not installed.
    """

    files: int
    functions: int
    damaged: tuple[DamagedFunction, ...]
    reference: int | None = None
    missed: tuple[MissedFunction, ...] = ()

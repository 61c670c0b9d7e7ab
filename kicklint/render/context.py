"""What a rendering needs to know besides the report."""

from __future__ import annotations

from dataclasses import dataclass

from kicklint.base import Coverage, Severity, Site
from kicklint.rulebook import RuleInfo


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the tree came from: SARIF's ``versionControlProvenance`` (section 3.14.4)."""

    repository: str
    revision: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Options of a rendering; each format reads those that concern it.

    ``exit_code`` is the status the process will end with. ``failure`` is what went
    wrong when the analysis crashed, "" otherwise. ``started`` and ``ended`` are
    UTC timestamps as RFC 3339 writes them; without them the output depends on
    nothing but the report. ``everything`` shows what was there before a patch and what it fixes;
    ``strict`` takes a review of hunks only for none. ``sites`` and ``coverage`` are shown besides
    the findings where a format has room for them. Edits were looked for in findings as grave as ``tried``.
    """

    rules: tuple[RuleInfo, ...] = ()
    version: str = ""
    colour: bool = False
    quiet: bool = False
    verbose: bool = False
    exit_code: int = 0
    failure: str = ""
    provenance: Provenance | None = None
    started: str = ""
    ended: str = ""
    everything: bool = False
    strict: bool = False
    sites: tuple[Site, ...] = ()
    coverage: Coverage | None = None
    tried: frozenset[Severity] = frozenset()

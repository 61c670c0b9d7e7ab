"""Waivers and comments put to the findings that they are about."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from kicklint.base import Finding, Note, Report, Severity, Span, Suppression, SuppressionKind
from kicklint.rulebook import RuleInfo
from kicklint.settings import Waiver
from kicklint.source import within
from kicklint.triage.comments import Allowance
from kicklint.triage.extent import Extent


@dataclass(frozen=True, slots=True)
class Said:
    """What people have said: waivers, each with the file that it stands in, and comments."""

    waivers: tuple[tuple[str, Waiver], ...] = ()
    comments: tuple[Allowance, ...] = ()


def suppressed(
    report: Report, said: Said, rules: Sequence[RuleInfo], extent: Extent, today: datetime.date
) -> Report:
    """``report`` with a suppression on each finding that is waived, and notes on what is wrong with waivers.

    Wrong is one without a reason, or that is past its day: neither is honoured. Wrong is also
    one that matches no finding although the analysis covered what it is about.
    """
    ids = {name: rule.id for rule in rules for name in (rule.id, rule.name)}
    valid, notes = _checked(said, ids, today)
    used: set[int] = set()
    findings = []
    for finding in report.findings:
        at = next((at for at, each in enumerate(valid) if each.matches(finding)), None)
        if at is None:
            findings.append(finding)
            continue
        used |= {at} | {other for other, each in enumerate(valid) if each.matches(finding)}
        findings.append(replace(finding, suppression=valid[at].suppression))
    notes += [
        each.note("waiver-unused", "matches no finding")
        for at, each in enumerate(valid)
        if at not in used and each.covered(extent)
    ]
    return replace(report, findings=tuple(findings), notes=(*report.notes, *notes))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A waiver or a comment, for one set of rules."""

    rules: frozenset[str]
    suppression: Suppression
    source: Waiver | Allowance

    def matches(self, finding: Finding) -> bool:
        if finding.rule not in self.rules:
            return False
        source = self.source
        if isinstance(source, Allowance):
            return finding.span.path == source.path and finding.span.line in source.lines
        return (
            source.function in ("", finding.function)
            and source.fingerprint in ("", finding.fingerprint)
            and (not source.path or path_matches(finding.span.path, source.path))
        )

    def covered(self, extent: Extent) -> bool:
        """Whether a finding that this is about would have been there."""
        path = self.source.path
        if not path or any(mark in path for mark in "*?["):
            return extent.complete and not extent.scope and not extent.rules
        return all(extent.covers(rule, path) for rule in self.rules)

    def note(self, code: str, fault: str) -> Note:
        """``fault``, and where the entry stands."""
        source = self.source
        names = ", ".join(sorted(self.rules))
        if isinstance(source, Allowance):
            span = Span(source.path, source.line, 1, source.line, 1)
            about = f", which allows {names}," if names else ""
            return Note(code, Severity.WARNING, f"this comment{about} {fault}", span)
        about = ", ".join(each for each in (source.function, source.path, source.fingerprint) if each)
        text = f"{self.suppression.place}: the waiver of {names} for {about} {fault}"
        return Note(code, Severity.WARNING, text)


def path_matches(path: str, pattern: str) -> bool:
    """Whether ``path`` is the file ``pattern``, lies below it, or matches it as a shell pattern."""
    return within(path, pattern) or fnmatchcase(path, pattern)


def _checked(said: Said, ids: dict[str, str], today: datetime.date) -> tuple[list[_Entry], list[Note]]:
    valid: list[_Entry] = []
    notes: list[Note] = []
    for entry in _entries(said, ids):
        expires = entry.source.expires if isinstance(entry.source, Waiver) else None
        if not entry.rules:
            notes.append(entry.note("waiver-unknown-rule", _unknown(entry.source, ids)))
        elif not entry.suppression.justification:
            notes.append(entry.note("waiver-without-reason", "gives no reason and is not honoured"))
        elif expires is not None and expires < today:
            notes.append(entry.note("waiver-expired", f"expired on {expires} and is not honoured"))
        else:
            valid.append(entry)
    return valid, notes


def _unknown(source: Waiver | Allowance, ids: dict[str, str]) -> str:
    """What is wrong with a comment that names no rule. (A waiver that does is an error of its file.)"""
    names = source.names if isinstance(source, Allowance) else ()
    unknown = [name for name in names if name not in ids]
    if not unknown:
        return "names no rule"
    return f"names {', '.join(unknown)}, which {'is no rule' if len(unknown) == 1 else 'are no rules'}"


def _entries(said: Said, ids: dict[str, str]) -> Iterator[_Entry]:
    for each in said.comments:
        rules = frozenset(ids[name] for name in each.names if name in ids)
        place = f"{each.path}:{each.line}"
        yield _Entry(rules, Suppression(SuppressionKind.IN_SOURCE, each.reason, place), each)
        if rules and len(rules) < len(each.names):
            # The names that are there hold; the others are said to be none.
            yield _Entry(frozenset(), Suppression(SuppressionKind.IN_SOURCE, each.reason, place), each)
    for file, waiver in said.waivers:
        suppression = Suppression(SuppressionKind.EXTERNAL, waiver.reason.strip(), file, waiver.link)
        yield _Entry(frozenset({ids[waiver.rule]}), suppression, waiver)

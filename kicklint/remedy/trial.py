"""Edits tried out: the tree with one, analysed again in memory."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from kicklint.base import Edit, Excerpt, Finding, Report, Severity, Standing
from kicklint.engine import AnalysisRequest
from kicklint.engine.attempts import Attempts
from kicklint.engine.effort import undisturbed
from kicklint.engine.sources import Parsed
from kicklint.remedy.candidates import Candidate, candidates
from kicklint.remedy.editing import FileText, unified
from kicklint.rulebook import Remedy, RuleInfo
from kicklint.source import SourceTree
from kicklint.store import decoded, encoded
from kicklint.syntax import SyntaxFile

_RANK = {Severity.NOTE: 1, Severity.WARNING: 2, Severity.ERROR: 3}
_Key = tuple[str, str, str]
# The first letters of the keys that edits are kept under, which the store makes a folder of.
_FOLDER = "ed"


def with_edits(
    report: Report,
    tree: SourceTree,
    request: AnalysisRequest,
    rules: tuple[RuleInfo, ...],
    parsed: Parsed | None = None,
    tried: frozenset[Severity] = frozenset(Severity),
) -> Report:
    """``report`` on ``tree`` with an edit in each finding that counts, is one of the severities that are
    ``tried``, and for which one was found.

    An edit is offered when the tree with it, analysed for all rules in every architecture of ``request``
    that sees the file, has lost the finding and gained none, and when it parses as well as before.
    ``parsed`` is as in an analysis.
    """
    remedies = {rule.id: rule.remedy for rule in rules if rule.remedy}
    wanted = [
        each
        for each in report.findings
        if each.rule in remedies
        and each.severity in tried
        and each.suppression is None
        and each.standing is Standing.NEW
    ]
    if not wanted:
        return report
    trials = Trials(tree, request, parsed)
    edits: dict[int, Edit | None] = {}
    for number, each in enumerate(wanted):
        edits[id(each)] = trials.edit(each, remedies[each.rule])
        if request.progress is not None:
            request.progress("trying remedies", number + 1, len(wanted))
    findings = tuple(replace(each, edit=edits.get(id(each))) for each in report.findings)
    return replace(report, findings=findings, excerpts=_with_lines(report.excerpts, findings, tree))


def _with_lines(
    excerpts: tuple[Excerpt, ...], findings: Iterable[Finding], tree: SourceTree
) -> tuple[Excerpt, ...]:
    """``excerpts`` and the lines that edits begin and end in."""
    found = {(each.path, each.line): each for each in excerpts}
    for edit in (each.edit for each in findings if each.edit is not None):
        for each in edit.replacements:
            lines = tree.read(each.span.path).split(b"\n")
            for line in {each.span.line, each.span.end_line}:
                text = lines[line - 1].rstrip(b"\r").decode("utf-8", "surrogateescape")
                found.setdefault((each.span.path, line), Excerpt(each.span.path, line, text))
    return tuple(found[key] for key in sorted(found))


class Trials:
    """A tree whose edits are tried one after the other."""

    def __init__(self, tree: SourceTree, request: AnalysisRequest, parsed: Parsed | None = None) -> None:
        self._attempts = Attempts(tree, request, parsed)
        self._tree = self._attempts.tree
        self._store = request.store

    def edit(self, finding: Finding, remedies: tuple[Remedy, ...]) -> Edit | None:
        """The first of ``remedies`` that removes ``finding`` and brings none; None if none does.

        What was found out is kept in the store of the request, until something in the trees' worlds differs.
        """
        key = self._key(finding)
        known = self._store.get(key) if self._store is not None and key else None
        if known is not None:
            with contextlib.suppress(ValueError):
                return decoded(_Tried, known).edit
        with undisturbed():
            found = self._edit(finding, remedies)
        if self._store is not None and key:
            self._store.put(key, encoded(_Tried(found)))
        return found

    def gains(self, changes: dict[str, bytes | None]) -> bool:
        """Whether the tree with ``changes`` has a finding that it has not without."""
        found = self._attempts.reports(changes)
        return found is not None and _gained(*found)

    def _edit(self, finding: Finding, remedies: tuple[Remedy, ...]) -> Edit | None:
        path = finding.span.path
        syntax = self._attempts.syntax(path)
        if syntax is None:
            return None
        file = FileText(path, self._tree.read(path))
        for candidate in candidates(finding, remedies, syntax, file):
            after = file.changed(candidate.changes)
            if self._mends(finding, syntax, after):
                return _offered(candidate, file, after)
        return None

    def _mends(self, finding: Finding, syntax: SyntaxFile, after: bytes) -> bool:
        path = finding.span.path
        try:
            if _damage(self._attempts.edited(path, after)) > _damage(syntax):
                return False
            lost = partial(_lost, finding)
            found = self._attempts.reports({path: after}, finding.rule, lost)
            return found is not None and not _gained(*found)
        finally:
            self._attempts.forget(path, after)

    def _key(self, finding: Finding) -> str:
        """What the edit for ``finding`` is kept under."""
        worlds = self._attempts.digest(finding.span.path) if self._store is not None else ""
        if not worlds:
            return ""
        said = encoded(replace(finding, edit=None))
        return _FOLDER + hashlib.blake2b(worlds.encode() + said, digest_size=31).hexdigest()


@dataclass(frozen=True, slots=True)
class _Tried:
    """What is kept of a finding whose remedies were tried."""

    edit: Edit | None


def _lost(finding: Finding, before: Report, after: Report) -> bool:
    """Whether ``finding`` is one that is in ``before`` and no longer in ``after``."""
    key = _key(finding)
    return _graveness(after)[key] <= _graveness(before)[key] - _RANK[finding.severity]


def _gained(before: Report, after: Report) -> bool:
    """Whether something is in ``after`` that is not in ``before``, or is graver."""
    return bool(_graveness(after) - _graveness(before))


def _graveness(report: Report) -> Counter[_Key]:
    """How grave the findings are together, by rule, file and function."""
    found: Counter[_Key] = Counter()
    for each in report.findings:
        found[_key(each)] += _RANK[each.severity]
    return found


def _key(finding: Finding) -> _Key:
    return finding.rule, finding.span.path, finding.function


def _damage(syntax: SyntaxFile) -> int:
    return len(syntax.file_damage) + sum(len(each.damage) for each in syntax.functions)


def _offered(candidate: Candidate, file: FileText, after: bytes) -> Edit:
    changes = file.replacements(candidate.changes)
    return Edit(candidate.says, changes, unified(file.path, file.data, after), candidate.sure)

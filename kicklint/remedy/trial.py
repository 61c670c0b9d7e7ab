"""Edits tried out: the tree with one, analysed again in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from kicklint.base import Edit, Excerpt, Finding, Report, Severity, SourceError, Standing
from kicklint.engine import AnalysisRequest, analyse_edits, analyse_tree
from kicklint.engine.sources import Parsed, dialect
from kicklint.remedy.candidates import Candidate, candidates
from kicklint.remedy.editing import FileText, unified
from kicklint.rulebook import Remedy, RuleInfo
from kicklint.source import OverlayTree, SourceTree, architecture_of
from kicklint.syntax import SyntaxFile, parse_file

_RANK = {Severity.NOTE: 1, Severity.WARNING: 2, Severity.ERROR: 3}
_Key = tuple[str, str, str]


def with_edits(
    report: Report,
    tree: SourceTree,
    request: AnalysisRequest,
    rules: tuple[RuleInfo, ...],
    parsed: Parsed | None = None,
) -> Report:
    """``report`` on ``tree`` with an edit in each finding that counts and for which one was found.

    An edit is offered when the tree with it, analysed for all rules in every architecture of ``request``
    that sees the file, has lost the finding and gained none, and when it parses as well as before.
    ``parsed`` is as in an analysis.
    """
    remedies = {rule.id: rule.remedy for rule in rules if rule.remedy}
    wanted = [
        each
        for each in report.findings
        if each.rule in remedies and each.suppression is None and each.standing is Standing.NEW
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
        self._tree = tree
        self._request = request
        self._parsed: Parsed = {} if parsed is None else parsed
        self._before: dict[tuple[str, tuple[str, ...]], Counter[_Key]] = {}

    def edit(self, finding: Finding, remedies: tuple[Remedy, ...]) -> Edit | None:
        """The first of ``remedies`` that removes ``finding`` and brings none; None if none does."""
        path = finding.span.path
        try:
            data = self._tree.read(path)
        except SourceError:
            return None
        syntax, file = parse_file(path, data, dialect()), FileText(path, data)
        for candidate in candidates(finding, remedies, syntax, file):
            after = file.changed(candidate.changes)
            if self._mends(finding, syntax, after):
                return _offered(candidate, file, after)
        return None

    def gains(self, changes: dict[str, bytes | None]) -> bool:
        """Whether the tree with ``changes`` has a finding that it has not without."""
        wanted = self._wanted(tuple(changes))
        trees = (self._tree, OverlayTree(self._tree, changes))
        before, after = (_graveness(each) for each in analyse_edits(trees, wanted, self._parsed))
        return bool(after - before)

    def _mends(self, finding: Finding, syntax: SyntaxFile, after: bytes) -> bool:
        path = finding.span.path
        if _damage(parse_file(path, after, dialect())) > _damage(syntax):
            return False
        try:
            return self._loses(finding, after) and not self.gains({path: after})
        finally:
            self._parsed.pop((path, after), None)

    def _loses(self, finding: Finding, after: bytes) -> bool:
        """Whether the finding's own rule says less with ``after``, which is soon known."""
        path, rule = finding.span.path, finding.rule
        wanted = replace(self._wanted((path,)), select=frozenset({rule}))
        at = (rule, wanted.architectures)
        if at not in self._before:
            self._before[at] = _graveness(analyse_tree(self._tree, wanted, self._parsed))
        key = _key(finding)
        tried = OverlayTree(self._tree, {path: after})
        found = _graveness(analyse_tree(tried, wanted, self._parsed))
        return found[key] <= self._before[at][key] - _RANK[finding.severity]

    def _wanted(self, paths: tuple[str, ...]) -> AnalysisRequest:
        """All rules in the architectures that see one of ``paths``."""
        return replace(
            self._request, architectures=self._worlds(paths), select=frozenset(), scope=(), progress=None
        )

    def _worlds(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """The architectures that see one of ``paths``, as far as the request goes."""
        names: set[str] = set()
        for path in paths:
            seen = architecture_of(path)
            if seen is None:
                return self._request.architectures
            names |= set(seen)
        there = set(self._request.architectures or self._tree.architectures())
        return tuple(sorted(names & there))


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

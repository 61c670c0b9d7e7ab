"""The edits of a report put together, file by file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kicklint.base import Finding, Report
from kicklint.engine import AnalysisRequest
from kicklint.remedy.editing import Change, FileText, unified
from kicklint.remedy.trial import Trials
from kicklint.source import SourceTree


@dataclass(frozen=True, slots=True)
class Mended:
    """The files that edits change, before and after, and the findings that those edits are for.

    ``left`` are the findings whose edits do not go together with the others.
    """

    before: dict[str, bytes]
    after: dict[str, bytes]
    taken: tuple[Finding, ...] = ()
    left: tuple[Finding, ...] = ()

    def diff(self, prefix: str = "") -> str:
        """All of it as one unified diff that ``git apply`` takes; ``prefix`` stands before all paths."""
        return "".join(
            unified(f"{prefix}{path}", self.before[path], self.after[path]) for path in sorted(self.after)
        )


def mended(report: Report, tree: SourceTree, request: AnalysisRequest, *, only_sure: bool = False) -> Mended:
    """``tree`` with the edits of the open findings of ``report``, perhaps only with those that are sure.

    Edits that are the same are made once, and of two that overlap the first. Together they are tried
    once more; when they bring a finding, they are added one by one, without those that do. Raises
    SourceError.
    """
    wanted = [
        each for each in report.open_findings if each.edit is not None and (each.edit.sure or not only_sure)
    ]
    done = _together(wanted, tree)
    if len(done.taken) < 2:
        return done
    trials = Trials(tree, request)
    if not trials.gains(dict(done.after)):
        return done
    kept: list[Finding] = []
    left = list(done.left)
    for finding in done.taken:
        if trials.gains(dict(_together([*kept, finding], tree).after)):
            left.append(finding)
        else:
            kept.append(finding)
    done = _together(kept, tree)
    return Mended(done.before, done.after, done.taken, tuple(left))


def _together(findings: Iterable[Finding], tree: SourceTree) -> Mended:
    files: dict[str, FileText] = {}
    changes: dict[str, list[Change]] = {}
    taken: list[Finding] = []
    left: list[Finding] = []
    for finding in findings:
        path = finding.span.path
        if path not in files:
            files[path] = FileText(path, tree.read(path))
        new = _changes(finding, files[path])
        have = changes.setdefault(path, [])
        rest = [each for each in new if each not in have]
        if any(_overlap(one, other) for one in rest for other in have):
            left.append(finding)
            continue
        have += rest
        taken.append(finding)
    used = {path: each for path, each in changes.items() if each}
    return Mended(
        {path: files[path].data for path in used},
        {path: files[path].changed(each) for path, each in used.items()},
        tuple(taken),
        tuple(left),
    )


def _changes(finding: Finding, file: FileText) -> list[Change]:
    edits = finding.edit.replacements if finding.edit is not None else ()
    return [
        Change(
            file.offset(each.span.line, each.span.column),
            file.offset(each.span.end_line, each.span.end_column),
            each.text,
        )
        for each in edits
    ]


def _overlap(one: Change, other: Change) -> bool:
    """Whether two changes touch the same bytes, or are put into the same place."""
    if one.start == one.end and other.start == other.end:
        return one.start == other.start
    return one.start < other.end and other.start < one.end

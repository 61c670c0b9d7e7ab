"""The report as one JSON object, for programs.

Keys keep this order and are always there; lists may be empty::

    version        of this format, a number; a change that breaks readers raises it
    tool           {name, version}
    architectures  the worlds that were analysed
    summary        {files, functions, findings, error, warning, note, open, waived,
                     known, gone}; the first four counts of findings are of all of them
    findings       [{rule, name, severity, message, path, line, column, endLine,
                     endColumn, function, architectures, fingerprint, remedy,
                     trail: [{kind, path, line, column, function, message, depth,
                              state, essential}],
                     related: [{path, line, column, function, message}],
                     standing, suppression: {kind, justification, place, link},
                     interleaving: {rows: [{thread, text, function, path, line, column}],
                                    lost, assumption, verdict, litmus, fixedVerdict,
                                    fixed},
                     edit: {says, diff, sure,
                            replacements: [{path, line, column, endLine, endColumn, text}]}}];
                   edit is null where none was asked for or found
                   interleaving is null where none was computed; litmus and fixed are C
                   litmus tests, fixed has the missing piece in place ("" if unknown)
                   standing is new or known (in the baseline), null without one;
                   suppression is null where the finding is not waived
    notes          [{code, severity, message, path, line, column}]; a note that
                   belongs to no place has null for the last three
    gone           [{rule, path, function, message, fingerprint}]: what the baseline
                   has and this run has not; null without a baseline

Paths are relative to the tree. Lines and columns count from 1, columns in Unicode
characters; ``endColumn`` is exclusive.
"""

from __future__ import annotations

from dataclasses import asdict

from kicklint.base import Edit, Finding, Interleaving, Note, Related, Report, Span, Step
from kicklint.render.context import Context
from kicklint.render.document import dump
from kicklint.render.plain import Lines, character_column
from kicklint.render.summary import severities, standings

FORMAT_VERSION = 1


def render(report: Report, context: Context) -> str:
    """The report as JSON text with a final newline."""
    lines = Lines(report)
    return dump(
        {
            "version": FORMAT_VERSION,
            "tool": {"name": "kicklint", "version": context.version},
            "architectures": list(report.architectures),
            "summary": {
                "files": report.files,
                "functions": report.functions,
                "findings": len(report.findings),
                **severities(report.findings),
                "open": len(report.open_findings),
                **standings(report),
            },
            "findings": [
                finding_object(each, lines, compared=report.gone is not None) for each in report.findings
            ],
            "notes": [_note(each, lines) for each in report.notes],
            "gone": None if report.gone is None else [asdict(each) for each in report.gone],
        }
    )


def _start(span: Span, lines: Lines) -> dict[str, object]:
    column = character_column(lines.get(span.path, span.line), span.column)
    return {"path": span.path, "line": span.line, "column": column}


def finding_object(finding: Finding, lines: Lines, *, compared: bool) -> dict[str, object]:
    """One finding as an object; ``compared`` says that its standing means something."""
    span = finding.span
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity.value,
        "message": finding.message,
        **_start(span, lines),
        "endLine": span.end_line,
        "endColumn": character_column(lines.get(span.path, span.end_line), span.end_column),
        "function": finding.function,
        "architectures": list(finding.architectures),
        "fingerprint": finding.fingerprint,
        "remedy": finding.remedy,
        "trail": [_step(each, lines) for each in finding.trail],
        "related": [_related(each, lines) for each in finding.related],
        "standing": finding.standing.value if compared else None,
        "suppression": None if finding.suppression is None else asdict(finding.suppression),
        "interleaving": None if finding.interleaving is None else _interleaving(finding.interleaving, lines),
        "edit": None if finding.edit is None else _edit(finding.edit, lines),
    }


def _edit(edit: Edit, lines: Lines) -> dict[str, object]:
    return {
        "says": edit.says,
        "diff": edit.diff,
        "sure": edit.sure,
        "replacements": [
            {
                **_start(each.span, lines),
                "endLine": each.span.end_line,
                "endColumn": character_column(
                    lines.get(each.span.path, each.span.end_line), each.span.end_column
                ),
                "text": each.text,
            }
            for each in edit.replacements
        ],
    }


def _interleaving(found: Interleaving, lines: Lines) -> dict[str, object]:
    return {
        "rows": [
            {"thread": row.thread, "text": row.text, "function": row.function, **_start(row.span, lines)}
            for row in found.rows
        ],
        "lost": found.lost,
        "assumption": found.assumption,
        "verdict": found.verdict,
        "litmus": found.litmus,
        "fixedVerdict": found.fixed_verdict,
        "fixed": found.fixed,
    }


def _step(step: Step, lines: Lines) -> dict[str, object]:
    return {
        "kind": step.kind.value,
        **_start(step.span, lines),
        "function": step.function,
        "message": step.message,
        "depth": step.depth,
        "state": step.state,
        "essential": step.essential,
    }


def _related(related: Related, lines: Lines) -> dict[str, object]:
    return {**_start(related.span, lines), "function": related.function, "message": related.message}


def _note(note: Note, lines: Lines) -> dict[str, object]:
    nowhere: dict[str, object] = {"path": None, "line": None, "column": None}
    where = nowhere if note.span is None else _start(note.span, lines)
    return {"code": note.code, "severity": note.severity.value, "message": note.message, **where}

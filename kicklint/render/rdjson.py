"""Reviewdog Diagnostic Format, as one JSON object."""

from __future__ import annotations

import re

from kicklint.base import Finding, Report, Severity, Span
from kicklint.render.context import Context
from kicklint.render.document import dump
from kicklint.render.plain import encodable, visible

_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@", re.MULTILINE)
_SEVERITIES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTE: "INFO"}


def render(report: Report, _context: Context) -> str:
    """An object with source and diagnostics; columns count bytes of UTF-8, as that format has it."""
    return dump(
        {
            "source": {"name": "kicklint"},
            "diagnostics": [_diagnostic(each) for each in report.open_findings],
        }
    )


def _diagnostic(finding: Finding) -> dict[str, object]:
    span = finding.span
    return {
        "message": visible(finding.message),
        "location": {
            "path": span.path,
            "range": _range(span),
        },
        "severity": _SEVERITIES[finding.severity],
        "code": {"value": finding.rule},
        **_suggestions(finding),
    }


def _suggestions(finding: Finding) -> dict[str, object]:
    """At most one: reviewdog offers each by itself, and half of an edit is none."""
    edit = finding.edit
    if edit is None:
        return {}
    if len(edit.replacements) > 1:
        found = _whole_lines(edit.diff)
        return {"suggestions": [found]} if found is not None else {}
    (part,) = edit.replacements
    return {"suggestions": [{"range": _range(part.span), "text": encodable(part.text)}]}


def _whole_lines(diff: str) -> dict[str, object] | None:
    """The lines from the first to the last that a diff changes; None when it has several hunks, or none."""
    hunks = _HUNK.split(diff)[1:]
    if len(hunks) != 2:
        return None
    lines = [each for each in hunks[1].split("\n")[1:] if each[:1] in ("-", "+", " ")]
    first = next(at for at, each in enumerate(lines) if each[0] != " ")
    last = next(at for at, each in reversed(list(enumerate(lines))) if each[0] != " ")
    if all(each[0] == "+" for each in lines[first : last + 1]):  # it goes beside a line that is there
        first, last = (first - 1, last) if first else (first, last + 1)
    begin = int(hunks[0]) + sum(each[0] != "+" for each in lines[:first])
    end = begin + sum(each[0] != "+" for each in lines[first : last + 1]) - 1
    text = "\n".join(each[1:] for each in lines[first : last + 1] if each[0] != "-")
    return {"range": {"start": {"line": begin}, "end": {"line": end}}, "text": encodable(text)}


def _range(span: Span) -> dict[str, object]:
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }

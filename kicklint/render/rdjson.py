"""Reviewdog Diagnostic Format, as one JSON object."""

from __future__ import annotations

from kicklint.base import Finding, Report, Severity, Span
from kicklint.render.context import Context
from kicklint.render.document import dump
from kicklint.render.plain import visible

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
    if finding.edit is None:
        return {}
    return {
        "suggestions": [{"range": _range(each.span), "text": each.text} for each in finding.edit.replacements]
    }


def _range(span: Span) -> dict[str, object]:
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }

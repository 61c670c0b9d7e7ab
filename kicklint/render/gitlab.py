"""GitLab's Code Quality report (a subset of Code Climate's issue format)."""

from __future__ import annotations

from kicklint.base import Report, Severity
from kicklint.render.context import Context
from kicklint.render.document import dump
from kicklint.render.plain import visible

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def render(report: Report, _context: Context) -> str:
    """A list of objects with description, check_name, fingerprint, severity and location."""
    return dump(
        [
            {
                "description": f"{each.rule} {each.name}: {visible(each.message)}",
                "check_name": each.rule,
                "fingerprint": each.fingerprint,
                "severity": _SEVERITIES[each.severity],
                "location": {
                    "path": each.span.path,
                    "lines": {"begin": each.span.line, "end": each.span.end_line},
                },
            }
            for each in report.open_findings
        ]
    )

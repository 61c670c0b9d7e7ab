"""One sentence about a report."""

from __future__ import annotations

from collections import Counter

from kicklint.base import Report, Severity
from kicklint.render.plain import counted, visible


def severities(report: Report) -> dict[str, int]:
    """How many findings of each severity there are, the gravest first."""
    counts = Counter(finding.severity for finding in report.findings)
    return {severity.value: counts[severity] for severity in Severity}


def summary(report: Report) -> str:
    """The findings, and what they were looked for in."""
    extent = f"{counted(report.files, 'file')}, {counted(report.functions, 'function')}"
    if report.architectures:
        extent += f" ({', '.join(map(visible, report.architectures))})"
    if not report.findings:
        return f"No findings in {extent}."
    parts = [counted(number, name) for name, number in severities(report).items() if number]
    return f"Found {counted(len(report.findings), 'finding')} ({', '.join(parts)}) in {extent}."

"""One sentence about a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kicklint.base import Finding, Report, Severity, Standing
from kicklint.render.plain import counted, visible


def severities(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings of each severity there are, the gravest first."""
    counts = Counter(finding.severity for finding in findings)
    return {severity.value: counts[severity] for severity in Severity}


def summary(report: Report) -> str:
    """The findings that count, what they were looked for in, and how many do not count."""
    extent = f"{counted(report.files, 'file')}, {counted(report.functions, 'function')}"
    if report.architectures:
        extent += f" ({', '.join(map(visible, report.architectures))})"
    extent += f"; {', '.join(aside)}" if (aside := _aside(report)) else ""
    found = report.open_findings
    new = "new " if report.gone is not None else ""
    if not found:
        return f"No {new}findings in {extent}."
    parts = [counted(number, name) for name, number in severities(found).items() if number]
    return f"Found {counted(len(found), f'{new}finding')} ({', '.join(parts)}) in {extent}."


def standings(report: Report) -> dict[str, int]:
    """How many findings are waived, known from the baseline, and gone since it was written."""
    waived = sum(each.suppression is not None for each in report.findings)
    known = sum(each.suppression is None and each.standing is Standing.KNOWN for each in report.findings)
    return {"waived": waived, "known": known, "gone": len(report.gone or ())}


def _aside(report: Report) -> list[str]:
    return [f"{number} {name}" for name, number in standings(report).items() if number]

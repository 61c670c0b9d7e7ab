"""Paths for which nothing is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kicklint.base import Report
from kicklint.triage.suppress import path_matches


def without(report: Report, patterns: Sequence[str]) -> Report:
    """``report`` without the findings and notes in files that ``patterns`` name.

    A pattern is a file or directory of the tree, or has shell wildcards. What was found
    elsewhere and leads through such a file stays.
    """
    if not patterns:
        return report
    return replace(
        report,
        findings=tuple(each for each in report.findings if not excluded(each.span.path, patterns)),
        notes=tuple(
            each for each in report.notes if each.span is None or not excluded(each.span.path, patterns)
        ),
    )


def excluded(path: str, patterns: Sequence[str]) -> bool:
    """Whether nothing is reported for the file ``path``."""
    return any(path_matches(path, each) for each in patterns)

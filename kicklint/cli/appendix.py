"""What an HTML report shows besides its findings: the source around, the inventory, the coverage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kicklint.base import Excerpt, Finding, Report, SourceError, Span
from kicklint.render import AROUND, Context

if TYPE_CHECKING:
    from kicklint.engine import AnalysisRequest
    from kicklint.source import SourceTree


def with_appendix(report: Report, request: AnalysisRequest, context: Context) -> tuple[Report, Context]:
    """``report`` with the lines around every step, and ``context`` with sites and coverage.

    Raises SourceError.
    """
    # As in cli/examine.py.
    from kicklint import engine, source

    tree = source.DirectoryTree(request.tree)
    wanted: dict[str, set[int]] = {}
    for span in (span for each in report.findings for span in _spans(each)):
        for line in range(max(span.line - AROUND, 1), span.line + AROUND + 1):
            wanted.setdefault(span.path, set()).add(line)
    lines = {(each.path, each.line): each for each in report.excerpts}
    for path in sorted(wanted):
        lines |= {(path, each.line): each for each in _lines(tree, path, wanted[path])}
    more = replace(report, excerpts=tuple(lines[key] for key in sorted(lines)))
    sites = engine.sites(request)
    return more, replace(context, sites=tuple(sites), coverage=engine.coverage(request.tree))


def _spans(finding: Finding) -> tuple[Span, ...]:
    return (finding.span, *(step.span for step in finding.trail))


def _lines(tree: SourceTree, path: str, wanted: set[int]) -> list[Excerpt]:
    try:
        text = tree.read(path).split(b"\n")
    except SourceError:
        return []
    return [
        Excerpt(path, line, text[line - 1].rstrip(b"\r").decode("utf-8", "surrogateescape"))
        for line in sorted(wanted)
        if line <= len(text)
    ]

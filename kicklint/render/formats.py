"""Which format is rendered by what: the literal tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kicklint.base import Coverage, Report, Site
from kicklint.render import (
    concise,
    coverage,
    gcc,
    github,
    gitlab,
    html,
    json_report,
    junit,
    rdjson,
    rules,
    sites,
    statistics,
    text,
)
from kicklint.render.context import Context
from kicklint.rulebook import RuleInfo


def _sarif(report: Report, context: Context) -> str:
    # sarif_om takes 70 ms to import, more than the rest of the command line.
    from kicklint.render.sarif import render

    return render(report, context)


REPORT_FORMATS: Mapping[str, Callable[[Report, Context], str]] = {
    "text": text.render,
    "concise": concise.render,
    "json": json_report.render,
    "sarif": _sarif,
    "gcc": gcc.render,
    "github": github.render,
    "gitlab": gitlab.render,
    "junit": junit.render,
    "rdjson": rdjson.render,
    "html": html.render,
}

# Those that show the edits of findings.
WITH_EDITS = frozenset({"text", "json", "sarif", "rdjson", "html"})

# What --statistics shows in place of the findings.
STATISTICS_FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": statistics.render_text,
    "json": statistics.render_json,
}

SITE_FORMATS: Mapping[str, Callable[[Sequence[Site]], str]] = {
    "text": sites.render_text,
    "csv": sites.render_csv,
    "json": sites.render_json,
}

COVERAGE_FORMATS: Mapping[str, Callable[[Coverage], str]] = {
    "text": coverage.render_text,
    "json": coverage.render_json,
}

# All rules, and pages of some: rules and whether to colour in, text out.
RULES_FORMATS: Mapping[str, Callable[[Sequence[RuleInfo], bool], str]] = {
    "text": rules.render_table,
    "json": rules.render_json,
}

RULE_FORMATS: Mapping[str, Callable[[Sequence[RuleInfo], bool], str]] = {
    "text": rules.render_pages,
    "markdown": rules.render_markdown_pages,
    "json": rules.render_json,
}

# Formats for people: encoded as the terminal wants them, and coloured when asked.
# The others are UTF-8 wherever they go.
FOR_PEOPLE = frozenset({"text", "concise", "gcc"})

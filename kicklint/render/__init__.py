"""Report, sites, coverage and rules in, text out: one file a format.

Knows the value types and the rulebook's texts; nothing of how findings are made.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kicklint.render.context import Context, Provenance
from kicklint.render.formats import (
    COVERAGE_FORMATS,
    FOR_PEOPLE,
    REPORT_FORMATS,
    RULE_FORMATS,
    RULES_FORMATS,
    SITE_FORMATS,
    STATISTICS_FORMATS,
    WITH_EDITS,
)
from kicklint.render.html.trail import AROUND
from kicklint.render.plain import Lines, counted, utf16_column, visible
from kicklint.render.rules import render_markdown as rule_page
from kicklint.render.summary import summary

if TYPE_CHECKING:
    from kicklint.render.review import REVIEW_FOR_PEOPLE, REVIEW_FORMATS, inline_comments, render_line

__all__ = [
    "AROUND",
    "COVERAGE_FORMATS",
    "FOR_PEOPLE",
    "REPORT_FORMATS",
    "REVIEW_FORMATS",
    "REVIEW_FOR_PEOPLE",
    "RULES_FORMATS",
    "RULE_FORMATS",
    "SITE_FORMATS",
    "STATISTICS_FORMATS",
    "WITH_EDITS",
    "Context",
    "Lines",
    "Provenance",
    "counted",
    "inline_comments",
    "render_line",
    "rule_page",
    "summary",
    "utf16_column",
    "visible",
]

_REVIEW = frozenset({"REVIEW_FORMATS", "REVIEW_FOR_PEOPLE", "inline_comments", "render_line"})


def __getattr__(name: str) -> Any:
    """What renders reviews, imported by who reviews: it writes mails, and the library for that is large."""
    if name in _REVIEW:
        return getattr(import_module("kicklint.render.review"), name)
    raise AttributeError(name)

"""Workflow commands of GitHub Actions: annotations in the log and on the pull request."""

from __future__ import annotations

from kicklint.base import Report, Severity
from kicklint.render.context import Context
from kicklint.render.plain import Lines, character_column, visible

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(report: Report, context: Context) -> str:
    """``::error title=...,file=...,line=...::message``, one line for each finding and each note.

    Documentation: "Workflow commands for GitHub Actions", setting an error message.
    """
    lines = Lines(report)
    out = []
    for each in report.open_findings:
        text = lines.get(each.span.path, each.span.line)
        last = lines.get(each.span.path, each.span.end_line)
        properties = {
            "title": f"kicklint ({each.rule} {each.name})",
            "file": each.span.path,
            "line": str(each.span.line),
            "col": str(character_column(text, each.span.column)),
            "endLine": str(each.span.end_line),
            "endColumn": str(character_column(last, each.span.end_column)),
        }
        out.append(_command(_LEVELS[each.severity], properties, each.message))
    if not context.quiet:
        for note in report.notes:
            where = {} if note.span is None else {"file": note.span.path, "line": str(note.span.line)}
            out.append(_command("notice", {"title": f"kicklint ({note.code})", **where}, note.message))
    return "".join(out)


def _command(level: str, properties: dict[str, str], message: str) -> str:
    named = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::{level} {named}::{_escaped(message)}\n"


def _escaped(text: str, more: str = "") -> str:
    """``text`` on one line with what ends a value, or begins an escape, as %XX."""
    return "".join(f"%{ord(each):02X}" if each in "%" + more else each for each in visible(text))

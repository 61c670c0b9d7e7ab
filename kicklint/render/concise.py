"""One line a finding, as compilers write it: what editors and scripts read."""

from __future__ import annotations

from kicklint.base import Report, Span
from kicklint.render.context import Context
from kicklint.render.plain import Lines, character_column, visible


def render(report: Report, context: Context) -> str:
    """``path:line:column: severity: message [RULE]``, one line for each finding.

    A note is ``path:line:column: note: message [code]``, or ``kicklint: note: ...``
    when it belongs to no place. Columns count characters.
    """
    lines = Lines(report)
    out = [
        f"{place(each.span, lines)}: {each.severity}: {visible(each.message)} [{each.rule}]\n"
        for each in report.open_findings
    ]
    if not context.quiet:
        for note in report.notes:
            where = "kicklint" if note.span is None else place(note.span, lines)
            out.append(f"{where}: note: {visible(note.message)} [{visible(note.code)}]\n")
    return "".join(out)


def place(span: Span, lines: Lines) -> str:
    """``path:line:column``, where ``span`` begins."""
    column = character_column(lines.get(span.path, span.line), span.column)
    return f"{visible(span.path)}:{span.line}:{column}"

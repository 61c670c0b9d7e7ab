"""As gcc writes diagnostics: a line a finding, and its trail as notes, for editors and build logs."""

from __future__ import annotations

from kicklint.base import Report
from kicklint.render.concise import place
from kicklint.render.context import Context
from kicklint.render.plain import Lines, visible


def render(report: Report, context: Context) -> str:
    """``path:line:column: warning: message [RULE]``, and ``path:line:column: note: ...`` for each step."""
    lines = Lines(report)
    out = []
    for each in report.open_findings:
        if each.function:
            out.append(f"{visible(each.span.path)}: In function '{visible(each.function)}':\n")
        out.append(f"{place(each.span, lines)}: {each.severity}: {visible(each.message)} [{each.rule}]\n")
        for step in each.trail:
            if step.essential:
                out.append(f"{place(step.span, lines)}: note: {visible(step.message)}\n")
    if not context.quiet:
        for note in report.notes:
            where = "kicklint" if note.span is None else place(note.span, lines)
            out.append(f"{where}: note: {visible(note.message)} [{visible(note.code)}]\n")
    return "".join(out)

"""Findings as the protocol has them: lines and columns from 0, columns in UTF-16 code units."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types

from kicklint.base import Edit, Finding, Report, Severity, Span, Step
from kicklint.render import Lines, utf16_column, visible

SOURCE = "kicklint"
_MOST_STEPS = 100
# As a waiver is written before somebody has said why.
_NO_REASON = 'reason = ""'
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


def span_range(span: Span, lines: Lines) -> types.Range:
    """``span`` as a range."""
    return types.Range(
        types.Position(span.line - 1, utf16_column(lines.get(span.path, span.line), span.column) - 1),
        types.Position(
            span.end_line - 1, utf16_column(lines.get(span.path, span.end_line), span.end_column) - 1
        ),
    )


def diagnostic(finding: Finding, root: Path, lines: Lines) -> types.Diagnostic:
    """A finding with its trail as related information, and its fingerprint as data."""
    message = visible(finding.message)
    if finding.remedy:
        message += f"\n{visible(finding.remedy)}"
    steps = [each for each in finding.trail if each.essential][:_MOST_STEPS]
    return types.Diagnostic(
        range=span_range(finding.span, lines),
        message=message,
        severity=_SEVERITIES[finding.severity],
        code=finding.rule,
        source=SOURCE,
        related_information=[_step(number, each, root, lines) for number, each in enumerate(steps, 1)],
        data={"fingerprint": finding.fingerprint},
    )


def _step(number: int, step: Step, root: Path, lines: Lines) -> types.DiagnosticRelatedInformation:
    where = types.Location((root / step.span.path).as_uri(), span_range(step.span, lines))
    inside = f"{visible(step.function)}(): " if step.function else ""
    return types.DiagnosticRelatedInformation(where, f"{number}. {inside}{visible(step.message)}")


def diagnostics(report: Report, root: Path) -> dict[str, list[types.Diagnostic]]:
    """The findings that count, by the address of their file."""
    lines = Lines(report)
    found: dict[str, list[types.Diagnostic]] = {}
    for each in report.open_findings:
        found.setdefault((root / each.span.path).as_uri(), []).append(diagnostic(each, root, lines))
    return found


def workspace_edit(edit: Edit, root: Path, lines: Lines) -> types.WorkspaceEdit:
    """An edit as changes of open documents."""
    changes: dict[str, list[types.TextEdit]] = {}
    for each in edit.replacements:
        address = (root / each.span.path).as_uri()
        changes.setdefault(address, []).append(types.TextEdit(span_range(each.span, lines), each.text))
    return types.WorkspaceEdit(changes=changes)


def appended(file: Path, text: str) -> types.WorkspaceEdit:
    """``text`` put at the end of ``file``, which is made where there is none."""
    before = _text(file)
    last = before.split("\n")
    end = types.Position(len(last) - 1, len(last[-1].encode("utf-16-le")) // 2)
    text = text if before else text.lstrip("\n")
    if before and not before.endswith("\n"):
        text = "\n" + text
    steps: list[types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile] = []
    if not file.exists():
        steps.append(types.CreateFile(file.as_uri(), options=types.CreateFileOptions(ignore_if_exists=True)))
    steps.append(
        types.TextDocumentEdit(
            types.OptionalVersionedTextDocumentIdentifier(file.as_uri()),
            [types.TextEdit(types.Range(end, end), text)],
        )
    )
    return types.WorkspaceEdit(document_changes=steps)


def reason_in(edit: types.WorkspaceEdit) -> types.Range | None:
    """The place between the quotes of the reason that the last step of ``edit`` leaves empty."""
    step = edit.document_changes[-1] if edit.document_changes else None
    put = step.edits[0] if isinstance(step, types.TextDocumentEdit) else None
    lines = put.new_text.split("\n") if isinstance(put, types.TextEdit) else []
    if put is None or _NO_REASON not in lines:
        return None
    # The waiver begins a line of its own: what stands before the text in its first line matters no more.
    at = types.Position(put.range.start.line + lines.index(_NO_REASON), len(_NO_REASON) - 1)
    return types.Range(at, at)


def reasonless(file: Path) -> list[types.Diagnostic]:
    """A diagnostic for each waiver in ``file`` whose reason is left to fill in."""
    return [
        types.Diagnostic(
            range=types.Range(types.Position(number, 0), types.Position(number, len(line))),
            message="This waiver gives no reason and is not honoured",
            severity=types.DiagnosticSeverity.Warning,
            code="waiver-without-reason",
            source=SOURCE,
        )
        for number, line in enumerate(_text(file).split("\n"))
        if line == _NO_REASON
    ]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""

"""For people: the excerpt with a caret, the trail as numbered steps, what to do."""

from __future__ import annotations

from collections.abc import Iterator

from kicklint.base import Edit, Finding, Note, Report, Span, Standing, Step
from kicklint.render.context import Context
from kicklint.render.interleaving import table
from kicklint.render.plain import Lines, character_column, expand, visible
from kicklint.render.style import Style
from kicklint.render.summary import summary

_GUTTER = 6
# A span may cover a whole function; its first lines show where it is.
_MOST_LINES = 6


def render(report: Report, context: Context) -> str:
    """The report as text.

    The excerpt of each finding is shown with its tabs expanded and the caret under
    what the span covers. Steps of the trail that are not essential are shown only
    when ``context.verbose``, and so are findings that are waived or known;
    ``context.quiet`` leaves out notes and the summary.
    Columns count characters.
    """
    style = Style(context.colour)
    lines = Lines(report)
    shown = report.findings if context.verbose else report.open_findings
    blocks = ["\n".join(finding_block(each, lines, style, context.verbose)) + "\n" for each in shown]
    if not context.quiet:
        if report.notes:
            blocks.append(
                "\n".join(line for note in report.notes for line in _note(note, lines, style)) + "\n"
            )
        blocks.append(style.strong(summary(report)) + "\n" + _remedies(report, context, style))
    return "\n".join(blocks)


def _remedies(report: Report, context: Context, style: Style) -> str:
    """How to see edits of findings for which some may be found and none was looked for."""
    known = {rule.id: rule.remedy for rule in context.rules}
    count = sum(
        any(remedy.meant(each.message, each.architectures) for remedy in known.get(each.rule, ()))
        for each in report.open_findings
        if each.severity not in context.tried
    )
    if not count:
        return ""
    which = "it" if len(report.open_findings) == 1 else f"{count} of them"
    return style.faint(f"There may be an edit that removes {which}: kicklint check --remedies") + "\n"


def finding_block(finding: Finding, lines: Lines, style: Style, verbose: bool) -> Iterator[str]:
    """The lines of one finding: message, place, excerpt, trail, remedy."""
    rule = style.severity(finding.severity, f"{finding.rule} {visible(finding.name)}")
    yield f"{rule} ({finding.severity}): {style.strong(visible(finding.message))}"
    inside = f"  in {visible(finding.function)}()" if finding.function else ""
    worlds = f"  [{', '.join(map(visible, finding.architectures))}]" if finding.architectures else ""
    yield f" {style.faint('-->')} {_place(finding.span, lines)}{inside}{worlds}"
    yield from _excerpt(finding, lines, style)
    if finding.trail:
        yield from _trail(finding.trail, lines, style, verbose)
    if finding.interleaving is not None:
        yield f"{_bar(style)} {style.strong('how it goes wrong, by the memory model of the kernel:')}"
        yield from (f"{_bar(style)} {line}" for line in table(finding.interleaving))
        yield _bar(style)
    if finding.related:
        yield f"{_bar(style)} {style.strong('see also:')}"
    for each in finding.related:
        yield f"{_bar(style)}   {_where(each.span, each.function)}: {visible(each.message)}"
        yield from _quote(each.span, lines, style, "  ")
    if finding.suppression is not None:
        reason = f"{visible(finding.suppression.justification)} ({visible(finding.suppression.place)})"
        yield f"{_bar(style, '=')} {style.help('waived:')} {reason}"
    if finding.standing is Standing.KNOWN:
        yield f"{_bar(style, '=')} {style.help('known:')} the baseline has it"
    if finding.remedy:
        yield f"{_bar(style, '=')} {style.help('help:')} {visible(finding.remedy)}"
    if finding.edit is not None:
        yield f"{_bar(style, '=')} {style.help('edit:')} {visible(finding.edit.says)}"
        yield from (f"{_bar(style)} {line}" for line in _diff(finding.edit, style))
    yield f"{_bar(style, '=')} {style.help('more:')} kicklint explain {finding.rule}"


def _diff(edit: Edit, style: Style) -> Iterator[str]:
    """The hunks of an edit, with tabs expanded behind the first column."""
    for line in edit.diff.split("\n")[:-1]:
        if line.startswith("diff "):
            continue
        shown = f"{line[:1]}{expand(line[1:])[0]}"
        yield style.faint(shown) if line.startswith(("@@", "--- ", "+++ ")) else shown


def _place(span: Span, lines: Lines) -> str:
    column = character_column(lines.get(span.path, span.line), span.column)
    return f"{visible(span.path)}:{span.line}:{column}"


def _where(span: Span, function: str) -> str:
    place = f"{visible(span.path)}:{span.line}"
    return f"{place} {visible(function)}()" if function else place


def _bar(style: Style, mark: str = "|", number: int | None = None) -> str:
    head = "" if number is None else str(number)
    return style.faint(f"{head:>{_GUTTER}} {mark}")


def _excerpt(finding: Finding, lines: Lines, style: Style) -> Iterator[str]:
    span = finding.span
    yield _bar(style)
    last = min(span.end_line, span.line + _MOST_LINES - 1)
    for number in range(span.line, max(last, span.line) + 1):
        text = lines.get(span.path, number)
        if text is None:
            continue
        shown, cells = expand(text)
        blank = (
            len(cells) - 1
            if not text.strip()
            else len(text.encode("utf-8", "surrogateescape"))
            - len(text.lstrip().encode("utf-8", "surrogateescape"))
        )
        first = span.column - 1 if number == span.line else blank
        final = span.end_column - 1 if number == span.end_line else len(cells) - 1
        begin = cells[min(first, len(cells) - 1)]
        width = max(cells[min(final, len(cells) - 1)] - begin, 1)
        yield f"{_bar(style, number=number)} {shown.rstrip()}"
        yield f"{_bar(style)} {' ' * begin}{style.severity(finding.severity, '^' * width)}"
    yield _bar(style)


def _trail(trail: tuple[Step, ...], lines: Lines, style: Style, verbose: bool) -> Iterator[str]:
    yield f"{_bar(style)} {style.strong('how it comes about:')}"
    steps = [step for step in trail if step.essential or verbose]
    width = len(str(len(steps)))
    for number, step in enumerate(steps, 1):
        indent = "  " * max(step.depth, 0)
        state = f"  [{visible(step.state)}]" if step.state else ""
        where = _where(step.span, step.function)
        head = f"{number:>{width}}. {indent}{style.strong(where)}"
        yield f"{_bar(style)} {head}: {visible(step.message)}{state}"
        yield from _quote(step.span, lines, style, " " * width + "  " + indent)
    hidden = len(trail) - len(steps)
    if hidden:
        yield f"{_bar(style)} ({hidden} more with --verbose)"
    yield _bar(style)


def _quote(span: Span, lines: Lines, style: Style, indent: str) -> Iterator[str]:
    text = lines.get(span.path, span.line)
    if text is not None and text.strip():
        yield f"{_bar(style)} {indent}{style.faint('>')} {expand(text.strip())[0]}"


def _note(note: Note, lines: Lines, style: Style) -> Iterator[str]:
    severity = style.severity(note.severity, note.severity.value)
    yield f"{severity}: {visible(note.message)} [{visible(note.code)}]"
    if note.span is not None:
        yield f" {style.faint('-->')} {_place(note.span, lines)}"

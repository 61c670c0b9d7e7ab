"""The trail of a finding, drawn through the source: a rail from the first step down to the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kicklint.base import Finding, Step, StepKind
from kicklint.render.html.marks import place, source, words
from kicklint.render.plain import Lines

AROUND = 3
"""How many lines are shown above and below a step."""

_GAP = 2 * AROUND + 1


@dataclass(slots=True)
class _Piece:
    """Steps that follow each other downwards in one function, near enough to be shown together."""

    path: str
    function: str
    steps: list[tuple[int, Step]] = field(default_factory=list)

    def takes(self, step: Step) -> bool:
        last = self.steps[-1][1].span.line
        return (self.path, self.function) == (step.span.path, step.function) and (
            last <= step.span.line <= last + _GAP
        )


def trail(finding: Finding, lines: Lines) -> str:
    """The pieces of source in the order of the way, with a numbered mark at every step."""
    if not finding.trail:
        return _piece(_Piece(finding.span.path, finding.function, []), finding, lines)
    pieces: list[_Piece] = []
    for number, step in enumerate(finding.trail, 1):
        if not pieces or not pieces[-1].takes(step):
            pieces.append(_Piece(step.span.path, step.function))
        pieces[-1].steps.append((number, step))
    return "".join(_piece(each, finding, lines) for each in pieces)


def steps(finding: Finding) -> str:
    """The same as a list in words; the script lets one of it be chosen at a time."""
    if not finding.trail:
        return ""
    entries = []
    for number, step in enumerate(finding.trail, 1):
        state = f' <span class="state">{words(step.state)}</span>' if step.state else ""
        weak = "" if step.essential else " weak"
        entries.append(
            f'<li class="step {step.kind}{weak}" data-step="{number}" style="--depth:{max(step.depth, 0)}">'
            f'<button type="button"><span class="mark {step.kind}">{number}</span>'
            f"{words(step.message)}{state} {place(step.span.path, step.span.line)}</button></li>"
        )
    return (
        '<div class="walk"><button type="button" class="back">&#8593; back</button>'
        '<button type="button" class="on">on &#8595;</button></div>'
        f'<ol class="steps">{"".join(entries)}</ol>'
    )


def _piece(piece: _Piece, finding: Finding, lines: Lines) -> str:
    at: dict[int, list[tuple[int, Step]]] = {}
    for number, step in piece.steps:
        at.setdefault(step.span.line, []).append((number, step))
    wanted = sorted(at) or [finding.span.line]
    inside = f"{words(piece.function)}()" if piece.function else ""
    most = max((len(each) for each in at.values()), default=1)
    rows = "".join(_rows(wanted, at, piece, finding, lines))
    return (
        f'<figure class="piece"><figcaption>{words(piece.path)} <b>{inside}</b></figcaption>'
        f'<div class="source" style="--marks:{most}">{rows}</div></figure>'
    )


def _rows(
    wanted: Sequence[int],
    at: dict[int, list[tuple[int, Step]]],
    piece: _Piece,
    finding: Finding,
    lines: Lines,
) -> Iterator[str]:
    shown = sorted({line + step for line in wanted for step in range(-AROUND, AROUND + 1)})
    for line in shown:
        text = lines.get(piece.path, line)
        if text is None:
            continue
        marks = at.get(line, [])
        numbers = " ".join(str(number) for number, _ in marks)
        kinds = {step.kind for _, step in marks}
        classes = ["line", *(["hit"] if marks else []), *(["lack"] if StepKind.MISSING in kinds else [])]
        if (piece.path, line) == (finding.span.path, finding.span.line):
            classes.append("found")
        badges = "".join(f'<span class="mark {step.kind}">{number}</span>' for number, step in marks)
        yield (
            f'<div class="{" ".join(classes)}" data-steps="{numbers}"><span class="rail">{badges}</span>'
            f'<span class="number">{line}</span><code>{source(text) or " "}</code></div>'
        )

"""An interleaving as a table of two columns, like those of vcpu-requests.rst."""

from __future__ import annotations

import textwrap

from kicklint.base import VCPU, Interleaving, Row
from kicklint.render.plain import visible

_COLUMN = 46
_GAP = "  "
HEADS = ("vCPU thread", "requester")


def table(interleaving: Interleaving, column: int = _COLUMN) -> list[str]:
    """Its lines: the vCPU's thread on the left, the other on the right, what is lost at the end.

    ``column`` is the width of each.
    """
    lines = [_line(HEADS[0], HEADS[1], column), _line("=" * column, "=" * column, column)]
    for row in interleaving.rows:
        cell = _cell(row)
        # A name that only fits without the indentation is not cut for it.
        indent = "  " if all(len(word) <= column - 2 for word in cell.split()) else ""
        for text in textwrap.wrap(cell, column, subsequent_indent=indent):
            lines.append(_line(text, "", column) if row.thread == VCPU else _line("", text, column))
    lines.append(f"=> {visible(interleaving.lost)}")
    if interleaving.assumption:
        lines.append(f"   assumed: {visible(interleaving.assumption)}")
    return lines


def markdown(interleaving: Interleaving) -> str:
    """The same as a table of Markdown."""
    lines = [f"| {HEADS[0]} | {HEADS[1]} |", "|---|---|"]
    for row in interleaving.rows:
        cell = _cell(row, code=True)
        lines.append(f"| {cell} | |" if row.thread == VCPU else f"| | {cell} |")
    lines += ["", f"**{visible(interleaving.lost)}**"]
    if interleaving.assumption:
        lines += ["", f"Assumed: {visible(interleaving.assumption)}."]
    return "\n".join(lines)


def _cell(row: Row, *, code: bool = False) -> str:
    place = f"{visible(row.function)}:{row.span.line}"
    if not code:
        return f"{visible(row.text)} ({place})"
    return f"{visible(row.text).replace('|', chr(92) + '|')} (`{place}`)"


def _line(left: str, right: str, column: int) -> str:
    return f"{left:<{column}}{_GAP}{right}".rstrip()

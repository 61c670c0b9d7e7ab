"""Results as a table, as JSON and as a chart."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape

from measure import Result

PARSE = "tree-sitter parse"
_ROW, _LEFT, _WIDTH, _TOP = 24, 250, 470, 34


def table(results: Sequence[Result], yardsticks: Sequence[str]) -> str:
    """One line for each result, with its wall time as a multiple of those of ``yardsticks``."""
    times = {each.name: each.wall for each in results}
    known = [name for name in yardsticks if name in times]
    head = ["", "wall s", "CPU s", "MiB", *(f"/ {name}" for name in known)]
    rows = [head]
    for each in results:
        ratios = [f"{each.wall / times[name]:.2f}" for name in known]
        rows.append([each.name, f"{each.wall:.2f}", f"{each.cpu:.2f}", f"{each.memory:.0f}", *ratios])
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The k of time = c * size**k that fits ``points`` of size and time, by least squares of logarithms."""
    logs = [(math.log(size), math.log(time)) for size, time in points]
    middle = [sum(each[axis] for each in logs) / len(logs) for axis in (0, 1)]
    across = sum((x - middle[0]) ** 2 for x, _ in logs)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in logs) / across


def as_json(results: Sequence[Result], facts: Mapping[str, object]) -> str:
    """Everything that was measured, for programs."""
    return json.dumps({**facts, "results": [asdict(each) for each in results]}, indent=2) + "\n"


def chart(results: Sequence[Result], title: str) -> str:
    """Bars of the wall times, on a scale of powers of ten, with the spread of the runs as a line."""
    low = 10 ** math.floor(math.log10(min(each.fastest for each in results)))
    high = 10 ** math.ceil(math.log10(max(each.slowest for each in results)))
    span = math.log10(high / low) or 1.0

    def at(seconds: float) -> float:
        return _LEFT + _WIDTH * math.log10(seconds / low) / span

    height = _TOP + _ROW * len(results) + 26
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 70} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        "<style>text{font:13px sans-serif;fill:#222}.b{fill:#8aa4c8}.k{fill:#c8553d}"
        ".l{stroke:#222}.g{stroke:#ddd}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="8" y="20">{escape(title)}</text>',
    ]
    tick = low
    while tick <= high:
        x = at(tick)
        bottom = height - 20
        lines.append(f'<line class="g" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 4}" y2="{bottom}"/>')
        lines.append(f'<text x="{x:.1f}" y="{height - 5}" text-anchor="middle">{tick:g} s</text>')
        tick *= 10
    for number, each in enumerate(results):
        y = _TOP + _ROW * number
        kind = "k" if each.name.startswith("kicklint") else "b"
        middle = y + _ROW / 2 - 3
        lines += [
            f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(each.name)}</text>',
            f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{at(each.wall) - _LEFT:.1f}" '
            f'height="{_ROW - 6}"/>',
            f'<line class="l" x1="{at(each.fastest):.1f}" x2="{at(each.slowest):.1f}" '
            f'y1="{middle:.1f}" y2="{middle:.1f}"/>',
            f'<text x="{at(each.slowest) + 6:.1f}" y="{y + 14}">{each.wall:.2f}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"

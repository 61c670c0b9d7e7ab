"""The table of what is caught, as it is kept in the repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TABLE = Path(__file__).resolve().parent / "TABLE.md"
LEAST = 97

_HEAD = """# What kicklint catches of the mutants

Written by `make mutants ARGS=--write`; `make mutants ARGS=--check` holds it. Each cell says how
many of the mutants of a rule, in the world of an architecture, are caught. What a mutant is and
when it counts as caught is in [model.py](model.py) and [bench.py](bench.py).
"""


@dataclass(frozen=True)
class Result:
    """What came out.

    ``cells`` holds caught and total by rule and architecture; ``missed`` rule, id and what
    happened instead; ``neutral`` the number of edits without meaning by architecture;
    ``failed`` the ids of those that changed the findings.
    """

    cells: Mapping[tuple[str, str], tuple[int, int]]
    missed: tuple[tuple[str, str, str], ...] = ()
    neutral: Mapping[str, int] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def caught(self) -> int:
        """All that are caught."""
        return sum(caught for caught, _ in self.cells.values())

    @property
    def total(self) -> int:
        """All mutants."""
        return sum(total for _, total in self.cells.values())


def table_text(result: Result) -> str:
    """The file's text."""
    rules = sorted({rule for rule, _ in result.cells})
    worlds = sorted({world for _, world in result.cells})
    lines = [_HEAD, _row("rule", [*worlds, "all"]), _row("---", ["---:"] * (len(worlds) + 1))]
    lines += [_row(rule, _cells(result, [rule], worlds)) for rule in rules]
    lines.append(_row("all", _cells(result, rules, worlds)))
    share = f" ({100 * result.caught / result.total:.1f} %)" if result.total else ""
    lines += ["", f"Caught: {result.caught} of {result.total}{share}."]
    passed = sum(result.neutral.values()) - len(result.failed)
    lines += [f"Edits without meaning that change nothing: {passed} of {sum(result.neutral.values())}.", ""]
    if result.missed:
        lines += ["## Missed", "", *(f"- {rule} `{name}`: {how}" for rule, name, how in result.missed), ""]
    if result.failed:
        lines += ["## Changed by an edit without meaning", "", *(f"- `{name}`" for name in result.failed), ""]
    return "\n".join(lines)


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _cells(result: Result, rules: list[str], worlds: list[str]) -> list[str]:
    groups = [[(rule, world) for rule in rules] for world in worlds]
    groups.append([(rule, world) for rule in rules for world in worlds])
    sums = []
    for group in groups:
        pairs = [result.cells[each] for each in group if each in result.cells]
        sums.append(f"{sum(a for a, _ in pairs)}/{sum(b for _, b in pairs)}" if pairs else "")
    return sums


def kept_cells(text: str) -> dict[tuple[str, str], int]:
    """How many were caught by rule and architecture, as the file says."""
    worlds: list[str] = []
    kept: dict[tuple[str, str], int] = {}
    for line in text.splitlines():
        cells = [each.strip() for each in line.strip("|").split("|")]
        if cells[0] == "rule":
            worlds = cells[1:-1]
        elif re.fullmatch(r"KICK\d{3}", cells[0]):
            pairs = zip(worlds, cells[1:], strict=False)
            kept |= {(cells[0], world): int(cell.partition("/")[0]) for world, cell in pairs if cell}
    return kept


def worse(result: Result, text: str) -> list[str]:
    """In what the result is worse than what the file says, or than it may be at all."""
    faults = [
        f"{rule} on {world}: {result.cells.get((rule, world), (0, 0))[0]} caught, were {before}"
        for (rule, world), before in sorted(kept_cells(text).items())
        if result.cells.get((rule, world), (0, 0))[0] < before
    ]
    faults += [f"{name} changes the findings and has no meaning" for name in result.failed]
    if 100 * result.caught < LEAST * result.total:
        faults.append(f"{result.caught} of {result.total} caught is below {LEAST} %")
    return faults

"""How many findings each rule has, in place of the findings."""

from __future__ import annotations

from collections import Counter

from kicklint.base import Report
from kicklint.render.document import dump


def render_text(report: Report) -> str:
    """``count  RULE  name``, one line for each rule that has findings, the most first."""
    return "".join(f"{count:>5}  {rule}  {name}\n" for rule, name, count in _counts(report))


def render_json(report: Report) -> str:
    """A list of objects with rule, name and count, in the same order."""
    return dump([{"rule": rule, "name": name, "count": count} for rule, name, count in _counts(report)])


def _counts(report: Report) -> list[tuple[str, str, int]]:
    counts = Counter((each.rule, each.name) for each in report.open_findings)
    return sorted(
        ((rule, name, count) for (rule, name), count in counts.items()), key=lambda each: (-each[2], each[0])
    )

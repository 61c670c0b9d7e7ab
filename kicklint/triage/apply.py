"""All of a project's policy, put to one report in the one right order."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from kicklint.base import Report, SourceError
from kicklint.rulebook import RuleInfo
from kicklint.settings import Waiver
from kicklint.source import SourceTree
from kicklint.triage.baseline import Baseline, compared
from kicklint.triage.comments import Allowance, allowances
from kicklint.triage.exclude import without
from kicklint.triage.extent import Extent
from kicklint.triage.suppress import Said, suppressed


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What people have laid down: waivers with their files' names, a baseline, paths to leave out."""

    waivers: tuple[tuple[str, Waiver], ...] = ()
    baseline: Baseline | None = None
    exclude: tuple[str, ...] = ()


def triaged(
    report: Report,
    verdicts: Verdicts,
    tree: SourceTree,
    rules: Sequence[RuleInfo],
    extent: Extent,
    today: datetime.date,
) -> Report:
    """``report`` after exclusions, comments in the files of ``tree``, waivers and the baseline."""
    report = without(report, verdicts.exclude)
    said = Said(verdicts.waivers, tuple(_comments(tree, extent)))
    report = suppressed(report, said, rules, extent, today)
    return report if verdicts.baseline is None else compared(report, verdicts.baseline, extent)


def _comments(tree: SourceTree, extent: Extent) -> list[Allowance]:
    found: list[Allowance] = []
    for path in tree.paths():
        if not path.endswith((".c", ".h")) or not extent.reaches(path):
            continue
        try:
            found += allowances(path, tree.read(path))
        except SourceError:
            continue  # the engine has said so already
    return found

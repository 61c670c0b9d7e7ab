"""What is kept of the remedies that were tried, and what a try leaves behind."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from patches import DEMO, MAIN

from kicklint.base import Finding, Severity
from kicklint.cli.mending import Mending
from kicklint.cli.policy import Policy
from kicklint.engine import AnalysisRequest, analyse
from kicklint.engine.attempts import Attempts
from kicklint.remedy import with_edits
from kicklint.remedy.editing import unified
from kicklint.rulebook import load_rulebook
from kicklint.source import DirectoryTree
from kicklint.store import Store


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "linux"))


def test_what_was_tried_is_kept(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = AnalysisRequest(tree, store=Store(tmp_path / "store"))
    rules = load_rulebook().rules
    tries: list[str] = []
    reports = Attempts.reports

    def counted(self: Attempts, changes: dict[str, bytes | None], *rest: Any) -> Any:
        tries.extend(changes)
        return reports(self, changes, *rest)

    monkeypatch.setattr(Attempts, "reports", counted)

    def found() -> list[Finding]:
        return list(with_edits(analyse(request), DirectoryTree(tree), request, rules).findings)

    first = found()
    assert first[0].edit is not None and tries == [MAIN]
    assert found() == first and tries == [MAIN]
    # Whatever else is in the world may matter to it.
    other = next(path for path in DirectoryTree(tree).paths() if path != MAIN)
    (tree / other).write_bytes((tree / other).read_bytes() + b"/* a comment */\n")
    assert [each.edit for each in found()] == [first[0].edit] and tries == [MAIN, MAIN]
    alone = with_edits(analyse(request), DirectoryTree(tree), replace(request, store=None), rules)
    assert list(alone.findings) == first and tries == [MAIN] * 3


def test_nothing_worth_keeping_is_left_of_a_try(tree: Path, tmp_path: Path) -> None:
    request = AnalysisRequest(tree, store=Store(tmp_path / "store"))
    report = analyse(request)
    before = {each for each in (tmp_path / "store").rglob("*") if each.is_file()}
    with_edits(report, DirectoryTree(tree), request, load_rulebook().rules)
    after = {each for each in (tmp_path / "store").rglob("*") if each.is_file()}
    assert [each.parent.name for each in after - before] == ["ed"]


@pytest.mark.parametrize("lines", [1, 5, 40])
def test_a_diff_of_a_large_file(lines: int) -> None:
    for first, last in ((0, 1), (0, lines), (lines // 2, lines // 2 + 1), (lines - 1, lines)):
        before = [f"line {number}\n" for number in range(lines)]
        for put in ([], ["new\n"], ["new\n", "newer\n"]):
            after = [*before[:first], *put, *before[last:]]
            one, other = ("".join(each).encode() for each in (before, after))
            left, right = (each.decode().splitlines(keepends=True) for each in (one, other))
            whole = "".join(
                each if each.endswith("\n") else f"{each}\n\\ No newline at end of file\n"
                for each in difflib.unified_diff(left, right, "a/a.c", "b/a.c")
            )
            wanted = f"diff --git a/a.c b/a.c\n{whole}" if one != other else ""
            assert unified("a.c", one, other) == wanted


def test_edits_are_looked_for_unasked_where_few_findings_count(tree: Path) -> None:
    report = analyse(AnalysisRequest(tree))
    (warning,) = report.findings
    assert warning.severity is Severity.WARNING
    error = replace(warning, severity=Severity.ERROR)
    policy = Policy(isolated=True).found(tree)
    unasked = Mending().settled(policy, "text")

    def tried(mending: Mending, warnings: int, errors: int) -> frozenset[Severity]:
        return mending.tried(replace(report, findings=(warning,) * warnings + (error,) * errors))

    assert tried(unasked, 4, 1) == frozenset(Severity)
    assert tried(unasked, 9, 1) == {Severity.ERROR}  # as on a kernel with one fault
    assert tried(unasked, 9, 6) == frozenset()
    assert tried(Mending(show=True).settled(policy, "text"), 9, 6) == frozenset(Severity)
    assert tried(Mending(show=False).settled(policy, "text"), 1, 0) == frozenset()
    assert tried(Mending().settled(policy, "gcc"), 1, 0) == frozenset()  # has no room for them

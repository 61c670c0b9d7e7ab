"""The bench that counts caught mutants: what counts as caught, and when a result is worse."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from kernel_edits import Found, edited
from mutants import remedies
from mutants.bench import Verdict, gathered, judge_mutant, judge_neutral, judged, new_findings, result_of
from mutants.model import Mutant, Neutral
from mutants.races import TABLE as RACES
from mutants.races import Race, world
from mutants.races import table_text as races_text
from mutants.table import Result, kept_cells, table_text, worse

from kicklint.base import Severity


def finding(
    rule: str = "KICK008", function: str = "f", line: str = "kick();", path: str = "virt/kvm/a.c"
) -> Found:
    return Found(rule, function, path, Severity.ERROR, "", line, (), ())


MUTANT = Mutant("some", "KICK008", "x86", ("f", "g"), "swap", (), "why")
NEUTRAL = Neutral("same", "x86", "rename", (), "why", (("new", "old"),))


def test_ids_are_unique_and_every_architecture_is_there() -> None:
    cases = gathered()
    assert {"x86", "arm64", "riscv", "loongarch", "mips", "powerpc", "s390"} <= {
        each.architecture for each in cases
    }
    assert cases == sorted(cases, key=lambda each: (each.architecture, each.id))


def test_the_neutral_edits_meet_the_source(kernels: dict[str, Path]) -> None:
    for each in gathered():
        if isinstance(each, Neutral):
            assert edited(kernels["6.12"], each.edits).changes, each.id


def test_new_findings_counts_them() -> None:
    twice = [finding(), finding()]
    assert new_findings(twice, [finding()]) == [finding()]
    assert new_findings(twice, twice) == []
    assert new_findings([finding(line="other();")], [finding()]) == [finding()]


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        ([finding(function="g")], "caught"),
        ([finding(function="h")], "elsewhere"),
        ([finding("KICK009")], "other"),
        ([finding("KICK001", "old")], "missed"),
        ([], "missed"),
    ],
)
def test_what_counts_as_caught(found: list[Found], outcome: str) -> None:
    verdict = judge_mutant(MUTANT, found, [finding("KICK001", "old")])
    assert verdict.outcome == outcome
    assert bool(verdict.said) == (outcome in {"elsewhere", "other"})


def test_a_neutral_edit_may_rename_and_move_lines_but_no_more() -> None:
    before = [finding(function="old")]
    assert judge_neutral(NEUTRAL, [finding(function="new", line="other();")], before).outcome == "passed"
    for found in ([], [finding(function="new")] * 2, [finding("KICK009", "new")], [finding(function="h")]):
        verdict = judge_neutral(NEUTRAL, found, before)
        assert verdict.outcome == "failed"
        assert verdict.said


def test_an_exception_is_a_verdict(tmp_path: Path) -> None:
    (verdict,) = judged(tmp_path / "none", [MUTANT], [])
    assert verdict.outcome == "error"
    assert verdict.said


RESULT = Result({("KICK008", "x86"): (33, 33), ("KICK008", "mips"): (1, 1), ("KICK009", "x86"): (0, 1)})


def test_the_table_can_be_read_again() -> None:
    text = table_text(RESULT)
    assert kept_cells(text) == {("KICK008", "x86"): 33, ("KICK008", "mips"): 1, ("KICK009", "x86"): 0}
    assert "| KICK009 |  | 0/1 | 0/1 |" in text
    assert "| all | 1/1 | 33/34 | 34/35 |" in text


def test_when_a_result_is_worse() -> None:
    text = table_text(RESULT)
    assert worse(RESULT, text) == []
    assert worse(RESULT, "") == []
    fewer = Result({**RESULT.cells, ("KICK008", "mips"): (0, 0)})
    assert worse(fewer, text) == ["KICK008 on mips: 0 caught, were 1"]
    changed = Result(RESULT.cells, failed=("same",))
    assert worse(changed, text) == ["same changes the findings and has no meaning"]
    assert worse(Result({("KICK008", "x86"): (96, 100)}), "") == ["96 of 100 caught is below 97 %"]


def test_the_result_of_verdicts() -> None:
    result = result_of(
        [
            Verdict(MUTANT, "caught"),
            Verdict(MUTANT, "missed"),
            Verdict(NEUTRAL, "passed"),
            Verdict(NEUTRAL, "failed"),
        ]
    )
    assert result.cells == {("KICK008", "x86"): (1, 2)}
    assert result.missed == (("KICK008", "some", "missed"),)
    assert (result.neutral, result.failed) == ({"x86": 2}, ("same",))


def test_the_table_of_races_names_what_is_not_shown() -> None:
    races = [
        Race("a", "KICK004", "x86", "goes wrong", (30, 5, 7), mended=True),
        Race("d", "KICK004", "x86", "goes wrong", (30,)),
        Race("e", "KICK004", "x86", "says so"),
        Race("b", "KICK004", "x86", "not shown"),
        Race("c", "KICK005", "riscv", "missed"),
    ]
    text = races_text(races, ["KICK003 x86 f"], Counter({"x86": 4, "riscv": 1}))
    assert "riscv 1 of 1, x86 4 of 4." in text
    assert "| x86 | 4 | 30 | 30 | 5 | 7 |" in text
    assert "| KICK004 | 4 | 2 | 1 | 1 | 1 |" in text
    assert "| KICK005 | 0 | 0 | 0 | 0 | 0 |" in text
    assert "Errors of the unedited kernel that go wrong: KICK003 x86 f." in text
    assert "no bad execution is shown:\n\n- KICK004 b\n" in text
    assert "has why):\n\n- KICK004 e\n" in text
    assert text.endswith("missing piece:\n\n- KICK004 d\n")


def test_no_error_of_the_unedited_kernel_goes_wrong_in_the_kept_table() -> None:
    assert "Errors of the unedited kernel that go wrong: none." in RACES.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", ["KICK004", "KICK012"])
def test_what_is_caught_goes_wrong(kernels: dict[str, Path], rule: str) -> None:
    mutants = [each for each in gathered() if isinstance(each, Mutant) and each.rule == rule]
    races, errors = world(
        kernels["6.12"], [each for each in mutants if each.architecture == "riscv"][:3], None
    )
    assert errors == []
    assert "goes wrong" in {each.outcome for each in races}
    assert "not shown" not in {each.outcome for each in races}


def test_the_table_of_remedies_is_of_these_mutants() -> None:
    every = remedies.cases()
    text = remedies.TABLE.read_text("utf-8")
    known = remedies.read_table(text)
    assert known.keys() <= {(each.rule, each.id) for each in every}
    assert remedies.table_text(known, every) == text

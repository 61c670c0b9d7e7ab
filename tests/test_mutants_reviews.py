"""Deliberate faults of the kernel as mails, reviewed with the tree: new, and put down to a hunk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mutants.bench import gathered
from mutants.model import Mutant, Neutral
from mutants.reviews import TABLE, Reviewed, judged, missed_by_checks, reviewed, sample, table_text
from patches import BREAKS, mail, new, read, tree_at
from patches import reviewed as demo_review

from kicklint.base import Outcome
from kicklint.store import Store

MISSED = missed_by_checks()
CHOSEN = sample([each for each in gathered() if each.id not in MISSED], 3)


@pytest.mark.parametrize("architecture", sorted({each.architecture for each in CHOSEN}))
def test_a_review_with_the_tree_says_what_a_mutant_breaks(
    architecture: str, kernels: dict[str, Path], tmp_path: Path
) -> None:
    store = Store(tmp_path / "results")
    cases = [each for each in CHOSEN if each.architecture == architecture]
    assert len(cases) == 4
    done = [reviewed(kernels["6.12"], each, store) for each in cases]
    assert [each.outcome for each in done] == ["caught"] * 3 + ["passed"], done


def test_what_counts_as_caught(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    done = demo_review([read(mail(BREAKS))], tree).patches[0]
    mutant = Mutant("some", "KICK001", "riscv", ("kvm_vcpu_kick",), "delete", (), "why")
    assert judged(mutant, done) == ("caught", "")
    assert judged(replace(mutant, functions=("f",)), done) == ("elsewhere", "KICK001 kvm_vcpu_kick")
    bare = replace(done, judged=tuple(replace(each, cause=None) for each in done.new))
    assert judged(mutant, bare)[0] == "no hunk"
    nothing = demo_review([read(mail(BREAKS.replace("-\t\tif", " \t\tif", 1)))], tree).patches[0]
    assert nothing.outcome is Outcome.HUNKS_ONLY
    assert judged(mutant, nothing)[0] == "not reviewed"
    same = Neutral("same", "riscv", "rename", (), "why")
    assert judged(same, replace(done, judged=())) == ("passed", "")
    assert judged(same, done) == ("not harmless", "KICK001 kvm_vcpu_kick")
    assert new(demo_review([read(mail(BREAKS))], tree))


def test_the_table_of_reviews() -> None:
    rows = [
        Reviewed("a", "KICK001", "riscv", "caught", took=1500),
        Reviewed("b", "KICK002", "riscv", "no hunk", "KICK002 f", took=500),
        Reviewed("c", "", "riscv", "passed", took=100),
        Reviewed("d", "KICK002", "x86", "missed", took=100),
    ]
    text = table_text(rows, ["d"], 9)
    assert "| riscv | 1/2 | 1/1 | 0.5 | 1.5 |" in text
    assert "x86" not in text
    assert "- `b`: no hunk: KICK002 f" in text
    kept = TABLE.read_text(encoding="utf-8")
    for name in sorted({each.architecture for each in gathered()}):
        assert f"| {name} |" in kept

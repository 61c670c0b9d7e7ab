"""Every mutant and every neutral edit meets the real source. Nothing is analysed here."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

import pytest
from kernel_edits import edited, kept
from mutants.model import Mutant, Neutral

HERE = Path(__file__).parent
EDITS: list[Mutant | Neutral] = [
    each
    for path in sorted((HERE / "mutants").glob("*.py"))
    if path.stem != "__init__"
    for each in (
        *getattr(importlib.import_module(f"mutants.{path.stem}"), "MUTANTS", ()),
        *getattr(importlib.import_module(f"mutants.{path.stem}"), "NEUTRALS", ()),
    )
]


def test_ids_are_unique() -> None:
    assert [name for name, count in Counter(each.id for each in EDITS).items() if count > 1] == []


@pytest.mark.parametrize("each", EDITS, ids=lambda each: each.id)
def test_the_edits_meet_the_source(kernels: dict[str, Path], each: Mutant | Neutral) -> None:
    root = kernels["6.12"]
    assert edited(root, each.edits).changes
    assert each.architecture in kept(root).architectures()


@pytest.mark.parametrize(
    "each", [each for each in EDITS if isinstance(each, Mutant)], ids=lambda each: each.id
)
def test_a_mutant_says_what_it_is(each: Mutant) -> None:
    assert each.functions
    assert each.why
    assert each.rule.startswith("KICK")

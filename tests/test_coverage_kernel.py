"""How much of two real kernels the front end understands. Needs KICKLINT_KERNELS."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from kicklint.base import Coverage
from kicklint.source import find_tree
from kicklint.syntax import load_dialect
from kicklint.syntax.coverage import NOT_FOUND, measure

DIALECT = Path(__file__).parent.parent / "rules" / "dialect.toml"

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module", params=["6.12", "6.1"])
def coverage(request: pytest.FixtureRequest) -> Coverage:
    if "KICKLINT_KERNELS" not in os.environ:
        pytest.skip("KICKLINT_KERNELS is not set")
    if shutil.which("ctags") is None:
        pytest.skip("ctags is not installed")
    tree = find_tree(Path(os.environ["KICKLINT_KERNELS"]) / request.param)
    return measure(tree, load_dialect(DIALECT))


def test_nearly_every_function_that_ctags_lists_is_found(coverage: Coverage) -> None:
    assert coverage.reference is not None and coverage.reference > 7000
    assert len(coverage.missed) <= coverage.reference * 0.005


def test_each_function_that_is_missed_is_explained(coverage: Coverage) -> None:
    assert [missed for missed in coverage.missed if missed.reason == NOT_FOUND] == []


def test_hardly_a_function_is_damaged(coverage: Coverage) -> None:
    assert len(coverage.damaged) <= coverage.functions * 0.001


def test_parsing_a_kernel_is_quick() -> None:
    if "KICKLINT_KERNELS" not in os.environ:
        pytest.skip("KICKLINT_KERNELS is not set")
    tree = find_tree(Path(os.environ["KICKLINT_KERNELS"]) / "6.12")
    before = time.process_time()
    measure(tree, load_dialect(DIALECT))
    # Four seconds is the aim on an idle machine; the bound leaves room for a busy one.
    assert time.process_time() - before < 12

"""kicklint litmus on the model's tree: what it writes is what the checker judged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fixture_trees import DEMO

from kicklint.cli import main
from kicklint.memory import Verdict, check, read_litmus


def call(*arguments: str) -> Result:
    """Run kicklint in this process."""
    return CliRunner().invoke(main, [*arguments, "--tree", str(DEMO), "--jobs", "1", "-q"])


@pytest.fixture(scope="module")
def fingerprint() -> str:
    """That of the one finding of the model's tree."""
    (finding,) = json.loads(call("check", "--format", "json").output)["findings"]
    return str(finding["fingerprint"])


def test_the_two_tests(fingerprint: str, tmp_path: Path) -> None:
    written = call("litmus", fingerprint[:6])
    assert written.exit_code == 0
    assert "// kvm_vcpu_kick:34" in written.output
    assert check(read_litmus(written.output)).verdict is Verdict.SOMETIMES
    file = tmp_path / "fixed.litmus"
    assert call("litmus", fingerprint, "--fixed", "-o", str(file)).exit_code == 0
    assert check(read_litmus(file.read_text())).verdict is Verdict.NEVER


def test_without_herd_our_own_verdict_stands(fingerprint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    done = call("litmus", fingerprint, "--run")
    assert done.exit_code == 0
    assert "as it is: kicklint Sometimes, herd7 (herd7 is not installed)" in done.stderr
    assert "fixed: kicklint Never, herd7 (herd7 is not installed)" in done.stderr


def test_a_fingerprint_that_is_not_there() -> None:
    done = call("litmus", "ffff")
    assert done.exit_code == 2
    assert "there is no such finding" in done.stderr

"""kicklint litmus on the model's tree: what it writes is what the checker judged."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fixture_trees import DEMO

from kicklint.cli import main
from kicklint.memory import Verdict, check, read_litmus, write_litmus


def call(*arguments: str, tree: Path = DEMO) -> Result:
    """Run kicklint in this process."""
    return CliRunner().invoke(main, [*arguments, "--tree", str(tree), "--jobs", "1", "-q"])


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


# Says what herd7 says, in the form that tools/memory-model/README shows; it insists on its arguments.
HERD = """#!{python}
import pathlib, sys
option, configuration, test = sys.argv[1:]
assert option == "-conf" and pathlib.Path(configuration).is_file(), sys.argv
name = pathlib.Path(test).read_text().split()[1]
wrong = {wrong}
if wrong:
    sys.exit(wrong)
verdict = "Never" if name.endswith("-fixed") else "Sometimes"
print(f"Test {{name}} Allowed\\nStates 2\\nguest=0;\\nguest=1;\\nOk\\nWitnesses\\nPositive: 1 Negative: 1")
print(f"Condition exists (guest=1)\\nObservation {{name}} {{verdict}} 1 1\\nTime {{name}} 0.01\\nHash=0")
"""


def herd7(folder: Path, monkeypatch: pytest.MonkeyPatch, wrong: str = "") -> Path:
    """A tree with the kernel's configuration of herd7, and a herd7 on the path; ``wrong`` is its message."""
    tree = folder / "tree"
    shutil.copytree(DEMO, tree)
    model = tree / "tools/memory-model"
    model.mkdir(parents=True)
    (model / "linux-kernel.cfg").write_text("macros linux-kernel.def\n")
    program = folder / "bin/herd7"
    program.parent.mkdir()
    program.write_text(HERD.format(python=sys.executable, wrong=repr(wrong)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return tree


def test_the_verdicts_of_herd_stand_beside_our_own(
    fingerprint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call("litmus", fingerprint, "--run", tree=herd7(tmp_path, monkeypatch))
    assert done.exit_code == 0
    assert "as it is: kicklint Sometimes, herd7 Sometimes" in done.stderr
    assert "fixed: kicklint Never, herd7 Never" in done.stderr


def test_what_herd_complains_of_is_said(
    fingerprint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = herd7(tmp_path, monkeypatch, 'File "x.litmus": unexpected')
    done = call("litmus", fingerprint, "--run", tree=tree)
    assert done.exit_code == 0
    assert 'as it is: kicklint Sometimes, herd7 (herd7: File "x.litmus": unexpected)' in done.stderr


def test_a_tree_without_the_model_is_said(
    fingerprint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = herd7(tmp_path, monkeypatch)
    (tree / "tools/memory-model/linux-kernel.cfg").unlink()
    done = call("litmus", fingerprint, "--run", tree=tree)
    assert "herd7 (no tools/memory-model/linux-kernel.cfg in the tree)" in done.stderr


def test_a_section_that_began_before_is_begun_in_the_test() -> None:
    """herd7 flags the end of a read-side section that it has not seen begin."""
    body = "\tint i;\n\n\tsrcu_read_unlock(ss, i);\n\tWRITE_ONCE(*x, 1);\n"
    program = read_litmus(
        f"C SB\n\n{{}}\n\nP0(struct srcu_struct *ss, int *x)\n{{\n{body}}}\n\nexists (x=1)\n"
    )
    lines = write_litmus(program).splitlines()
    begins = next(n for n, line in enumerate(lines) if "srcu_read_lock(ss)" in line)
    assert begins < next(n for n, line in enumerate(lines) if "srcu_read_unlock(ss" in line)


def test_a_fingerprint_that_is_not_there() -> None:
    done = call("litmus", "ffff")
    assert done.exit_code == 2
    assert "there is no such finding" in done.stderr

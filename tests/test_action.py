"""action.yml: its steps run, with what a workflow would set, on a small tree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {each["name"]: each for each in ACTION["runs"]["steps"]}


def run(folder: Path, **inputs: str) -> tuple[int, str]:
    """The status of the step that checks, and what it gives as outputs."""
    place = folder / "kicklint" / "bin"
    place.mkdir(parents=True, exist_ok=True)
    program = place / "kicklint"
    if not program.exists():
        program.symlink_to(Path(sys.executable).parent / "kicklint")
    values = {name: each.get("default", "") for name, each in ACTION["inputs"].items()} | inputs
    outputs = folder / "outputs"
    outputs.write_text("", "utf-8")
    environment = {**os.environ, "GITHUB_OUTPUT": str(outputs)}
    known = {f"inputs.{each}": value for each, value in values.items()} | {"runner.temp": str(folder)}
    for name, text in STEPS["Run kicklint"]["env"].items():
        environment[name] = re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known[found[1]], text)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS["Run kicklint"]["run"]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, outputs.read_text("utf-8")


def test_no_input_is_put_into_a_script() -> None:
    for step in STEPS.values():
        assert "${{" not in step["run"], step["name"]
        assert step["shell"] == "bash"


def test_a_log_is_written(tmp_path: Path) -> None:
    tree = str(ROOT / "fixtures" / "demo-tree")
    assert run(tmp_path, tree=tree) == (0, "sarif=kicklint.sarif\nfindings=true\n")
    log = json.loads((tmp_path / "kicklint.sarif").read_text("utf-8"))
    assert [each["ruleId"] for each in log["runs"][0]["results"]] == ["KICK001"]
    # What it wrote is a baseline for the next run.
    assert run(tmp_path, tree=tree, baseline="kicklint.sarif", output="b.sarif") == (
        0,
        "sarif=b.sarif\nfindings=false\n",
    )
    assert run(tmp_path, tree=tree, select="KICK002") == (0, "sarif=kicklint.sarif\nfindings=false\n")
    assert run(tmp_path, tree=tree, fail="true")[0] == 1


@pytest.mark.parametrize("inputs", [{"tree": "nowhere"}, {"arch": "vax"}, {"select": "$(touch x)"}])
def test_what_cannot_run_fails_the_step(inputs: dict[str, str], tmp_path: Path) -> None:
    tree = {"tree": str(ROOT / "fixtures" / "demo-tree")}
    assert run(tmp_path, **(tree | inputs)) == (2, "")
    assert not (tmp_path / "x").exists()


def test_the_action_installs_itself() -> None:
    step = STEPS["Install kicklint"]
    assert step["env"]["SOURCE"] == "${{ github.action_path }}"
    assert '"$SOURCE"' in step["run"]


def test_the_workspace_is_not_run(tmp_path: Path) -> None:
    """A venv.py of the workspace is not the one that makes the environment."""
    (tmp_path / "venv.py").write_text("open('ran', 'w').close()\n", "utf-8")
    (tmp_path / "place/bin").mkdir(parents=True)
    (tmp_path / "place/bin/pip").symlink_to("/bin/true")
    environment = {**os.environ, "PYTHON": sys.executable, "SOURCE": "s", "PLACE": str(tmp_path / "place")}
    script = STEPS["Install kicklint"]["run"].replace("-m venv", "-m venv --without-pip")
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "place/pyvenv.cfg").exists() and not (tmp_path / "ran").exists()

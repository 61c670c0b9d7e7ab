"""What the README and the pages beside it show is true: the commands run, and print what stands there.

``python tests/test_readme.py`` writes the outputs anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)\)")
# The pages whose console blocks are run.
PLAYED = ("README.md", "docs/using.md", "docs/review.md", "docs/writing-rules.md")
DOCUMENTS = (*PLAYED, "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/limits.md")

Command = tuple[str, str, bool]
"""A command, what stands below it, and whether its output has to stand there."""


def commands(block: str) -> Iterator[Command]:
    """The commands of a console block; one that stands alone always shows its output."""
    parts = (
        block.split("$ ")[1:]
        if block.count("\n$ ") == 0
        else re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    )
    for part in parts:
        command, _, shown = part.partition("\n")
        yield command, shown, len(parts) == 1 or bool(shown)


def run(command: str, folder: Path) -> str:
    """What ``command`` prints, with the program that is installed beside this Python."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
    environment |= {"COLUMNS": "80", "NO_COLOR": "1"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def played(block: str) -> str:
    """``block`` as it must be: its commands, and what they really print."""
    folder = ROOT
    out = []
    for command, _, wanted in commands(block):
        out.append(f"$ {command}\n")
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
            continue
        printed = run(command, folder)
        if wanted:
            out.append(printed)
    return "".join(out)


def rewritten(text: str) -> str:
    """``text`` with the outputs in its console blocks as they must be."""
    return _BLOCK.sub(lambda match: f"```console\n{played(match[1])}```", text)


@pytest.mark.parametrize("name", PLAYED)
def test_commands_print_what_stands_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(_BLOCK.findall(text)) >= 2
    assert any("KICK0" in each for each in _BLOCK.findall(text))
    assert rewritten(text) == text, "run python tests/test_readme.py"


def test_targets_of_make_are_there() -> None:
    text = README.read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z]+)", text))
    assert {"demo", "test"} <= targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{each}:" in makefile for each in targets)


def test_every_subcommand_is_one() -> None:
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in PLAYED)
    helped = run("kicklint --help", ROOT)
    for name in set(re.findall(r"(?:^ {4}|\$ |- run: |`)kicklint ([a-z]+(?:-[a-z]+)*)", text, re.MULTILINE)):
        assert f"  {name} " in helped, name


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    for target in _LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_exit_statuses() -> None:
    program = str(Path(sys.executable).parent / "kicklint")
    statuses = [
        subprocess.run([program, "check", *arguments], cwd=ROOT, capture_output=True, check=False).returncode
        for arguments in (
            ["fixtures/demo-tree/arch/riscv"],
            ["fixtures/demo-tree"],
            ["--exit-zero", "fixtures/demo-tree"],
            ["no-such-tree"],
        )
    ]
    assert statuses == [0, 1, 0, 2]


@pytest.mark.skipif(not os.environ.get("CI"), reason="installs from the package index; CI does")
def test_make_demo(tmp_path: Path) -> None:
    for name in ("kicklint", "rules", "fixtures", "scripts", "share"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(["make", "demo"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^KICK\d{3}", done.stdout, re.MULTILINE) == ["KICK001"]
    log = (tmp_path / "demo.sarif").read_text(encoding="utf-8")
    assert re.findall(r'"ruleId": "(KICK\d{3})"', log) == ["KICK001"]


if __name__ == "__main__":
    for page in (ROOT / each for each in PLAYED):
        page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")

"""b4 itself runs kicklint as the check of its patches, and reads its inline comments' form."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import missing
from patches import (
    BREAKS,
    GUARDED,
    MAIN,
    UNGUARDED,
    diff,
    edited,
    git,
    mail,
    read,
    repository_at,
    reviewed,
    text_of,
    tree_at,
)

from kicklint.render import Context, inline_comments
from kicklint.rulebook import load_rulebook

COMMAND = f"{sys.executable} -m kicklint.cli review - --arch riscv"


@pytest.fixture(scope="module")
def b4() -> str:
    beside = Path(sys.executable).with_name("b4")
    return str(beside) if beside.is_file() else shutil.which("b4") or missing("b4", "pip install b4")


def test_the_per_patch_check_of_prep(tmp_path: Path, b4: str) -> None:
    repository = repository_at(tmp_path / "tree")
    for key, value in (
        ("user.name", "A"),
        ("user.email", "a@example.org"),
        ("b4.prep-perpatch-check-cmd", f"{COMMAND} --format checkpatch"),
    ):
        git(repository, "config", key, value)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "GIT_CONFIG_SYSTEM": os.devnull,
        "NO_COLOR": "1",
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            [b4, "--offline-mode", "prep", *command],
            cwd=repository,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)

    run("-n", "kicks", "-f", "main")
    bad, good = text_of(MAIN), text_of(MAIN) + "/* no more */\n"
    for subject, text in (("KVM: Drop the guard", bad), ("KVM: Say no more", good)):
        (repository / MAIN).write_text(text)
        git(repository, "commit", "-q", "-a", "-m", subject)
    said = run("--check")
    assert re.search(rf"KVM: Drop the guard\n.*{MAIN}:34: WARNING: .*\[KICK001\]\n", said)
    # Silence is success; a line on standard error would be an error.
    assert "Success: 1, Warning: 1, Error: 0" in said


def check(data: bytes, tree: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND.split(), "--tree", str(tree), *options],
        input=data.decode(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_silence_when_clean(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    clean = mail(diff(MAIN, edited(MAIN, (UNGUARDED, GUARDED)), edited(MAIN, (UNGUARDED, GUARDED)) + "\n"))
    for data in (clean, mail("", "[PATCH 0/2] a cover letter"), mail(diff("mm/a.c", "a\n", "b\n"))):
        done = check(data, tree, "--format", "checkpatch")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_files_of_inline_comments(tmp_path: Path) -> None:
    done = reviewed([read(mail(BREAKS, "[PATCH 3/4] x"))], tree_at(tmp_path))
    files = inline_comments(done, Context(rules=load_rulebook().rules))
    assert sorted(files) == ["0003.txt", "identity.txt", "series.txt"]
    assert re.fullmatch(r"[^<>]+ <[^<>]+>\n", files["identity.txt"])
    lines = files["0003.txt"].split("\n")
    assert lines[0] == "1 new finding against the tree as it is"
    quoted = [line[2:] for line in lines if line.startswith("> ")]
    assert "\n".join(quoted).rstrip() == "\n".join(done.patches[0].patch.diff).rstrip()
    at = next(n for n, line in enumerate(lines) if line.startswith(">") and "WRITE_ONCE" in line)
    assert lines[at + 2].startswith("Is this safe?")

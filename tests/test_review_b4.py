"""b4 itself runs kicklint as the check of its patches, and reads its inline comments' form."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, missing
from patches import (
    BREAKS,
    GUARDED,
    MAIN,
    UNGUARDED,
    VCPU,
    commit,
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


def home(folder: Path) -> dict[str, str]:
    """An environment in which b4 finds nothing of this machine."""
    return {
        **os.environ,
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": str(folder / "data"),
        "GIT_CONFIG_SYSTEM": os.devnull,
        "NO_COLOR": "1",
    }


def test_the_per_patch_check_of_prep(tmp_path: Path, b4: str) -> None:
    repository = repository_at(tmp_path / "tree")
    for key, value in (
        ("user.name", "A"),
        ("user.email", "a@example.org"),
        ("b4.prep-perpatch-check-cmd", f"{COMMAND} --format checkpatch"),
    ):
        git(repository, "config", key, value)
    environment = home(tmp_path)

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
    # The diff whole, and nothing of what stands around it in the mail.
    assert "\n".join(quoted) == BREAKS.rstrip("\n")
    at = next(n for n, line in enumerate(lines) if line.startswith(">") and "WRITE_ONCE" in line)
    assert lines[at + 2].startswith("Is this safe?")


def session(folder: Path, repository: Path, *words: str) -> dict[str, Any]:
    """What b4's own code answers that tests/b4_session.py drives."""
    script = Path(__file__).with_name("b4_session.py")
    done = subprocess.run(
        [sys.executable, str(script), *words],
        cwd=repository,
        env=home(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    """A repository in which b4 review has a branch of a series of three, whose second patch breaks."""
    repository = repository_at(tmp_path / "tree")
    command = f"{COMMAND} --format b4-json"
    git(repository, "config", "user.name", "M")
    git(repository, "config", "user.email", "m@example.org")
    git(repository, "config", "b4.review-perpatch-check-cmd", command)
    git(repository, "config", "b4.review-series-check-cmd", command)
    git(repository, "checkout", "-q", "-b", "topic")
    commit(repository, {VCPU: text_of(VCPU) + "/* more */\n"}, "KVM: Say more")
    commit(repository, {MAIN: text_of(MAIN)}, "KVM: Drop the guard")
    commit(repository, {MAIN: text_of(MAIN) + "/* no more */\n"}, "KVM: Say no more")
    text = git(repository, "format-patch", "--stdout", "--thread", "--cover-letter", "main..HEAD")
    (tmp_path / "series.mbox").write_text(text + "\n", encoding="utf-8")
    git(repository, "checkout", "-q", "main")
    git(repository, "branch", "-q", "-D", "topic")
    made = session(tmp_path, repository, "branch", str(tmp_path / "series.mbox"), "main")
    assert made["patches"] == 3
    return repository


def test_the_checks_of_review(tmp_path: Path, tracked: Path) -> None:
    """Pressed in b4's own screen: one command for every patch, one for the series as a whole."""
    said = session(tmp_path, tracked, "checks")
    shown = {each["patch"]: (each["status"], each["summary"]) for each in said["results"]}
    assert shown == {
        "0/3": ("warn", "1 new finding, in 3 patches"),
        "1/3": ("pass", "nothing new"),
        "2/3": ("warn", "1 new finding"),
        "3/3": ("pass", "nothing new"),
    }
    assert {each["column"] for each in said["results"]} == {"kicklint"}
    # The rows that are shown when a patch is asked for, drawn by b4.
    text = " ".join(line.strip("\u2502 ") for line in said["shown"])
    assert "Details for 2/3" in text
    assert "warning  KICK001 unguarded-exiting-transition" in text
    assert f"{MAIN}:34" in text


def test_the_series_is_only_looked_for_where_b4_says_so(tmp_path: Path, tracked: Path) -> None:
    cover = (tmp_path / "series.mbox").read_bytes().split(b"\nFrom ")[0]
    tracking = tmp_path / "tracking.json"
    message = re.search(rb"Message-I[dD]: <(.*)>", cover)
    first = git(tracked, "rev-list", "--reverse", "main..b4/review/kicks").split()[0]
    assert message is not None
    series = {
        "header-info": {"msgid": message[1].decode()},
        "first-patch-commit": first,
        "change-id": "kicks",
    }

    def said(**other: object) -> object:
        tracking.write_text(json.dumps({"series": {**series, **other}}), encoding="utf-8")
        done = subprocess.run(
            [*COMMAND.split(), "--tree", str(tracked), "--format", "b4-json"],
            input=cover,
            env={**os.environ, "B4_TRACKING_FILE": str(tracking)},
            capture_output=True,
            check=False,
        )
        assert done.stderr == b""
        return [each["summary"] for each in json.loads(done.stdout)]

    assert said() == ["1 new finding, in 3 patches"]
    assert said(**{"header-info": {"msgid": "another"}}) == []
    assert said(**{"change-id": "--output=x"}) == []
    assert said(**{"change-id": "gone"}) == []
    assert said(**{"first-patch-commit": None}) == []


def test_the_comments_that_review_takes_in(tmp_path: Path, tracked: Path, b4: str) -> None:
    """The script of docs/review.md writes them; b4 puts them at the line and shows them as a reviewer's."""
    text = (ROOT / "docs/review.md").read_text(encoding="utf-8")
    found = re.search(r"(?m)^    #!/bin/sh\n((?:    .*\n)+)", text)
    assert found is not None
    script = found[1].replace("    ", "")
    # The b4 and the kicklint beside this Python, and one architecture to be quick.
    script = script.replace("b4 review", f"{b4} review", 1)
    script = script.replace("kicklint review", f"{sys.executable} -m kicklint.cli review --arch riscv", 1)
    done = subprocess.run(
        ["sh", "-c", script], cwd=tracked, env=home(tmp_path), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    taken = session(tmp_path, tracked, "comments")
    assert "kicklint: 1 new finding" in taken["series"]["kicklint@localhost"]["note"]
    first, second, third = taken["patches"]
    assert (first, third) == ({}, {})
    by = second["kicklint@localhost"]
    assert re.fullmatch(r"1 new finding against revision .*", by["note"])
    (comment,) = by["comments"]
    assert (comment["path"], comment["line"]) == (f"b/{MAIN}", 34)
    assert comment["content"].strip() == "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"
    assert comment["text"].startswith("Is this safe?")
    assert comment["text"].endswith("(found by kicklint, KICK001 unguarded-exiting-transition)")
    assert taken["states"] == ["", "external", ""]
    # b4 has taken them in, and the folder with them.
    assert list((tracked / ".git/b4-review").iterdir()) == []

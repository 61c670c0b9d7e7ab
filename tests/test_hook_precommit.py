"""The hooks of .pre-commit-hooks.yaml under the real pre-commit, on a repository made of the kernel.

pre-commit installs kicklint from a repository that holds this checkout as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, missing
from kernel_edits import KVM_MAIN, literal
from patches import commit, git
from test_edits_seed import REVIEWER, TEST, WORLD, WRITE

from kicklint.source import DirectoryTree, architecture_of

PROGRAM = Path(sys.executable).parent / "pre-commit"
OTHER = "drivers/net/other.c"
PASSES = f"\n/* {'Nothing of KVM. ' * 2}*/\n"

Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files of this checkout, changed or not."""
    if not PROGRAM.exists():
        missing("pre-commit", "pip install kicklint[test]")
    folder = tmp_path_factory.mktemp("hooks")
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if name and (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    commit(folder, {}, "kicklint")
    return folder


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps what it has installed."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def linux(tmp_path: Path, kernels: dict[str, Path], hooks: Path) -> Path:
    """One world of Linux 6.12 with the guard that the seed's reviewer asked for, committed."""
    repository = tmp_path / "linux"
    for path in DirectoryTree(kernels["6.12"]).paths():
        names = architecture_of(path)
        if names is None or WORLD in names:
            (repository / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(kernels["6.12"] / path, repository / path)
    main = repository / KVM_MAIN
    guarded, count = literal(TEST).subn(REVIEWER, main.read_text("utf-8"))
    assert count == 1
    main.write_text(guarded, "utf-8")
    (repository / OTHER).parent.mkdir(parents=True)
    revision = git(hooks, "rev-parse", "HEAD")
    config = (
        f"repos:\n- repo: {hooks}\n  rev: {revision}\n  hooks: [{{id: kicklint}}, {{id: kicklint-full}}]\n"
    )
    git(repository, "init", "-q")
    commit(repository, {OTHER: "int other;\n", ".pre-commit-config.yaml": config}, "Linux")
    return repository


def run(linux: Path, store: Path, *arguments: str) -> Ran:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PRE_COMMIT"))}
    environment |= {
        "PRE_COMMIT_HOME": str(store),
        "PRE_COMMIT_COLOR": "never",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = [str(PROGRAM), *arguments]
    return subprocess.run(command, cwd=linux, env=environment, capture_output=True, text=True, check=False)


def edit(linux: Path, old: str, new: str) -> None:
    text = (linux / KVM_MAIN).read_text("utf-8")
    assert text.count(old) == 1
    (linux / KVM_MAIN).write_text(text.replace(old, new), "utf-8")


def test_try_repo_refuses_the_seed(linux: Path, store: Path, hooks: Path) -> None:
    edit(linux, REVIEWER, TEST)
    git(linux, "add", KVM_MAIN)
    done = run(linux, store, "try-repo", str(hooks), "kicklint")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "KICK001 unguarded-exiting-transition" in done.stdout
    lines = done.stdout.split("\n")
    excerpt = re.compile(rf" *\d+ \|\s+{re.escape(WRITE)}")
    at = next(n for n, line in enumerate(lines) if excerpt.fullmatch(line))
    assert lines[at + 1].strip(" |") == "^" * (len(WRITE) - 1)
    # What the kernel has besides is not the commit's fault.
    assert set(re.findall(r"^KICK\d+", done.stdout, re.MULTILINE)) == {"KICK001"}


def test_other_commits_pass(linux: Path, store: Path) -> None:
    (linux / KVM_MAIN).write_text((linux / KVM_MAIN).read_text("utf-8") + PASSES, "utf-8")
    git(linux, "add", KVM_MAIN)
    done = run(linux, store, "run", "kicklint")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kicklint" in done.stdout and "Passed" in done.stdout
    # A file that is none of ours is not even handed over.
    git(linux, "commit", "-q", "-m", "x")
    (linux / OTHER).write_text("int more;\n", "utf-8")
    git(linux, "add", OTHER)
    begun = time.monotonic()
    done = run(linux, store, "run", "kicklint")
    assert done.returncode == 0 and "(no files to check)Skipped" in done.stdout
    assert time.monotonic() - begun < 10


def test_what_is_staged_is_judged(linux: Path, store: Path) -> None:
    (linux / KVM_MAIN).write_text((linux / KVM_MAIN).read_text("utf-8") + PASSES, "utf-8")
    git(linux, "add", KVM_MAIN)
    edit(linux, REVIEWER, TEST)  # not staged
    done = run(linux, store, "run", "kicklint")
    assert done.returncode == 0, done.stdout + done.stderr
    assert TEST in (linux / KVM_MAIN).read_text("utf-8")
    git(linux, "add", KVM_MAIN)
    edit(linux, TEST, REVIEWER)  # mended, and not staged
    done = run(linux, store, "run", "kicklint")
    assert done.returncode == 1
    assert "KICK001" in done.stdout


def test_the_whole_tree_on_demand(linux: Path, store: Path) -> None:
    done = run(linux, store, "run", "--hook-stage", "manual", "kicklint-full")
    # tests/ecosystem says why these two stand in the kernel as it is.
    assert set(re.findall(r"^(KICK\d+) ", done.stdout, re.MULTILINE)) == {"KICK010", "KICK013"}
    assert done.returncode == 1

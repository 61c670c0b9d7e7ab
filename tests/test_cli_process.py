"""The command line as a process of its own: start-up, pipes, disks, completion."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixture_trees import DEMO


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kicklint.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_start_up_is_cheap(argument: str) -> None:
    code = (
        "import sys\nfrom kicklint.cli import main\n"
        f"try: main([{argument!r}])\nexcept SystemExit: pass\n"
        "sys.exit(sorted({'tree_sitter', 'tree_sitter_c', 'sarif_om', 'kicklint.engine'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() in ("", "[]")


def test_shell_completion() -> None:
    words = {"_KICKLINT_COMPLETE": "bash_complete", "COMP_WORDS": "kicklint ex", "COMP_CWORD": "1"}
    done = process(env={**os.environ, **words})
    assert done.stdout.split() == ["plain,explain"]


def test_processes_that_are_not_forked_run_no_modules_of_the_tree(tmp_path: Path) -> None:
    """They are Pythons of their own, which look for modules in the current directory."""
    tree = shutil.copytree(DEMO, tmp_path / "linux")
    shutil.copytree(tree / "arch/riscv", tree / "arch/other")
    (tree / "multiprocessing.py").write_text("open('ran', 'w').close()\n", "utf-8")
    program = tmp_path / "program.py"
    program.write_text(
        "import multiprocessing\nfrom kicklint.cli import main\n"
        "if __name__ == '__main__':\n"
        "    multiprocessing.set_start_method('spawn')\n    main(['check', '--jobs', '2', '--no-cache'])\n",
        "utf-8",
    )
    command = [sys.executable, str(program)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert not (tree / "ran").exists(), done.stderr
    assert done.returncode == 1 and "KICK001" in done.stdout, done.stderr


def test_a_full_disk_is_an_error() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "kicklint.cli", "rules"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "kicklint: error: cannot write to standard output: No space left on device\n" in done.stderr


def test_a_closed_pipe_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "kicklint.cli", "rules"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == ""
    assert done.returncode in (141, -signal.SIGPIPE)


def test_a_terminal_without_unicode_still_shows_something(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert process("rules", env=environment).returncode == 0


def test_no_tree_here(tmp_path: Path) -> None:
    done = process("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("kicklint: error: ")

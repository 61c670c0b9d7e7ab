"""What goes wrong around kicklint: signals, dead processes, full disks, trees that are not what they seem."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fixture_trees import DEMO

from kicklint.base import Note, Report, SourceError
from kicklint.engine import AnalysisRequest, analyse
from kicklint.source import DirectoryTree

COMMAND = [sys.executable, "-m", "kicklint.cli"]
ARCHITECTURES = 40
"""As many as it takes for an analysis that a signal comes into the middle of."""


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A tree of its own, to be spoilt."""
    return Path(shutil.copytree(DEMO, tmp_path / "tree"))


@pytest.fixture
def long_tree(demo: Path) -> Path:
    """A tree that takes some seconds."""
    for number in range(ARCHITECTURES):
        shutil.copytree(demo / "arch/riscv", demo / f"arch/toy{number}")
    return demo


class Running:
    """kicklint at work on a long tree, in a group of processes of its own."""

    def __init__(self, tree: Path, jobs: int) -> None:
        self.output = tree.parent / "report.json"
        arguments = ["check", str(tree), "--jobs", str(jobs), "--format", "json", "-o", str(self.output)]
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        deadline = time.monotonic() + 30
        while len(self.group()) < (jobs + 1 if jobs > 1 else 1):
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1.5)
        assert self.process.poll() is None, "the tree is too small for this test"

    def group(self) -> list[int]:
        """The processes of the group that are alive."""
        found = []
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                _, _, rest = each.read_text().rpartition(") ")
            except OSError:
                continue
            state, _, group, *_ = rest.split()
            if int(group) == self.process.pid and state != "Z":
                found.append(int(each.parent.name))
        return found

    def ended(self) -> tuple[int, str]:
        """The status and what was said, with no process, report or temporary file left."""
        _, said = self.process.communicate(timeout=30)
        deadline = time.monotonic() + 20
        while self.group() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert self.group() == []
        assert sorted(path.name for path in self.output.parent.iterdir()) == ["tree"]
        return self.process.returncode, said

    def close(self) -> None:
        """Leave nothing behind when the test has failed."""
        for each in self.group():
            os.kill(each, signal.SIGKILL)


@pytest.fixture
def started(long_tree: Path) -> Iterator[Any]:
    running: list[Running] = []

    def start(jobs: int) -> Running:
        running.append(Running(long_tree, jobs))
        return running[-1]

    yield start
    for each in running:
        each.close()


# Signals


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_quietly(started: Any, number: signal.Signals, status: int, jobs: int) -> None:
    running = started(jobs)
    running.process.send_signal(number)
    assert running.ended() == (status, "")


def test_an_interrupt_from_the_terminal_goes_to_all_and_is_quiet(started: Any) -> None:
    running = started(2)
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.ended() == (130, "")


def test_a_worker_that_is_killed_is_an_error(started: Any) -> None:
    running = started(2)
    worker = next(each for each in running.group() if each != running.process.pid)
    os.kill(worker, signal.SIGKILL)
    status, said = running.ended()
    assert status == 2
    assert said.startswith("kicklint: error: a process of the analysis was killed")
    assert said.count("\n") == 1


def test_workers_do_not_outlive_the_one_that_began_them(started: Any) -> None:
    running = started(2)
    running.process.kill()
    assert running.ended()[0] == -signal.SIGKILL


# Disks and pipes


def limited() -> None:
    """No file of this process grows beyond 200 bytes, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))


def test_a_full_disk_at_the_report(demo: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "report.json"
    output.parent.mkdir()
    output.write_text("before")
    done = subprocess.run(
        [*COMMAND, "check", str(demo), "--format", "json", "-o", str(output)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limited,
    )
    assert done.returncode == 2
    assert done.stderr == f"kicklint: error: cannot write {output}: File too large\n"
    assert [(path.name, path.read_text()) for path in output.parent.iterdir()] == [("report.json", "before")]


def test_a_full_disk_at_the_cache_changes_nothing(demo: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "KICKLINT_NO_CACHE": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [*COMMAND, "check", str(demo), "--format", "concise"]
    done = [
        subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, preexec_fn=before
        )
        for before in (None, limited)
    ]
    assert done[0].stdout == done[1].stdout
    assert done[0].returncode == done[1].returncode == 1
    assert not list((tmp_path / "cache").rglob(".*"))


def test_a_pipe_that_is_closed_in_the_middle(demo: Path) -> None:
    command = [*COMMAND, "check", str(demo), "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode in (141, -signal.SIGPIPE)


def test_ten_at_once_on_one_cache(demo: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "KICKLINT_NO_CACHE": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [*COMMAND, "check", str(demo), "--format", "json", "--jobs", "1"]

    def once(_: int) -> tuple[int, str, str]:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        return done.returncode, done.stdout, done.stderr

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(once, range(10)))) == 1
    # One result; beside it are single files, summaries, graphs and tries, which have folders of their own.
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len([path for path in kept if path.parent.name not in ("ed", "fi", "gr", "su")]) == 1
    assert not [path for path in kept if path.name.startswith(".")]


# Trees


def report(tree: Path) -> Report:
    return analyse(AnalysisRequest(tree))


def codes(notes: tuple[Note, ...]) -> list[tuple[str, str]]:
    return [(note.code, note.span.path if note.span is not None else "") for note in notes]


def test_a_file_that_is_too_large_is_named(demo: Path) -> None:
    usual = report(demo)
    large, line = demo / "virt/kvm/large.c", demo / "arch/riscv/kvm/line.c"
    with large.open("wb") as file:
        file.truncate(100 << 20)
    line.write_bytes(b"int x[] = {" + b"1," * (5 << 20) + b"};\n")
    begun = time.process_time()
    found = report(demo)
    assert time.process_time() - begun < 20
    assert codes(found.notes) == [
        ("large-file", "arch/riscv/kvm/line.c"),
        ("large-file", "virt/kvm/large.c"),
    ]
    assert found.findings == usual.findings


def unanalysed(demo: Path, body: str) -> list[str]:
    """What KICK000 says of a function that touches the mode and has ``body``."""
    head = "#include <linux/kvm_host.h>\nvoid demo_hard(struct kvm_vcpu *vcpu, int x)\n{\n"
    text = f"{head}\tWRITE_ONCE(vcpu->mode, IN_GUEST_MODE);\n{body}\n}}\n"
    (demo / "arch/riscv/kvm/hard.c").write_text(text)
    found = [each for each in report(demo).findings if each.function == "demo_hard"]
    return [each.message for each in found if each.rule == "KICK000"]


def test_a_function_that_is_too_large_is_a_finding(demo: Path) -> None:
    (said,) = unanalysed(demo, "\tcpu_relax();\n" * 70_000)
    assert said.endswith("more than 60000 nodes")


MANY = 100_000


@pytest.mark.parametrize(
    "body",
    [
        "if (x) { " * MANY + "}" * MANY,
        "for (;;) { " * MANY + "}" * MANY,
        "x = " + "(" * MANY + "1" + ")" * MANY + ";",
        "x = " + "f(" * MANY + "1" + ")" * MANY + ";",
        "x = " + "*" * MANY + "vcpu;",
        "x = " + "x ? 1 : " * MANY + "1;",
        "do " * MANY + "x(); " + "while (x); " * MANY,
        "switch(x){case 1:" * MANY + "}" * MANY,
        "x = vcpu" + "->a" * MANY + ";",
        "x = vcpu" + "[0]" * MANY + ";",
    ],
    ids=[
        "ifs",
        "loops",
        "parentheses",
        "calls",
        "pointers",
        "choices",
        "dos",
        "switches",
        "members",
        "elements",
    ],
)
def test_a_function_that_is_nested_too_deeply_is_a_finding(body: str, demo: Path) -> None:
    begun = time.process_time()
    (said,) = unanalysed(demo, body)
    assert "nested too deeply" in said
    assert time.process_time() - begun < 60


def test_links_in_circles_and_what_is_no_file_are_left_alone(demo: Path) -> None:
    usual = report(demo)
    folder = demo / "arch/riscv/kvm"
    (folder / "self.c").symlink_to("self.c")
    (folder / "there.c").symlink_to("back.c")
    (folder / "back.c").symlink_to("there.c")
    (folder / "up").symlink_to("..")
    (folder / "gone.c").symlink_to("nowhere.c")
    (folder / "outside.c").symlink_to("/etc/passwd")
    (folder / "folder.c").mkdir()
    os.mkfifo(folder / "pipe.c")
    assert report(demo) == usual


def test_a_folder_that_cannot_be_listed_is_an_error(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root can list every folder, so the system has to be told to refuse.
    real = os.scandir

    def refusing(path: Any = ".") -> Any:
        if str(path).endswith("arch/riscv/kvm"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(SourceError, match=r"arch/riscv/kvm: cannot be listed: Permission denied"):
        DirectoryTree(demo).paths()


def test_a_file_that_changes_while_it_is_read_is_read_once(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = report(demo)
    real = Path.read_bytes
    seen: list[Path] = []

    def reading(path: Path) -> bytes:
        text = real(path)
        if path.suffix == ".c" and path.is_relative_to(demo):
            assert path not in seen
            seen.append(path)
            path.write_bytes(b"int x;\n")
        return text

    monkeypatch.setattr(Path, "read_bytes", reading)
    assert report(demo) == usual
    assert seen

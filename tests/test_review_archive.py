"""A whole archive: a line of JSON for every mail, resumable, quick, and in bounded memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from patches import BREAKS, MAIN, diff, git, mail, tree_at

OTHER = diff("mm/slab.c", "int a;\n" * 40, "int a;\n" * 20 + "int b;\n" + "int a;\n" * 20)
KINDS = [
    mail(BREAKS),
    mail(OTHER),
    mail("", "Re: words"),
    mail("--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n"),
]
STATUSES = ["reviewed", "no-kvm", "no-patch", "unreadable"]


def archive_at(folder: Path, every: Sequence[bytes]) -> Path:
    """A bare repository with one commit a mail, its blob named m, as public-inbox makes them."""
    folder.mkdir()
    git(folder, "init", "-q", "--bare", "-b", "master")
    stream = b"".join(
        b"commit refs/heads/master\ncommitter A <a@example.org> %d +0000\ndata 0\n" % number
        + b"M 100644 inline m\ndata %d\n%s\n" % (len(each), each)
        for number, each in enumerate(every, 1)
    )
    git(folder, "fast-import", "--quiet", data=stream)
    return folder


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kicklint.cli", "review", "--format", "json", *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("kind", ["public-inbox", "directory"])
def test_a_line_for_every_mail(tmp_path: Path, kind: str) -> None:
    tree = tree_at(tmp_path / "tree")
    if kind == "public-inbox":
        archive = archive_at(tmp_path / "0.git", KINDS)
    else:
        archive = tmp_path / "mails"
        archive.mkdir()
        for number, each in enumerate(KINDS):
            (archive / f"{number}.eml").write_bytes(each)
    out = tmp_path / "out.jsonl"
    done = run("--archive", str(archive), "--tree", str(tree), "-o", str(out))
    assert (done.returncode, done.stderr) == (1, "")
    found = lines(out)
    assert [each["status"] for each in found] == STATUSES
    assert all({"id", "subject", "status", "findings", "reason"} <= set(each) for each in found)
    assert [bool(each["findings"]) for each in found] == [True, False, False, False]
    # Half of it is there already, and half a line of what came next.
    text = out.read_text().splitlines(keepends=True)
    out.write_text("".join(text[:2]) + text[2][:10])
    assert run("--archive", str(archive), "--tree", str(tree), "-o", str(out)).returncode == 1
    assert lines(out) == found


def test_other_formats_are_refused(tmp_path: Path) -> None:
    done = run("--archive", str(tmp_path), "--format", "text")
    assert done.returncode == 2


def _cpu() -> float:
    """Seconds of one core that programs started here have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_hundred_mails_a_second_in_flat_memory(tmp_path: Path) -> None:
    usage = []
    seconds = []
    for size in (300, 1500):
        archive = archive_at(tmp_path / f"{size}.git", [KINDS[1 + n % 2] for n in range(size)])
        begun = _cpu()
        done = run("--archive", str(archive), "-o", str(tmp_path / f"{size}.jsonl"))
        seconds.append(_cpu() - begun)
        usage.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        assert done.returncode == 0
        assert len(lines(tmp_path / f"{size}.jsonl")) == size
    # The difference leaves the start of the program out.
    assert (1500 - 300) / (seconds[1] - seconds[0]) > 100
    assert usage[1] < usage[0] * 1.3 + 8192
    assert MAIN

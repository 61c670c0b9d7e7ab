"""Mails that mean harm: one line of reason, status 2, nothing written, in bounded time and memory."""

from __future__ import annotations

import base64
import gzip
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from patches import BREAKS, MAIN, diff, mail, snapshot, text_of, tree_at

HUNK = "@@ -0,0 +1 @@\n+int x;\n"


def at(path: str) -> bytes:
    return mail(f"--- /dev/null\n+++ b/{path}\n{HUNK}")


def nested(depth: int) -> bytes:
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth))
    return f"From: a@example.org\nSubject: x\n{head}".encode()


LINK = "diff --git a/{0} b/{0}\nnew file mode 120000\n--- /dev/null\n+++ b/{0}\n@@ -0,0 +1 @@\n+/etc/passwd\n"

HOSTILE = {
    "dots": at("virt/kvm/../../../../etc/passwd"),
    "absolute": mail("--- /dev/null\n+++ /etc/passwd\n" + HUNK),
    "absolute-in-a-rename": mail("diff --git a/x b/y\nrename from x\nrename to /etc/passwd\n"),
    "newline": mail(f'--- /dev/null\n+++ "b/virt/kvm/a\\nb.c"\n{HUNK}'),
    "git": at(".git/hooks/post-checkout"),
    "git-in-another-case": at("sub/.GIT/config"),
    "backslash": at("virt\\kvm\\..\\x.c"),
    "empty-part": at("virt//kvm/x.c"),
    "long-path": at("a/" * 3000 + "x.c"),
    "symlink": mail(LINK.format("virt/kvm/link.c")),
    "nul": mail(BREAKS).replace(b"A text.", b"A te\0xt."),
    "many-parts": nested(300),
    "uuencode": mail(BREAKS, headers="Content-Transfer-Encoding: x-uuencode\n"),
}


HEAD = f"--- a/{MAIN}\n+++ b/{MAIN}\n"
# Two gigabytes are far more than a review takes, and far less than the bombs.
LIMITED = (
    "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31)); "
    "from kicklint.cli import main; main()"
)


def run(data: bytes, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    file = folder / "hostile.eml"
    file.write_bytes(data)
    return subprocess.run(
        [sys.executable, "-c", LIMITED, "review", str(file), *options],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        cwd=folder,
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_in_one_line(tmp_path: Path, name: str) -> None:
    tree = tree_at(tmp_path / "tree")
    before = snapshot(tree)
    done = run(HOSTILE[name], tmp_path, "--tree", str(tree), "-q")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "not reviewed: " in done.stdout
    assert len(done.stdout.strip().split("\n")) == 2
    assert "Traceback" not in done.stderr
    assert snapshot(tree) == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["hostile.eml", "tree"]


def test_the_rest_of_a_series_goes_on(tmp_path: Path) -> None:
    tree = tree_at(tmp_path / "tree")
    bad = at("../x").replace(b"[PATCH]", b"[PATCH 1/2]")
    good = mail(BREAKS, "[PATCH 2/2] good")
    box = b"".join(b"From a@example.org Mon Jan  1 00:00:00 2024\n" + each + b"\n" for each in (bad, good))
    done = run(box, tmp_path, "--tree", str(tree))
    assert done.returncode == 2
    assert "not reviewed: " in done.stdout
    assert "KICK001" in done.stdout


def seconds() -> float:
    """Seconds of one core that programs started here have used: others may be at work as well."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


LINES = 10_000_000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            lambda: mail(f"--- a/{MAIN}\n+++ b/{MAIN}\n@@ -1,{LINES} +1,{LINES} @@\n" + "+a\n" * LINES),
            id="ten-million-lines",
        ),
        pytest.param(lambda: mail(f"--- a/{MAIN}\n+++ b/{MAIN}\n" + "@@ -1 +1 @@\n" * 1_000_000), id="heads"),
        pytest.param(lambda: gzip.compress(b"\n" * (1 << 29)), id="gzip"),
        pytest.param(
            lambda: (
                b"From: a\nSubject: x\nContent-Transfer-Encoding: base64\n\n"
                + base64.encodebytes(("> " * (1 << 23)).encode())
            ),
            id="base64",
        ),
        pytest.param(lambda: b"From: a\nSubject: " + b"=?utf-8?q?a?= " * 200_000 + b"\n\nx\n", id="header"),
        pytest.param(lambda: mail(">" * 5_000_000 + "\n"), id="quotes"),
        pytest.param(lambda: mail(f"{HEAD}@@ -1 +1 @@\n-a\n+{'(' * 20_000_000}\n"), id="one-line"),
        pytest.param(lambda: mail(f"{HEAD}@@ -999999999 +999999999 @@\n-a\n+b\n"), id="far-down"),
        pytest.param(
            lambda: mail(f"{HEAD}@@ -1,9 +1,300000 @@\n+{'z' * 70}\n" + f"{'w' * 70}\n" * 200_000),
            id="broken-lines",
        ),
        pytest.param(
            lambda: mail(
                f"> {HEAD}> @@ -1,9 +1,300000 @@\n".replace("\n+++", "\n> +++")
                + f"> +{'z' * 70}\n{'w' * 70};\n" * 90_000
            ),
            id="broken-quotations",
        ),
        pytest.param(
            lambda: mail(f"{HEAD}@@ -1 +1,300000 @@\n a\n" + "+b\n" * 299_999), id="longer-than-the-file"
        ),
    ],
)
def test_bounded(tmp_path: Path, data: object) -> None:
    assert callable(data)
    tree = tree_at(tmp_path / "tree")
    begun = seconds()
    done = run(data(), tmp_path, "--tree", str(tree))
    assert done.returncode in (0, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert seconds() - begun < 30


def test_counts_that_lie_are_cut_hunks(tmp_path: Path) -> None:
    lies = mail(f"--- a/{MAIN}\n+++ b/{MAIN}\n@@ -1,{LINES} +1,{LINES} @@\n int x;\n+int y;\n")
    done = run(lies, tmp_path, "--tree", str(tree_at(tmp_path / "tree")))
    assert done.returncode == 0
    assert "the hunks only" in done.stdout


def test_a_patch_that_deletes_everything(tmp_path: Path) -> None:
    tree = tree_at(tmp_path / "tree")
    everything = sorted(path for path in snapshot(tree) if path.endswith((".c", ".h")))
    text = "".join(diff(path, (tree / path).read_text(), None) for path in everything)
    before = snapshot(tree)
    done = run(mail(text), tmp_path, "--tree", str(tree))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing new" in done.stdout
    assert snapshot(tree) == before


def test_escape_sequences_are_shown_and_not_sent(tmp_path: Path) -> None:
    subject = "[PATCH] \x1b[31mred\x1b]0;title\x07"
    evil = mail(BREAKS, subject)
    for style in ("text", "reply", "checkpatch", "b4-json", "json"):
        done = run(evil, tmp_path, "--tree", str(tree_at(tmp_path / "tree")), "--format", style)
        assert "\x1b" not in done.stdout + done.stderr, style
        assert "\x07" not in done.stdout + done.stderr, style


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kicklint.cli", "review", "absent.eml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert "absent.eml" in done.stdout
    assert text_of(MAIN)

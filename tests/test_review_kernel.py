"""Bases, series, causes, b4 and an archive, on a repository that is made of a real kernel's files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from conftest import missing
from patches import commit, git, new, read, snapshot

from kicklint.base import Judged, Outcome, Patch, Review
from kicklint.engine.scope import world_paths
from kicklint.review import Place, ReviewRequest, review, series
from kicklint.source import DirectoryTree, KeptTree, find_repository

ARCHITECTURE = "riscv"
RUN = "arch/riscv/kvm/vcpu.c"
OTHER = "arch/riscv/kvm/vcpu_sbi.c"
TEST = "\t\t    kvm_request_pending(vcpu) ||\n"


def edited(folder: Path, path: str, old: str, new_text: str) -> dict[str, str]:
    text = (folder / path).read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    return {path: text.replace(old, new_text)}


def appended(folder: Path, path: str, line: str) -> dict[str, str]:
    return {path: (folder / path).read_text(encoding="utf-8") + line}


@pytest.fixture(scope="session")
def first(kernels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files of one world of Linux 6.12 as its only commit."""
    folder = tmp_path_factory.mktemp("kernel") / "linux"
    tree = DirectoryTree(kernels["6.12"])
    for path in world_paths(tree.paths(), ARCHITECTURE):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(tree.read(path))
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {}, "Linux")
    return folder


@pytest.fixture
def linux(first: Path, tmp_path: Path) -> Path:
    """A copy of it to work in."""
    return Path(shutil.copytree(first, tmp_path / "linux"))


def patches(folder: Path, count: int, *options: str) -> list[Patch]:
    """The last commits as mails, and the work tree as it was before them."""
    text = git(folder, "format-patch", "--stdout", *options, f"HEAD~{count}..HEAD")
    mails = ["From " + each for each in text.removeprefix("From ").split("\nFrom ")]
    return [read(each + "\n") for each in mails]


def reviewed(folder: Path, every: list[Patch], base: str = "") -> Review:
    with closing(Place(KeptTree(DirectoryTree(folder)), find_repository(folder), base)) as place:
        return review(series(every), ReviewRequest(place))


def rules(done: Review) -> list[list[str]]:
    return [sorted(each.finding.rule for each in patch.new) for patch in done.patches]


def entry_without_test(done: Review) -> Judged:
    """The only thing that is new, beside the self-kick that is an error now since no test follows it."""
    by_rule = {each.finding.rule: each for each in new(done)}
    assert sorted(by_rule) == ["KICK001", "KICK003"]
    assert (by_rule["KICK001"].was, by_rule["KICK001"].finding.severity) == ("warning", "error")
    return by_rule["KICK003"]


def change(folder: Path, *steps: tuple[str, Mapping[str, str]]) -> None:
    for subject, files in steps:
        commit(folder, files, subject)


def test_the_base_by_trailer_by_blobs_and_by_the_tree(linux: Path) -> None:
    start = git(linux, "rev-parse", "HEAD")
    change(linux, ("RISC-V: KVM: Do not look", edited(linux, RUN, TEST, "")))
    with_trailer, plain = patches(linux, 1, "--base=HEAD~1"), patches(linux, 1)
    bare = patches(linux, 1, "--no-full-index")
    # Upstream has gone on: the patch is against an older commit, which is still there.
    git(linux, "checkout", "-q", start)
    change(linux, ("Something else", appended(linux, RUN, "\nstatic int demo_upstream;\n")))
    before = snapshot(linux)
    done = {
        "trailer": reviewed(linux, with_trailer),
        "blobs": reviewed(linux, plain),
        "named": reviewed(linux, plain, start),
    }
    assert done["trailer"].patches[0].base == f"base-commit {start[:12]} of the mail"
    assert done["blobs"].patches[0].base == f"commit {start[:12]}, which has the blobs of the patch"
    assert done["named"].patches[0].base == f"revision {start[:12]}"
    (plainest,) = bare
    text = re.sub(r"(?m)^index .*\n", "", "\n".join(plainest.diff))
    done["tree"] = reviewed(linux, [read(text + "\n")])
    assert done["tree"].patches[0].base == "the tree as it is"
    for name, each in done.items():
        found = entry_without_test(each)
        assert found.finding.function == "kvm_arch_vcpu_ioctl_run", name
        assert found.cause is not None
        assert found.cause.path == RUN
    assert snapshot(linux) == before


def test_a_series_of_five_where_the_second_breaks_and_the_fourth_mends(linux: Path) -> None:
    whole = (linux / RUN).read_text(encoding="utf-8")
    change(linux, ("first", appended(linux, OTHER, "\nstatic int demo_first;\n")))
    change(linux, ("breaks", edited(linux, RUN, TEST, "")))
    change(linux, ("third", appended(linux, OTHER, "static int demo_third;\n")))
    change(linux, ("mends", {RUN: whole}))
    change(linux, ("fifth", appended(linux, RUN, "\nstatic int demo_fifth;\n")))
    five = patches(linux, 5)
    git(linux, "checkout", "-q", "HEAD~5")
    done = reviewed(linux, five[::-1])
    assert [each.patch.letter.number for each in done.patches] == [1, 2, 3, 4, 5]
    assert rules(done) == [[], ["KICK001", "KICK003"], [], [], []]
    assert [each.mended for each in new(done)] == [4, 4]
    assert done.counting == ()
    without = reviewed(linux, [each for each in five if each.letter.number != 4])
    assert [each.outcome for each in without.patches] == [Outcome.REVIEWED] * 4
    assert len(without.counting) == 2


def test_a_check_that_is_deleted_in_a_helper_of_another_file(linux: Path) -> None:
    helper = "\nbool demo_leaves(struct kvm_vcpu *vcpu)\n{\n\treturn kvm_request_pending(vcpu);\n}\n"
    called = edited(linux, RUN, TEST, TEST.replace("kvm_request_pending", "demo_leaves"))
    change(linux, ("The test in a helper", {**called, **appended(linux, OTHER, helper)}))
    two = {
        **appended(linux, RUN, "\nstatic int demo_other;\n"),
        **edited(linux, OTHER, helper, helper.replace("kvm_request_pending(vcpu)", "false")),
    }
    change(linux, ("KVM: Two things at once", two))
    (patch,) = patches(linux, 1)
    git(linux, "checkout", "-q", "HEAD~1")
    done = reviewed(linux, [patch])
    found = entry_without_test(done)
    assert (found.finding.span.path, found.finding.function) == (RUN, "kvm_arch_vcpu_ioctl_run")
    assert found.cause is not None
    assert found.cause.path == OTHER


@pytest.fixture(scope="module")
def b4() -> str:
    beside = Path(sys.executable).with_name("b4")
    return str(beside) if beside.is_file() else shutil.which("b4") or missing("b4", "pip install b4")


def test_b4_checks_every_patch_of_a_branch_and_of_a_mailbox(linux: Path, tmp_path: Path, b4: str) -> None:
    command = f"{sys.executable} -m kicklint.cli review - --no-cache --jobs 1 --format checkpatch"
    for key, value in (
        ("user.name", "A"),
        ("user.email", "a@example.org"),
        ("b4.prep-perpatch-check-cmd", command),
        ("b4.am-perpatch-check-cmd", command),
    ):
        git(linux, "config", key, value)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "GIT_CONFIG_SYSTEM": os.devnull,
        "NO_COLOR": "1",
    }

    def run(*words: str) -> str:
        done = subprocess.run(
            [b4, "--offline-mode", *words],
            cwd=linux,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)

    run("prep", "-n", "kicks", "-f", "main")
    change(linux, ("RISC-V: KVM: Do not look", edited(linux, RUN, TEST, "")))
    change(linux, ("RISC-V: KVM: Say more", appended(linux, OTHER, "\nstatic int demo_more;\n")))
    said = run("prep", "--check")
    pattern = rf"{RUN}:\d+: ERROR: .*\[KICK003\]"
    assert re.search(rf"RISC-V: KVM: Do not look\n.*{pattern}", said)
    assert "Success: 1, Warning: 0, Error: 2" in said

    mailbox = tmp_path / "series.mbox"
    text = git(linux, "format-patch", "--stdout", "--thread", "--base=main", "main..HEAD")
    mailbox.write_text(text + "\n", encoding="utf-8")
    first_id = re.search(r"(?m)^Message-I[dD]: <(.*)>$", text)
    assert first_id is not None
    git(linux, "checkout", "-q", "main")
    said = run("am", "--check", "-m", str(mailbox), "-o", str(tmp_path), "-n", "done", first_id.group(1))
    assert re.search(pattern, said), said


def test_an_archive_with_the_kernel_and_a_break_in_between(linux: Path, tmp_path: Path) -> None:
    change(linux, ("RISC-V: KVM: Do not look", edited(linux, RUN, TEST, "")))
    bad = git(linux, "format-patch", "--stdout", "HEAD~1..HEAD").encode() + b"\n"
    git(linux, "checkout", "-q", "HEAD~1")
    talk = b"From: a@example.org\nSubject: Re: words\nMessage-ID: <%d@x>\n\nI agree.\n"
    mails = [talk % 1, bad, talk % 2, talk % 3]
    archive = tmp_path / "0.git"
    archive.mkdir()
    git(archive, "init", "-q", "--bare", "-b", "master")
    for number, each in enumerate(mails):
        # As public-inbox does: one commit a mail, on top of the last, with the one file m.
        blob = git(archive, "hash-object", "-w", "--stdin", data=each)
        tree = git(archive, "mktree", data=f"100644 blob {blob}\tm\n".encode())
        parent = ["-p", git(archive, "rev-parse", "master")] if number else []
        git(
            archive,
            "update-ref",
            "refs/heads/master",
            git(archive, "commit-tree", tree, *parent, "-m", "mail"),
        )
    out = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "kicklint.cli", "review", "--no-cache", "--format", "json"]
    command += ["--archive", str(archive), "--tree", str(linux), "-o", str(out)]

    def run() -> list[dict[str, object]]:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, "")
        return [json.loads(line) for line in out.read_text().splitlines()]

    found = run()
    assert [each["status"] for each in found] == ["no-patch", "reviewed", "no-patch", "no-patch"]
    findings = found[1]["findings"]
    assert isinstance(findings, list)
    assert sorted(each["rule"] for each in findings) == ["KICK001", "KICK003"]
    # Interrupted in the second line, it goes on with that mail.
    kept = out.read_text().splitlines(keepends=True)
    out.write_text(kept[0] + kept[1][:40])
    assert run() == found

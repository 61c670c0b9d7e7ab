"""The mails that this project started from, and others from the lists, with the real kernels.

The mails are data that lies beside the checkout; KICKLINT_MAILS names another place.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import ROOT, missing

from kicklint.base import Judged, Outcome, Patch, Review
from kicklint.render import REVIEW_FORMATS, Context
from kicklint.review import Place, ReviewRequest, review, series
from kicklint.rulebook import load_rulebook
from kicklint.source import DirectoryTree, KeptTree, read_mail

WRITE = "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"
SEEDS = ("seed-patch.eml", "seed-reply.eml", "seed-thread-archive-page.txt")


@pytest.fixture(scope="session")
def mail_folder() -> Path:
    named = os.environ.get("KICKLINT_MAILS")
    folder = Path(named) if named else ROOT.parent / "shared/mails"
    if not (folder / "seed-patch.eml").is_file():
        missing(f"the folder of mails {folder}", "name it with KICKLINT_MAILS")
    return folder


def read(folder: Path, name: str) -> Patch:
    return read_mail((folder / name).read_bytes(), name)


def reviewed(patch: Patch, tree: Path | None, *architectures: str) -> Review:
    place = Place(KeptTree(DirectoryTree(tree))) if tree is not None else Place()
    return review(series([patch]), ReviewRequest(place, architectures))


def new(done: Review) -> list[Judged]:
    return [each for patch in done.patches for each in patch.new]


def line_of(done: Review, judged: Judged) -> str:
    assert judged.at is not None
    return done.patches[0].patch.diff[judged.at]


@pytest.mark.parametrize("name", SEEDS)
def test_the_seed_is_new_on_its_added_write(kernel: Path, mail_folder: Path, name: str) -> None:
    done = reviewed(read(mail_folder, name), kernel, "riscv")
    assert done.patches[0].outcome is Outcome.REVIEWED
    assert done.patches[0].base == "the tree without the patch, which it holds already"
    (found,) = new(done)
    assert (found.finding.rule, found.finding.function) == ("KICK001", "kvm_vcpu_kick")
    assert (
        line_of(done, found).split() == ["+", *WRITE.split()] or line_of(done, found).strip("+\t ") == WRITE
    )
    assert found.counts


@pytest.mark.parametrize("name", SEEDS)
def test_the_reply_answers_under_that_line(kernels: dict[str, Path], mail_folder: Path, name: str) -> None:
    done = reviewed(read(mail_folder, name), kernels["6.12"], "riscv")
    lines = REVIEW_FORMATS["reply"](done, Context(rules=load_rulebook().rules)).split("\n")
    at = next(n for n, line in enumerate(lines) if line.startswith("> +") and WRITE in line)
    assert lines[at + 1] == ""
    assert lines[at + 2].startswith("Is this safe?")
    assert not any(line.startswith(">") for line in lines[at + 1 :])
    assert all(len(line.expandtabs()) <= 80 for line in lines[at + 1 :])
    assert "`" not in "".join(lines[at:])

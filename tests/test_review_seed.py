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
from kicklint.review.worlds import MisfitError, fitted
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


@pytest.mark.parametrize("name", SEEDS)
def test_without_a_tree_the_hunks_show_it(mail_folder: Path, name: str) -> None:
    done = reviewed(read(mail_folder, name), None)
    assert done.patches[0].outcome is Outcome.HUNKS_ONLY
    (found,) = new(done)
    assert (found.finding.rule, found.hunks_only) == ("KICK001", True)
    assert line_of(done, found)[1:].strip() == WRITE


GUARD = "+\t\tif (vcpu->mode == IN_GUEST_MODE &&\n+\t\t    !WARN_ON_ONCE(!kvm_request_pending(vcpu)))\n"


def guarded(folder: Path) -> Patch:
    """The seed with the guard that its reviewer asked for."""
    text = (folder / "seed-patch.eml").read_text()
    plain = "+\t\tif (vcpu->mode == IN_GUEST_MODE)\n"
    assert text.count(plain) == text.count("@@ -3325,6 +3325,19 @@") == text.count("+3345,12") == 1
    text = text.replace(plain, GUARD).replace("-3325,6 +3325,19", "-3325,6 +3325,20")
    return read_mail(text.replace("+3345,12", "+3346,12").encode(), "guarded")


def test_with_the_reviewers_guard_nothing_is_new(kernels: dict[str, Path], mail_folder: Path) -> None:
    patch = guarded(mail_folder)
    assert not any(hunk.cut for _, hunk in patch.hunks())
    assert new(reviewed(patch, None)) == []
    # The tree as it was before the seed: there the patch applies.
    tree = KeptTree(DirectoryTree(kernels["6.12"]))
    seed = read(mail_folder, "seed-patch.eml")
    before = fitted(tree, seed, backwards=True).tree
    done = review([patch], ReviewRequest(Place(before), ("riscv",)))
    assert done.patches[0].base == "the tree as it is"
    assert new(done) == []


# What the page beside the mails says that they apply to, forwards (F), backwards (B) or not at all.
FITS = {
    "seed-patch.eml": ("B", "B"),
    "seed-reply.eml": ("B", "B"),
    "seed-thread-archive-page.txt": ("B", "B"),
    "dirty-ring-soft-full-v9-1of7.eml": ("F", ""),
    "vgic-irq-state-change.eml": ("F", ""),
    "nvmx-vmxoff-event-request-v4-8of12.eml": ("B", "B"),
    "arm64-vmid-allocation-v2-3of3.eml": ("", ""),
    "arm64-xfer-v2-3of3.eml": ("", ""),
}


@pytest.mark.parametrize("name", FITS)
def test_what_the_mails_apply_to(kernels: dict[str, Path], mail_folder: Path, name: str) -> None:
    patch = read(mail_folder, name)
    for version, wanted in zip(("6.1", "6.12"), FITS[name], strict=True):
        tree = KeptTree(DirectoryTree(kernels[version]))
        found = ""
        for direction, backwards in (("F", False), ("B", True)):
            try:
                fitted(tree, patch, backwards=backwards)
                found += direction
            except MisfitError:
                continue
        assert found == wanted, version


@pytest.mark.parametrize("name", [each for each in FITS if each not in SEEDS])
def test_the_other_patches_bring_nothing_by_their_hunks(mail_folder: Path, name: str) -> None:
    assert new(reviewed(read(mail_folder, name), None)) == []


@pytest.mark.parametrize(
    ("name", "outcome", "files"),
    [
        ("arm64-xfer-v2-3of3-review.eml", Outcome.NO_PATCH, 0),
        ("cover-letter-halt-polling-v2-0of43.eml", Outcome.NO_PATCH, 0),
        ("base64-patch-mips-init.eml", Outcome.HUNKS_ONLY, 1),
        ("base64-reply-quoting-a-patch.eml", Outcome.HUNKS_ONLY, 2),
        ("quoted-printable-patch-ppc.eml", Outcome.HUNKS_ONLY, 2),
    ],
)
def test_the_other_mails(mail_folder: Path, name: str, outcome: Outcome, files: int) -> None:
    done = reviewed(read(mail_folder, name), None)
    assert (done.patches[0].outcome, len(done.patches[0].patch.files)) == (outcome, files)
    assert new(done) == []
    assert not any(hunk.cut for _, hunk in done.patches[0].patch.hunks()) or name.startswith("base64-reply")


@pytest.mark.parametrize(
    ("name", "architectures", "base"),
    [
        ("dirty-ring-soft-full-v9-1of7.eml", ("x86",), "the tree as it is"),
        ("vgic-irq-state-change.eml", ("arm64",), "the tree as it is"),
        (
            "nvmx-vmxoff-event-request-v4-8of12.eml",
            ("x86",),
            "the tree without the patch, which it holds already",
        ),
    ],
)
def test_patches_that_keep_to_the_protocol_bring_nothing(
    kernels: dict[str, Path], mail_folder: Path, name: str, architectures: tuple[str, ...], base: str
) -> None:
    """A request with its consumer; a kick that is decided otherwise; a request made less often."""
    done = reviewed(read(mail_folder, name), kernels["6.1"], *architectures)
    assert (done.patches[0].outcome, done.patches[0].base) == (Outcome.REVIEWED, base)
    assert new(done) == []


def test_a_request_that_only_one_architecture_consumes(kernels: dict[str, Path], mail_folder: Path) -> None:
    """The sketch in the answer makes the request in generic code, and consumes it on arm64 alone."""
    patch = read(mail_folder, "base64-reply-quoting-a-patch.eml")
    assert [each.path for each in patch.files] == ["arch/arm64/kvm/arm.c", "virt/kvm/dirty_ring.c"]
    (found,) = new(reviewed(patch, kernels["6.1"], "arm64", "x86"))
    assert (found.finding.rule, found.finding.function) == ("KICK013", "kvm_dirty_ring_push")
    assert found.finding.architectures == ("x86",)

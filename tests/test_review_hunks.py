"""What hunks alone show: that something was taken away, and not what may be in what they do not show."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest
from kernel_edits import edited as edited_tree
from mutants import neutral_entry, neutral_entry_others, neutral_kick, neutral_kick_others, requester_bare
from mutants.model import Mutant, Neutral
from patches import mail, new, read, reviewed

from kicklint.base import Severity
from kicklint.source import DirectoryTree

HEAD = "static void demo_raise(struct kvm_vcpu *vcpu, int line)"
PATH = "arch/riscv/kvm/demo.c"


def hunk(*lines: str, section: str = HEAD, path: str = PATH) -> str:
    """A hunk of one file, in a function that it does not show whole."""
    old, gained = (sum(line[0] in kinds for line in lines) for kinds in (" -", " +"))
    body = "".join(f"{line[0]}\t{line[1:]}\n" for line in lines)
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
    return f"{head}@@ -40,{old} +40,{gained} @@ {section}\n{body}"


def found(text: str) -> list[tuple[str, str]]:
    every = new(reviewed([read(mail(text))], None))
    assert all(each.hunks_only and each.finding.severity is Severity.WARNING for each in every)
    return [(each.finding.rule, each.finding.function) for each in every]


def test_what_is_shown_is_what_was_sent() -> None:
    # The function's end is not in the hunk; what is put in its place is not shown.
    write = "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"
    text = hunk(" if (vcpu->mode == IN_GUEST_MODE) {", f"+\t{write}")
    done = reviewed([read(mail(text))], None)
    (judged,) = new(done)
    assert judged.finding.function == "demo_raise"
    shown = {each.line: each.text for each in done.patches[0].excerpts}
    assert shown[judged.finding.span.line] == f"\t\t{write}"


@pytest.mark.parametrize("left", ["", " "])
def test_lines_that_have_lost_what_they_were_indented_by_are_inside_of_their_function(left: str) -> None:
    write = "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"
    lines = hunk(" me = get_cpu();", "+if (vcpu->mode == IN_GUEST_MODE) {", f"+{write}", "+}").split("\n")
    flat = [f"{line[0]}{left}{line[2:]}" if line[1:2] == "\t" else line for line in lines]
    page = "".join(f"> {line.strip() if line[:1] == ' ' else line}\n" for line in flat)
    (judged,) = new(reviewed([read(f"Re: [PATCH] x\n\nFrom: b\nDate: Mon\n\n{page}")], None))
    assert (judged.finding.rule, judged.finding.function) == ("KICK001", "demo_raise")


STATE, MAKE, KICK = (
    " vcpu->arch.line = line;",
    "kvm_make_request(KVM_REQ_EVENT, vcpu);",
    "kvm_vcpu_kick(vcpu);",
)


def test_a_request_that_is_taken_away_before_its_kick() -> None:
    assert found(hunk(STATE, f"-{MAKE}", f" {KICK}")) == [("KICK009", "demo_raise")]
    # On one way only.
    assert found(hunk(STATE, f"-{MAKE}", "+if (line)", f"+\t{MAKE}", f" {KICK}")) == [
        ("KICK009", "demo_raise")
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(hunk(STATE, f"-{MAKE}", "+demo_request(vcpu);", f" {KICK}"), id="it-may-be-in-a-helper"),
        pytest.param(hunk(STATE, f"+{KICK}"), id="it-may-be-above-a-new-kick"),
        pytest.param(hunk(STATE, f"-{MAKE}", f"-{KICK}"), id="both-are-gone"),
        pytest.param(hunk(STATE, f" {KICK}", " out:"), id="it-was-not-there-before"),
        pytest.param(
            hunk(" struct kvm_vcpu *v = vcpu;", f"-{KICK}", "+kvm_vcpu_kick(v);"),
            id="another-name-for-the-vcpu",
        ),
    ],
)
def test_what_may_be_right_is_not_reported(text: str) -> None:
    assert found(text) == []


WRITE, OFF = "vcpu->mode = IN_GUEST_MODE;", "local_irq_disable();"


def test_interrupts_that_go_off_behind_the_mode() -> None:
    run = "int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu)"
    moved = hunk(" demo_flush(vcpu);", f"-{OFF}", f" {WRITE}", f"+{OFF}", " smp_mb();", section=run)
    assert ("KICK005", "kvm_arch_vcpu_ioctl_run") in found(moved)
    # What is not shown has turned them off; that they come on later says nothing of this place.
    later = hunk(f" {WRITE}", "+if (signal_pending(current)) {", "+\tlocal_irq_enable();", "+}", section=run)
    assert ("KICK005", "kvm_arch_vcpu_ioctl_run") not in found(later)


def diff_of(root: Path, case: Mutant | Neutral, folder: Path) -> str:
    """The edit of the kernel as git shows it, with the heads of functions behind the ``@@``."""
    before, after = DirectoryTree(root), edited_tree(root, case.edits)
    text = ""
    for path, data in sorted(after.changes.items()):
        for side, content in (("a", before.read(path)), ("b", data or b"")):
            (folder / side / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / side / path).write_bytes(content)
        command = ["git", "diff", "--no-index", "--no-prefix", f"a/{path}", f"b/{path}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        text += done.stdout.decode("latin-1")
    return text


def test_edits_of_the_kernel_by_their_hunks(kernels: dict[str, Path], tmp_path: Path) -> None:
    """Nothing is said of an edit without meaning; of kicks that lost their request some are seen."""
    neutral = (neutral_entry, neutral_entry_others, neutral_kick, neutral_kick_others)
    for case in [each for module in neutral for each in module.NEUTRAL][::2]:
        assert found(diff_of(kernels["6.12"], case, tmp_path)) == [], case.id
    hits: Counter[str] = Counter()
    for fault in requester_bare.MUTANTS:
        hits.update(
            {rule for rule, _ in found(diff_of(kernels["6.12"], fault, tmp_path)) if rule == fault.rule}
        )
    assert hits["KICK009"] >= 6

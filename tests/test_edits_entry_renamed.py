"""Architectures that rules/ knows, in trees that enter the guest by another name."""

from __future__ import annotations

from pathlib import Path

from kernel_edits import Edit, Replace, edited, kept

from kicklint.base import Report
from kicklint.engine.analysis import AnalysisRequest, analyse_tree

RISCV = "arch/riscv/kvm/vcpu.c"
RUN = "kvm_arch_vcpu_ioctl_run"
RISCV_ENTRY = Replace(
    RISCV, "kvm_riscv_vcpu_enter_exit", "__kvm_riscv_switch_to(&vcpu->arch);", "__hart_enter(&vcpu->arch);"
)
UNTESTED = Replace(RISCV, RUN, "kvm_request_pending(vcpu) ||", "")
MIPS_ENTRY = Replace(
    "arch/mips/kvm/vz.c", "kvm_vz_vcpu_run", "vcpu->arch.vcpu_run(vcpu)", "vcpu->arch.go(vcpu)"
)
# A hypervisor stands between this call and the guest; C is what it calls.
ARM_ENTRY = Replace(
    "arch/arm64/kvm/arm.c",
    "kvm_arm_vcpu_enter_exit",
    "kvm_call_hyp_ret(__kvm_vcpu_run, vcpu)",
    "kvm_call_hyp_ret(__kvm_guest_run, vcpu)",
)


def _report(root: Path, architecture: str, *edits: Edit) -> Report:
    tree = edited(root, edits) if edits else kept(root)
    return analyse_tree(tree, AnalysisRequest(tree=root, architectures=(architecture,)))


def _codes(report: Report) -> set[str]:
    return {note.code for note in report.notes}


def _fingerprints(report: Report) -> set[str]:
    return {finding.fingerprint for finding in report.findings}


def test_inferred(kernel: Path) -> None:
    """An entry of another name is found, and what was said before is said still."""
    for architecture, entry in (("riscv", RISCV_ENTRY), ("mips", MIPS_ENTRY)):
        before = _report(kernel, architecture)
        after = _report(kernel, architecture, entry)
        assert _codes(after) - _codes(before) == {"inferred-entry"}
        assert _fingerprints(after) == _fingerprints(before)


def test_fault_found(kernel: Path) -> None:
    """A test that is missing before such an entry is missed."""
    found = {each.rule: each for each in _report(kernel, "riscv", RISCV_ENTRY, UNTESTED).findings}
    assert "__hart_enter() can be reached without a test" in found["KICK003"].message


def test_not_behind_a_hypervisor(kernel: Path) -> None:
    """Where the entry is the hypervisor's, none is guessed, and that is said."""
    before = _report(kernel, "arm64")
    after = _report(kernel, "arm64", ARM_ENTRY)
    assert _codes(after) - _codes(before) == {"no-guest-entry"}
    assert _fingerprints(after) <= _fingerprints(before)

"""The true side of the last request test takes the mode back, but does not stay out of the guest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kernel_edits import Replace, assert_fault, check

RUN = "kvm_arch_vcpu_ioctl_run"
# The statements that leave the way to the guest, behind the write of OUTSIDE_GUEST_MODE.
CASES = [
    pytest.param(
        "x86",
        Replace(
            "arch/x86/kvm/x86.c",
            "vcpu_enter_guest",
            re.compile(r"(kvm_vcpu_srcu_read_lock\(vcpu\);\s*)r = 1;\s*goto cancel_injection;"),
            r"\1",
        ),
        id="x86",
    ),
    pytest.param(
        "arm64",
        Replace(
            "arch/arm64/kvm/arm.c", RUN, re.compile(r"(preempt_enable\(\);\s*)continue;(\s*\})"), r"\1\2"
        ),
        id="arm64",
    ),
    pytest.param(
        "riscv",
        Replace(
            "arch/riscv/kvm/vcpu.c",
            RUN,
            re.compile(
                r"(vcpu->mode = OUTSIDE_GUEST_MODE;\s*local_irq_enable\(\);\s*preempt_enable\(\);"
                r"\s*kvm_vcpu_srcu_read_lock\(vcpu\);\s*)continue;"
            ),
            r"\1",
        ),
        id="riscv",
    ),
]


@pytest.mark.parametrize(("architecture", "edit"), CASES)
def test_the_guest_is_entered_all_the_same(
    kernels: dict[str, Path], architecture: str, edit: Replace
) -> None:
    found = check(kernels["6.12"], [edit], architecture)
    assert_fault(found, "KICK003", edit.function)

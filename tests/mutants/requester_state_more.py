"""Mutants that announce state before it is there: KICK014 on the architectures besides x86."""

from __future__ import annotations

import re

from kernel_edits import KVM_MAIN, Replace

from mutants.requester_state import TOO_LATE, late
from mutants.spelling import (
    ARM,
    BOOKE,
    KICK,
    PSCI,
    RISCV_SBI,
    RISCV_VMID,
    drop,
    request,
)

MUTANTS = (
    late(
        "arm64-014-halt-guest",
        "arm64",
        ("kvm_arm_halt_guest",),
        (
            Replace(
                ARM,
                "kvm_arm_halt_guest",
                re.compile(
                    r"(kvm_for_each_vcpu\(i, vcpu, kvm\)\s+atomic_inc\(&vcpu->arch\.pause\);)"
                    r"(\s+)(kvm_make_all_cpus_request\(kvm, KVM_REQ_SLEEP\);)"
                ),
                r"\3\2\1",
            ),
        ),
        "a vCPU consumes KVM_REQ_SLEEP, is not paused yet, and goes into the guest",
        "swap",
    ),
    late(
        "arm64-014-system-event",
        "arm64",
        ("kvm_prepare_system_event",),
        (
            drop(
                PSCI,
                "kvm_prepare_system_event",
                "kvm_make_all_cpus_request(vcpu->kvm, KVM_REQ_SLEEP);",
            ),
            Replace(
                PSCI,
                "kvm_prepare_system_event",
                "kvm_for_each_vcpu(i, tmp, vcpu->kvm) {",
                "kvm_make_all_cpus_request(vcpu->kvm, KVM_REQ_SLEEP); kvm_for_each_vcpu(i, tmp, vcpu->kvm) {",
            ),
        ),
        "a vCPU consumes KVM_REQ_SLEEP, is not stopped yet, and goes into the guest",
    ),
    late(
        "arm64-014-cpu-on-unlocked",
        "arm64",
        ("kvm_psci_vcpu_on",),
        (
            drop(PSCI, "kvm_psci_vcpu_on", "reset_state->pc = smccc_get_arg2(source_vcpu);"),
            Replace(
                PSCI,
                "kvm_psci_vcpu_on",
                "spin_unlock(&vcpu->arch.mp_state_lock);",
                "spin_unlock(&vcpu->arch.mp_state_lock); "
                "if (ret == PSCI_RET_SUCCESS) reset_state->pc = smccc_get_arg2(source_vcpu);",
            ),
        ),
        "the target may consume KVM_REQ_VCPU_RESET and start at an old address once the lock is free",
    ),
    late(
        "riscv-014-system-reset",
        "riscv",
        ("kvm_riscv_vcpu_sbi_system_reset",),
        (
            drop(
                RISCV_SBI,
                "kvm_riscv_vcpu_sbi_system_reset",
                "kvm_make_all_cpus_request(vcpu->kvm, KVM_REQ_SLEEP);",
            ),
            Replace(
                RISCV_SBI,
                "kvm_riscv_vcpu_sbi_system_reset",
                "kvm_for_each_vcpu(i, tmp, vcpu->kvm) {",
                "kvm_make_all_cpus_request(vcpu->kvm, KVM_REQ_SLEEP); kvm_for_each_vcpu(i, tmp, vcpu->kvm) {",
            ),
        ),
        "a hart consumes KVM_REQ_SLEEP, is not stopped yet, and goes into the guest",
    ),
    late(
        "riscv-014-vmid",
        "riscv",
        ("kvm_riscv_gstage_vmid_update",),
        (
            Replace(
                RISCV_VMID,
                "kvm_riscv_gstage_vmid_update",
                re.compile(
                    r"kvm_for_each_vcpu\(i, v, vcpu->kvm\)\s+"
                    r"kvm_make_request\(KVM_REQ_UPDATE_HGATP, v\);"
                ),
                "",
            ),
            Replace(
                RISCV_VMID,
                "kvm_riscv_gstage_vmid_update",
                "vmid->vmid = vmid_next;",
                "kvm_for_each_vcpu(i, v, vcpu->kvm) kvm_make_request(KVM_REQ_UPDATE_HGATP, v); "
                "vmid->vmid = vmid_next;",
            ),
        ),
        "a hart may load HGATP with the old VMID for the request, and the new one is announced to nobody",
    ),
    late(
        "powerpc-014-set-tsr",
        "powerpc",
        ("kvmppc_set_tsr_bits",),
        (
            Replace(
                BOOKE,
                "kvmppc_set_tsr_bits",
                f"set_bits(tsr_bits, &vcpu->arch.tsr); smp_wmb(); {request('PENDING_TIMER')}",
                f"{request('PENDING_TIMER')} smp_wmb(); set_bits(tsr_bits, &vcpu->arch.tsr);",
            ),
        ),
        TOO_LATE,
        "swap",
    ),
    late(
        "powerpc-014-watchdog",
        "powerpc",
        ("kvmppc_watchdog_func",),
        (
            Replace(
                BOOKE,
                "kvmppc_watchdog_func",
                "int final;",
                f"int final; {request('PENDING_TIMER')}",
            ),
            Replace(
                BOOKE,
                "kvmppc_watchdog_func",
                f"smp_wmb(); {request('PENDING_TIMER')} {KICK}",
                KICK,
            ),
        ),
        TOO_LATE,
    ),
    late(
        "mips-014-flush-order",
        "mips",
        ("kvm_flush_remote_tlbs", "kvm_arch_flush_remote_tlbs", "kvm_vz_prepare_flush_shadow"),
        (
            Replace(
                KVM_MAIN,
                "kvm_flush_remote_tlbs",
                "if (!kvm_arch_flush_remote_tlbs(kvm) || kvm_make_all_cpus_request(kvm, KVM_REQ_TLB_FLUSH))",
                "if (kvm_make_all_cpus_request(kvm, KVM_REQ_TLB_FLUSH) || !kvm_arch_flush_remote_tlbs(kvm))",
            ),
        ),
        "asid_flush_mask is written, if at all, after the vCPUs were asked to look at it",
        "swap",
    ),
)

"""Mutants that leave a kind of request set for ever: KICK013."""

from __future__ import annotations

import re

from kernel_edits import X86, Replace

from mutants.model import Mutant
from mutants.requester_raw import raw
from mutants.spelling import (
    ARM,
    ARM_NESTED,
    BOOKE,
    LOONG,
    MIPS_VZ,
    RISCV,
    S390,
    drop,
)

STUCK = "kvm_request_pending() stays true, so every entry is abandoned and the guest never runs again"
NOBODY = "nobody clears the bit: its work is never done and kvm_request_pending() stays true for ever"


def never_cleared(
    identity: str, architecture: str, path: str, function: str, kind: str, *makers: str
) -> Mutant:
    """The request's only kvm_check_request becomes a kvm_test_request."""
    edit = Replace(
        path, function, f"kvm_check_request(KVM_REQ_{kind}, vcpu)", f"kvm_test_request(KVM_REQ_{kind}, vcpu)"
    )
    return raw(identity, architecture, (function, *makers), (edit,), STUCK, "weaken")


def not_consumed(
    identity: str, architecture: str, path: str, function: str, kind: str, *makers: str
) -> Mutant:
    """The request's only consumer goes."""
    edit = Replace(path, function, f"if (kvm_check_request(KVM_REQ_{kind}, vcpu))", "if (0)")
    return raw(identity, architecture, (function, *makers), (edit,), NOBODY, "delete")


GICD = "vgic_mmio_write_v3_misc"
X86_CHECK = "vcpu_enter_guest"
MIPS_CHECK = "kvm_vz_check_requests"
ARM_CHECK = "check_vcpu_requests"
RISCV_CHECK = "kvm_riscv_check_vcpu_requests"
RISCV_FENCE_I = ("kvm_riscv_fence_i", "make_xfence_request")
PPC_CHECK = "kvmppc_core_check_requests"
S390_CHECK = "kvm_s390_handle_requests"

MUTANTS = (
    never_cleared(
        "x86-013-steal-kept",
        "x86",
        X86,
        "vcpu_enter_guest",
        "STEAL_UPDATE",
        "kvm_arch_vcpu_load",
        "kvm_set_msr_common",
    ),
    never_cleared("arm64-013-pmu-kept", "arm64", ARM, ARM_CHECK, "RELOAD_PMU", "kvm_arm_pmu_v3_enable"),
    never_cleared(
        "riscv-013-fence-kept",
        "riscv",
        RISCV,
        RISCV_CHECK,
        "FENCE_I",
        "kvm_riscv_fence_i",
        "make_xfence_request",
    ),
    never_cleared(
        "loongarch-013-pmu-kept",
        "loongarch",
        LOONG,
        "kvm_late_check_requests",
        "PMU",
        "kvm_handle_csr",
        "kvm_lose_pmu",
        "_kvm_setcsr",
        "kvm_pre_enter_guest",
    ),
    never_cleared(
        "powerpc-013-epr-kept", "powerpc", BOOKE, PPC_CHECK, "EPR_EXIT", "kvmppc_booke_irqprio_deliver"
    ),
    never_cleared(
        "powerpc-013-timer-kept",
        "powerpc",
        BOOKE,
        PPC_CHECK,
        "PENDING_TIMER",
        "kvmppc_watchdog_func",
        "kvmppc_set_tsr_bits",
    ),
    never_cleared(
        "s390-013-operexc-kept", "s390", S390, S390_CHECK, "ICPT_OPEREXC", "icpt_operexc_on_all_vcpus"
    ),
    raw(
        "mips-013-flush-kept",
        "mips",
        (MIPS_CHECK, "kvm_flush_remote_tlbs"),
        (
            Replace(
                MIPS_VZ,
                MIPS_CHECK,
                "kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu)",
                "kvm_test_request(KVM_REQ_TLB_FLUSH, vcpu)",
            ),
        ),
        "the bit is never cleared: every entry drops the GuestIDs, and the barrier of the API is gone",
        "weaken",
    ),
    not_consumed(
        "x86-013-ioapic-unread",
        "x86",
        X86,
        "vcpu_enter_guest",
        "SCAN_IOAPIC",
        "kvm_make_scan_ioapic_request",
        "kvm_make_scan_ioapic_request_mask",
        "synic_set_sint",
    ),
    not_consumed("x86-013-timers-unread", "x86", X86, X86_CHECK, "MIGRATE_TIMER", "kvm_arch_vcpu_load"),
    not_consumed(
        "arm64-013-gicv4-unread", "arm64", ARM, ARM_CHECK, "RELOAD_GICv4", "vgic_mmio_write_v3_misc"
    ),
    not_consumed(
        "arm64-013-nested-unread",
        "arm64",
        ARM_NESTED,
        "check_nested_vcpu_requests",
        "NESTED_S2_UNMAP",
        "get_s2_mmu_nested",
        ARM_CHECK,
    ),
    not_consumed(
        "riscv-013-hgatp-unread", "riscv", RISCV, RISCV_CHECK, "UPDATE_HGATP", "kvm_riscv_gstage_vmid_update"
    ),
    not_consumed(
        "powerpc-013-epr-unread", "powerpc", BOOKE, PPC_CHECK, "EPR_EXIT", "kvmppc_booke_irqprio_deliver"
    ),
    not_consumed(
        "s390-013-migration-unread", "s390", S390, S390_CHECK, "STOP_MIGRATION", "kvm_s390_vm_stop_migration"
    ),
    not_consumed(
        "mips-013-flush-unread",
        "mips",
        MIPS_VZ,
        "kvm_vz_check_requests",
        "TLB_FLUSH",
        "kvm_flush_remote_tlbs",
    ),
    raw(
        "riscv-013-other-kind-read",
        "riscv",
        (
            RISCV_CHECK,
            "kvm_riscv_hfence_vvma_all",
            "kvm_riscv_hfence_vvma_asid_gva",
            "kvm_riscv_hfence_vvma_asid_all",
            "kvm_riscv_hfence_vvma_gva",
        ),
        (
            Replace(
                RISCV,
                RISCV_CHECK,
                "kvm_check_request(KVM_REQ_HFENCE_VVMA_ALL, vcpu)",
                "kvm_check_request(KVM_REQ_HFENCE, vcpu)",
            ),
        ),
        "one kind is read twice and the other never: " + NOBODY,
    ),
    raw(
        "s390-013-vsie-kept",
        "s390",
        (
            S390_CHECK,
            "kvm_s390_vcpu_crypto_reset_all",
            "kvm_s390_vcpu_pci_enable_interp",
            "kvm_arch_crypto_set_masks",
            "kvm_arch_crypto_clear_masks",
        ),
        (drop(S390, S390_CHECK, "kvm_clear_request(KVM_REQ_VSIE_RESTART, vcpu);"),),
        NOBODY,
        "delete",
    ),
    raw(
        "loongarch-013-steal-unread",
        "loongarch",
        ("kvm_check_requests", "kvm_loongarch_pvtime_set_attr", "kvm_save_notify", "_kvm_vcpu_load"),
        (
            Replace(
                LOONG,
                "kvm_check_requests",
                re.compile(
                    r"if \(kvm_check_request\(KVM_REQ_STEAL_UPDATE, vcpu\)\)"
                    r"\s+kvm_update_stolen_time\(vcpu\);"
                ),
                "",
            ),
        ),
        NOBODY,
        "delete",
    ),
)

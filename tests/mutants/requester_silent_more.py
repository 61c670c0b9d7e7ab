"""Mutants that ask and do not kick: KICK010 on the architectures besides x86."""

from __future__ import annotations

import re

from kernel_edits import Replace

from mutants.requester_silent import SLEEPS_ON, WAKE_ONLY, all_silent, mute
from mutants.spelling import (
    ARM,
    BOOKE,
    KICK,
    LOONG_MMU,
    MIPS,
    PSCI,
    RISCV,
    RISCV_HSM,
    RISCV_SBI,
    RISCV_TLB,
    S390,
    VGIC,
    VGIC_MMIO_V3,
    WAKE,
    drop,
    request,
    silent,
)

IRQ = request("IRQ_PENDING")

ARM64 = (
    mute("arm64-010-irq-line", "arm64", ("vcpu_interrupt_line",), (drop(ARM, "vcpu_interrupt_line", KICK),)),
    mute(
        "arm64-010-irq-line-ternary",
        "arm64",
        ("vcpu_interrupt_line",),
        (
            Replace(
                ARM,
                "vcpu_interrupt_line",
                KICK,
                "level ? kvm_vcpu_kick(vcpu) : (void)kvm_vcpu_wake_up(vcpu);",
            ),
        ),
        "a line that goes down only wakes the vCPU, which runs on with the interrupt in its HCR",
        "only-on-one-way",
    ),
    mute(
        "arm64-010-vgic-queue-wake",
        "arm64",
        ("vgic_queue_irq_unlock",),
        (Replace(VGIC, "vgic_queue_irq_unlock", f"{KICK} return true;", f"{WAKE} return true;"),),
        WAKE_ONLY,
        "weaken",
    ),
    mute(
        "arm64-010-kick-vcpus-last",
        "arm64",
        ("vgic_kick_vcpus",),
        (
            drop(VGIC, "vgic_kick_vcpus", KICK),
            Replace(
                VGIC,
                "vgic_kick_vcpus",
                re.compile(r"\}\n\}$"),
                "}\n\tvcpu = kvm_get_vcpu(kvm, 0);\n\tkvm_vcpu_kick(vcpu);\n}",
            ),
        ),
        "one vCPU is kicked after the loop, and all have the request",
        "move",
    ),
    mute(
        "arm64-010-prune-wrong-vcpu",
        "arm64",
        ("vgic_prune_ap_list",),
        (Replace(VGIC, "vgic_prune_ap_list", "kvm_vcpu_kick(target_vcpu);", KICK),),
        "the vCPU itself is kicked, and the one that got the interrupt is not",
        "wrong-vcpu",
    ),
    mute(
        "arm64-010-cpu-on",
        "arm64",
        ("kvm_psci_vcpu_on",),
        (drop(PSCI, "kvm_psci_vcpu_on", WAKE),),
        SLEEPS_ON,
    ),
    all_silent("arm64-010-halt-guest", "arm64", ARM, "kvm_arm_halt_guest", "SLEEP"),
    all_silent("arm64-010-system-event", "arm64", PSCI, "kvm_prepare_system_event", "SLEEP", "vcpu->kvm"),
    all_silent(
        "arm64-010-gicv4", "arm64", VGIC_MMIO_V3, "vgic_mmio_write_v3_misc", "RELOAD_GICv4", "vcpu->kvm"
    ),
)

OTHERS = (
    mute(
        "riscv-010-hart-start",
        "riscv",
        ("kvm_sbi_hsm_vcpu_start", "__kvm_riscv_vcpu_power_on"),
        (drop(RISCV, "__kvm_riscv_vcpu_power_on", WAKE),),
        SLEEPS_ON,
    ),
    mute(
        "riscv-010-hart-start-caller",
        "riscv",
        ("kvm_sbi_hsm_vcpu_start",),
        (
            Replace(
                RISCV_HSM,
                "kvm_sbi_hsm_vcpu_start",
                "__kvm_riscv_vcpu_power_on(target_vcpu);",
                "WRITE_ONCE(target_vcpu->arch.mp_state.mp_state, KVM_MP_STATE_RUNNABLE);",
            ),
        ),
        SLEEPS_ON,
        "re-point",
    ),
    all_silent(
        "riscv-010-system-reset", "riscv", RISCV_SBI, "kvm_riscv_vcpu_sbi_system_reset", "SLEEP", "vcpu->kvm"
    ),
    mute(
        "riscv-010-fence",
        "riscv",
        ("make_xfence_request",),
        (
            Replace(
                RISCV_TLB,
                "make_xfence_request",
                "kvm_make_vcpus_request_mask(kvm, actual_req, vcpu_mask);",
                "kvm_for_each_vcpu(i, vcpu, kvm) if (test_bit(i, vcpu_mask)) "
                "__kvm_make_request(actual_req, vcpu);",
            ),
        ),
        "the SBI call returns while other harts run on with the entries that it was to flush",
        "weaken",
    ),
    mute(
        "loongarch-010-memslot",
        "loongarch",
        ("kvm_arch_flush_remote_tlbs_memslot",),
        (
            Replace(
                LOONG_MMU,
                "kvm_arch_flush_remote_tlbs_memslot",
                "kvm_flush_remote_tlbs(kvm);",
                silent("kvm", "TLB_FLUSH"),
            ),
        ),
        "vCPUs in the guest go on with writable entries for pages whose writes are to be logged",
        "re-point",
    ),
    mute(
        "mips-010-shadow-memslot",
        "mips",
        ("kvm_arch_flush_shadow_memslot",),
        (
            Replace(
                MIPS,
                "kvm_arch_flush_shadow_memslot",
                "kvm_flush_remote_tlbs_memslot(kvm, slot);",
                silent("kvm", "TLB_FLUSH"),
            ),
        ),
        "vCPUs in the guest go on with entries for pages of a slot that is gone",
        "re-point",
    ),
    mute(
        "powerpc-010-watchdog",
        "powerpc",
        ("kvmppc_watchdog_func",),
        (
            Replace(
                BOOKE,
                "kvmppc_watchdog_func",
                f"{request('WATCHDOG')} {KICK}",
                request("WATCHDOG"),
            ),
        ),
    ),
    mute(
        "powerpc-010-tsr-wake",
        "powerpc",
        ("kvmppc_set_tsr_bits",),
        (Replace(BOOKE, "kvmppc_set_tsr_bits", KICK, WAKE),),
        "called from the decrementer's timer: " + WAKE_ONLY,
        "weaken",
    ),
    mute(
        "s390-010-gmap",
        "s390",
        ("kvm_gmap_notifier",),
        (
            Replace(
                S390,
                "kvm_gmap_notifier",
                "kvm_s390_sync_request(KVM_REQ_REFRESH_GUEST_PREFIX, vcpu);",
                request("REFRESH_GUEST_PREFIX"),
            ),
        ),
        "a vCPU in SIE goes on with a prefix page that is taken away",
        "weaken",
    ),
    mute(
        "s390-010-operexc",
        "s390",
        ("icpt_operexc_on_all_vcpus",),
        (
            Replace(
                S390,
                "icpt_operexc_on_all_vcpus",
                "kvm_s390_sync_request(KVM_REQ_ICPT_OPEREXC, vcpu);",
                request("ICPT_OPEREXC"),
            ),
        ),
        "a vCPU in SIE goes on without the interception",
        "weaken",
    ),
    mute(
        "s390-010-sync-request",
        "s390",
        (
            "kvm_s390_sync_request",
            "kvm_s390_sync_request_broadcast",
            "kvm_gmap_notifier",
            "icpt_operexc_on_all_vcpus",
        ),
        (drop(S390, "kvm_s390_sync_request", "kvm_s390_vcpu_request(vcpu);"),),
        "nothing makes a vCPU leave SIE, and nobody waits for it",
    ),
    mute(
        "s390-010-broadcast",
        "s390",
        ("kvm_s390_sync_request_broadcast",),
        (
            Replace(
                S390,
                "kvm_s390_sync_request_broadcast",
                "kvm_s390_sync_request(req, vcpu);",
                "__kvm_make_request(req, vcpu);",
            ),
        ),
        "the vCPUs in SIE learn of the request at their next exit",
        "weaken",
    ),
)

MUTANTS = (*ARM64, *OTHERS)

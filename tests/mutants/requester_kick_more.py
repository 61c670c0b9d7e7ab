"""Mutants that kick before they ask: KICK008 on the smaller architectures."""

from __future__ import annotations

from kernel_edits import Replace

from mutants.model import Mutant
from mutants.requester_kick import LATE, LATE_FLAG
from mutants.spelling import (
    BOOKE,
    E500,
    KICK,
    LOONG,
    LOONG_EXIT,
    PPC,
    RISCV,
    RISCV_IMSIC,
    S390,
    XICS,
    XIVE,
    drop,
    request,
    swap,
)

MUTANTS = (
    Mutant(
        "riscv-008-set-interrupt",
        "KICK008",
        "riscv",
        ("kvm_riscv_vcpu_set_interrupt",),
        "move",
        (
            drop(RISCV, "kvm_riscv_vcpu_set_interrupt", KICK),
            Replace(
                RISCV,
                "kvm_riscv_vcpu_set_interrupt",
                "raw_spin_lock_irqsave(&vcpu->arch.irqs_pending_lock, flags);",
                f"{KICK} raw_spin_lock_irqsave(&vcpu->arch.irqs_pending_lock, flags);",
            ),
        ),
        LATE_FLAG,
    ),
    Mutant(
        "riscv-008-imsic",
        "KICK008",
        "riscv",
        ("kvm_riscv_vcpu_aia_imsic_inject",),
        "swap",
        (
            swap(
                RISCV_IMSIC,
                "kvm_riscv_vcpu_aia_imsic_inject",
                "writel(iid, imsic->vsfile_va + IMSIC_MMIO_SETIPNUM_LE);",
                KICK,
            ),
        ),
        "the wake-up of the kick finds nothing pending in the IMSIC file and the vCPU sleeps on",
    ),
    Mutant(
        "loongarch-008-pv-ipi",
        "KICK008",
        "loongarch",
        ("kvm_send_pv_ipi",),
        "swap",
        (swap(LOONG_EXIT, "kvm_send_pv_ipi", "kvm_queue_irq(dest, INT_SWI0);", "kvm_vcpu_kick(dest);"),),
        LATE_FLAG,
    ),
    Mutant(
        "loongarch-008-ioctl",
        "KICK008",
        "loongarch",
        ("kvm_vcpu_ioctl_interrupt",),
        "move",
        (
            drop(LOONG, "kvm_vcpu_ioctl_interrupt", KICK),
            Replace(LOONG, "kvm_vcpu_ioctl_interrupt", "if (intr > 0)", f"{KICK} if (intr > 0)"),
        ),
        LATE_FLAG,
    ),
    Mutant(
        "powerpc-008-set-tsr",
        "KICK008",
        "powerpc",
        ("kvmppc_set_tsr_bits",),
        "swap",
        (swap(BOOKE, "kvmppc_set_tsr_bits", request("PENDING_TIMER"), KICK),),
        LATE,
    ),
    Mutant(
        "powerpc-008-watchdog",
        "KICK008",
        "powerpc",
        ("kvmppc_watchdog_func",),
        "swap",
        (swap(BOOKE, "kvmppc_watchdog_func", request("WATCHDOG"), KICK),),
        LATE,
    ),
    Mutant(
        "powerpc-008-msgsnd",
        "KICK008",
        "powerpc",
        ("kvmppc_e500_emul_msgsnd",),
        "swap",
        (
            swap(
                E500,
                "kvmppc_e500_emul_msgsnd",
                "set_bit(prio, &cvcpu->arch.pending_exceptions);",
                "kvm_vcpu_kick(cvcpu);",
            ),
        ),
        LATE_FLAG,
    ),
    Mutant(
        "powerpc-008-ioctl",
        "KICK008",
        "powerpc",
        ("kvm_vcpu_ioctl_interrupt",),
        "swap",
        (swap(PPC, "kvm_vcpu_ioctl_interrupt", "kvmppc_core_queue_external(vcpu, irq);", KICK),),
        LATE_FLAG,
    ),
    Mutant(
        "powerpc-008-xics",
        "KICK008",
        "powerpc",
        ("icp_try_update",),
        "swap",
        (
            swap(
                XICS,
                "icp_try_update",
                "kvmppc_book3s_queue_irqprio(icp->vcpu, BOOK3S_INTERRUPT_EXTERNAL);",
                "if (!change_self) kvmppc_fast_vcpu_kick(icp->vcpu);",
            ),
        ),
        LATE_FLAG,
    ),
    Mutant(
        "powerpc-008-xive",
        "KICK008",
        "powerpc",
        ("xive_esc_irq",),
        "move",
        (
            Replace(
                XIVE,
                "xive_esc_irq",
                "vcpu->arch.irq_pending = 1; smp_mb(); if (vcpu->arch.ceded || vcpu->arch.nested) "
                "kvmppc_fast_vcpu_kick(vcpu);",
                "smp_mb(); if (vcpu->arch.ceded || vcpu->arch.nested) kvmppc_fast_vcpu_kick(vcpu); "
                "vcpu->arch.irq_pending = 1;",
            ),
        ),
        LATE_FLAG,
    ),
    Mutant(
        "s390-008-sync-request",
        "KICK008",
        "s390",
        ("kvm_s390_sync_request",),
        "swap",
        (
            swap(
                S390,
                "kvm_s390_sync_request",
                "__kvm_make_request(req, vcpu);",
                "kvm_s390_vcpu_request(vcpu);",
            ),
        ),
        "the vCPU leaves SIE, clears PROG_REQUEST, sees no request and enters SIE again before there is one",
    ),
)

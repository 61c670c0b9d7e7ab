"""Mutants that kick and ask for nothing: KICK009 on the smaller architectures."""

from __future__ import annotations

from kernel_edits import Replace

from mutants.requester_bare import MISSED_FLAG, TOO_EARLY, bare
from mutants.spelling import (
    BOOK3S,
    BOOK3S_HV,
    BOOKE,
    E500,
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
)

MUTANTS = (
    bare(
        "riscv-009-flush-early",
        "riscv",
        ("kvm_riscv_vcpu_set_interrupt", "kvm_arch_vcpu_ioctl_run", "kvm_riscv_vcpu_flush_interrupts"),
        (
            drop(RISCV, "kvm_arch_vcpu_ioctl_run", "kvm_riscv_vcpu_flush_interrupts(vcpu);"),
            Replace(
                RISCV,
                "kvm_arch_vcpu_ioctl_run",
                "vcpu->mode = IN_GUEST_MODE;",
                "kvm_riscv_vcpu_flush_interrupts(vcpu); vcpu->mode = IN_GUEST_MODE;",
            ),
        ),
        TOO_EARLY,
        "move",
    ),
    bare(
        "riscv-009-no-flag",
        "riscv",
        ("kvm_riscv_vcpu_set_interrupt",),
        (
            drop(RISCV, "kvm_riscv_vcpu_set_interrupt", "__set_bit(irq, vcpu->arch.irqs_pending);"),
            drop(RISCV, "kvm_riscv_vcpu_set_interrupt", "__set_bit(irq, vcpu->arch.irqs_pending_mask);"),
        ),
        MISSED_FLAG,
    ),
    bare(
        "riscv-009-imsic",
        "riscv",
        ("kvm_riscv_vcpu_aia_imsic_inject",),
        (
            drop(
                RISCV_IMSIC,
                "kvm_riscv_vcpu_aia_imsic_inject",
                "writel(iid, imsic->vsfile_va + IMSIC_MMIO_SETIPNUM_LE);",
            ),
        ),
        MISSED_FLAG,
    ),
    bare(
        "loongarch-009-deliver-early",
        "loongarch",
        ("kvm_vcpu_ioctl_interrupt", "kvm_send_pv_ipi", "kvm_pre_enter_guest", "kvm_deliver_intr"),
        (
            drop(LOONG, "kvm_pre_enter_guest", "kvm_deliver_intr(vcpu);"),
            Replace(
                LOONG,
                "kvm_pre_enter_guest",
                "kvm_check_vpid(vcpu);",
                "kvm_deliver_intr(vcpu); kvm_check_vpid(vcpu);",
            ),
        ),
        TOO_EARLY,
        "move",
    ),
    bare(
        "loongarch-009-pv-ipi",
        "loongarch",
        ("kvm_send_pv_ipi",),
        (drop(LOONG_EXIT, "kvm_send_pv_ipi", "kvm_queue_irq(dest, INT_SWI0);"),),
        MISSED_FLAG,
    ),
    bare(
        "loongarch-009-ioctl-one-way",
        "loongarch",
        ("kvm_vcpu_ioctl_interrupt",),
        (Replace(LOONG, "kvm_vcpu_ioctl_interrupt", "kvm_queue_irq(vcpu, intr);", "intr = 0;"),),
        MISSED_FLAG,
        "only-on-one-way",
    ),
    bare(
        "powerpc-009-set-tsr",
        "powerpc",
        ("kvmppc_set_tsr_bits",),
        (drop(BOOKE, "kvmppc_set_tsr_bits", request("PENDING_TIMER")),),
        "TSR is looked at for KVM_REQ_PENDING_TIMER only",
    ),
    bare(
        "powerpc-009-watchdog",
        "powerpc",
        ("kvmppc_watchdog_func",),
        (drop(BOOKE, "kvmppc_watchdog_func", request("WATCHDOG")),),
        "the exit to user space is made for KVM_REQ_WATCHDOG only",
    ),
    bare(
        "powerpc-009-msgsnd",
        "powerpc",
        ("kvmppc_e500_emul_msgsnd",),
        (drop(E500, "kvmppc_e500_emul_msgsnd", "set_bit(prio, &cvcpu->arch.pending_exceptions);"),),
        MISSED_FLAG,
    ),
    bare(
        "powerpc-009-msgsnd-wrong-vcpu",
        "powerpc",
        ("kvmppc_e500_emul_msgsnd",),
        (
            Replace(
                E500,
                "kvmppc_e500_emul_msgsnd",
                "&cvcpu->arch.pending_exceptions",
                "&vcpu->arch.pending_exceptions",
            ),
        ),
        "the sender gets the interrupt and the addressee is kicked with nothing pending",
        "wrong-vcpu",
    ),
    bare(
        "powerpc-009-decrementer",
        "powerpc",
        ("kvmppc_decrementer_func",),
        (drop(BOOK3S, "kvmppc_decrementer_func", "kvmppc_core_queue_dec(vcpu);"),),
        MISSED_FLAG,
    ),
    bare(
        "powerpc-009-ioctl",
        "powerpc",
        ("kvm_vcpu_ioctl_interrupt",),
        (drop(PPC, "kvm_vcpu_ioctl_interrupt", "kvmppc_core_queue_external(vcpu, irq);"),),
        MISSED_FLAG,
    ),
    bare(
        "powerpc-009-hv-doorbell",
        "powerpc",
        ("kvmppc_emulate_doorbell_instr",),
        (drop(BOOK3S_HV, "kvmppc_emulate_doorbell_instr", "tvcpu->arch.doorbell_request = 1;"),),
        MISSED_FLAG,
    ),
    bare(
        "powerpc-009-xics",
        "powerpc",
        ("icp_try_update",),
        (drop(XICS, "icp_try_update", "kvmppc_book3s_queue_irqprio(icp->vcpu, BOOK3S_INTERRUPT_EXTERNAL);"),),
        MISSED_FLAG,
    ),
    bare(
        "powerpc-009-xive",
        "powerpc",
        ("xive_esc_irq",),
        (drop(XIVE, "xive_esc_irq", "vcpu->arch.irq_pending = 1;"),),
        MISSED_FLAG,
    ),
    bare(
        "s390-009-gmap",
        "s390",
        ("kvm_gmap_notifier",),
        (
            Replace(
                S390,
                "kvm_gmap_notifier",
                "kvm_s390_sync_request(KVM_REQ_REFRESH_GUEST_PREFIX, vcpu);",
                "exit_sie(vcpu);",
            ),
        ),
        "the vCPU leaves SIE and enters it again with no notifier on its prefix pages",
        "re-point",
    ),
    bare(
        "s390-009-broadcast",
        "s390",
        ("kvm_s390_sync_request_broadcast",),
        (
            Replace(
                S390,
                "kvm_s390_sync_request_broadcast",
                "kvm_s390_sync_request(req, vcpu);",
                "exit_sie(vcpu);",
            ),
        ),
        "the vCPUs leave SIE, find neither a request nor PROG_REQUEST and enter it again",
        "re-point",
    ),
)

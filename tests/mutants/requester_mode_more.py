"""Mutants that write a mode that is not theirs to write: KICK007 in loops, timers and calls."""

from __future__ import annotations

from kernel_edits import KVM_MAIN, X86, Above, Replace

from mutants.requester_mode import NO_IPI, STOLEN, foreign
from mutants.spelling import (
    ARM,
    ASYNC_PF,
    BOOKE,
    E500,
    KICK,
    LOONG_EXIT,
    MIPS,
    RISCV_SBI,
    VGIC,
)

MUTANTS = (
    foreign(
        "x86-007-all-exiting",
        "x86",
        ("kvm_make_all_cpus_request",),
        (
            Replace(
                KVM_MAIN,
                "kvm_make_all_cpus_request",
                "kvm_for_each_vcpu(i, vcpu, kvm)",
                "kvm_for_each_vcpu(i, vcpu, kvm) WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE); "
                "kvm_for_each_vcpu(i, vcpu, kvm)",
            ),
        ),
        NO_IPI,
        "move",
    ),
    foreign(
        "x86-007-dirty-log-exiting",
        "x86",
        ("kvm_arch_sync_dirty_log",),
        (
            Replace(
                X86,
                "kvm_arch_sync_dirty_log",
                KICK,
                "if (vcpu->mode == IN_GUEST_MODE) vcpu->mode = EXITING_GUEST_MODE;",
            ),
        ),
        NO_IPI,
        "weaken",
    ),
    foreign(
        "x86-007-two-files",
        "x86",
        ("kvm_arch_memslots_updated", "kvm_vcpu_set_mode"),
        (
            Above(
                ASYNC_PF,
                "kvm_async_pf_vcpu_init",
                "void kvm_vcpu_set_mode(struct kvm_vcpu *vcpu, int mode)\n{\n"
                "\tsmp_store_mb(vcpu->mode, mode);\n}",
            ),
            Replace(
                X86,
                "kvm_arch_memslots_updated",
                KICK,
                "kvm_vcpu_set_mode(vcpu, OUTSIDE_GUEST_MODE);",
            ),
        ),
        STOLEN,
        "split",
    ),
    foreign(
        "arm64-007-halt-exiting",
        "arm64",
        ("kvm_arm_halt_guest",),
        (
            Replace(
                ARM,
                "kvm_arm_halt_guest",
                "atomic_inc(&vcpu->arch.pause);",
                "{ atomic_inc(&vcpu->arch.pause); WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE); }",
            ),
        ),
        NO_IPI,
        "move",
    ),
    foreign(
        "arm64-007-resume-outside",
        "arm64",
        ("kvm_arm_resume_guest",),
        (
            Replace(
                ARM,
                "kvm_arm_resume_guest",
                "__kvm_vcpu_wake_up(vcpu);",
                "{ smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE); __kvm_vcpu_wake_up(vcpu); }",
            ),
        ),
        STOLEN,
        "move",
    ),
    foreign(
        "arm64-007-vgic-reading",
        "arm64",
        ("vgic_kick_vcpus",),
        (
            Replace(
                VGIC,
                "vgic_kick_vcpus",
                KICK,
                f"vcpu->mode = READING_SHADOW_PAGE_TABLES; {KICK}",
            ),
        ),
        STOLEN,
        "move",
    ),
    foreign(
        "riscv-007-reset-outside",
        "riscv",
        ("kvm_riscv_vcpu_sbi_system_reset",),
        (
            Replace(
                RISCV_SBI,
                "kvm_riscv_vcpu_sbi_system_reset",
                "spin_lock(&tmp->arch.mp_state_lock);",
                "spin_lock(&tmp->arch.mp_state_lock); tmp->mode = OUTSIDE_GUEST_MODE;",
            ),
        ),
        "the lock is not one that the vCPU takes for its mode: " + STOLEN,
        "move",
    ),
    foreign(
        "loongarch-007-ipi-in",
        "loongarch",
        ("kvm_send_pv_ipi", "kvm_mark_running"),
        (
            Above(
                LOONG_EXIT,
                "kvm_send_pv_ipi",
                "#define kvm_mark_running(v)\tWRITE_ONCE((v)->mode, IN_GUEST_MODE)",
            ),
            Replace(
                LOONG_EXIT,
                "kvm_send_pv_ipi",
                "kvm_vcpu_kick(dest);",
                "kvm_mark_running(dest); kvm_vcpu_kick(dest);",
            ),
        ),
        "a vCPU that sleeps or is in the kernel counts as in the guest",
        "hide",
    ),
    foreign(
        "mips-007-timer-outside",
        "mips",
        ("kvm_mips_comparecount_wakeup",),
        (
            Replace(
                MIPS,
                "kvm_mips_comparecount_wakeup",
                "vcpu->arch.wait = 0;",
                "vcpu->arch.wait = 0; vcpu->mode = OUTSIDE_GUEST_MODE;",
            ),
        ),
        "the timer may fire while the vCPU is in the guest: a flush of its TLB then sends no IPI",
        "move",
    ),
    foreign(
        "powerpc-007-msgsnd-exiting",
        "powerpc",
        ("kvmppc_e500_emul_msgsnd",),
        (
            Replace(
                E500,
                "kvmppc_e500_emul_msgsnd",
                "kvm_vcpu_kick(cvcpu);",
                "WRITE_ONCE(cvcpu->mode, EXITING_GUEST_MODE); kvm_vcpu_kick(cvcpu);",
            ),
        ),
        "a vCPU outside the guest counts as on its way out of it",
        "move",
    ),
    foreign(
        "powerpc-007-watchdog-outside",
        "powerpc",
        ("kvmppc_watchdog_func",),
        (
            Replace(
                BOOKE,
                "kvmppc_watchdog_func",
                "if (new_tsr & TSR_WIS) {",
                "if (new_tsr & TSR_WIS) { vcpu->mode = OUTSIDE_GUEST_MODE;",
            ),
        ),
        "the timer may fire while the vCPU is in the guest: a flush of its TLB then sends no IPI",
        "move",
    ),
)

"""KICK006: a way that does not stay in the guest enables interrupts or returns with the mode not OUTSIDE."""

from __future__ import annotations

from kernel_edits import Above, Edit, Replace

from mutants.guest_places import (
    ARM,
    ARM_ABORT,
    ARM_DEBUG,
    ARM_EXIT,
    ARM_OUTSIDE,
    ARM_RUN,
    BOOKE,
    BOOKE_RUN,
    LOONGARCH,
    LOONGARCH_EXITED,
    LOONGARCH_OUTSIDE,
    LOONGARCH_PRE,
    LOONGARCH_RUN,
    MIPS,
    MIPS_EXITED,
    MIPS_MODE,
    MIPS_OUTSIDE,
    MIPS_RUN,
    PPC_OUTSIDE,
    PR,
    PR_RUN,
    PREPARE,
    RISCV,
    RISCV_ABORT,
    RISCV_EXIT,
    RISCV_OUTSIDE,
    RISCV_RUN,
    VZ,
    VZ_RUN,
    X86,
    X86_ABORT,
    X86_EXIT,
    X86_RUN,
    X86_TIMING,
)
from mutants.model import Mutant

OUTSIDE = "vcpu->mode = OUTSIDE_GUEST_MODE;"
LEAVE = "local_irq_enable(); preempt_enable();"
SYNC_XFD = "/* * Sync xfd"
PENDING = "/* * We must ensure that any pending"
STALE = (
    "The vCPU is in the host and says IN_GUEST_MODE: requesters send IPIs, or wait, for a guest that is not."
)
STUCK = (
    "After a kick the mode stays EXITING_GUEST_MODE in the host, as if the vCPU were still on its way out."
)
AWAY = "This way out enables interrupts and leaves with the mode still IN_GUEST_MODE."


def left(name: str, operator: str, functions: tuple[str, ...], *edits: Edit, why: str = STALE) -> Mutant:
    """The mutant of KICK006 called ``name``, which begins with its architecture."""
    architecture, _, rest = name.partition("-")
    return Mutant(f"{architecture}-kick006-{rest}", "KICK006", architecture, functions, operator, edits, why)


def x86(pattern: str, replacement: str) -> Replace:
    return Replace(X86, X86_RUN, pattern, replacement)


def arm(pattern: str, replacement: str) -> Replace:
    return Replace(ARM, ARM_RUN, pattern, replacement)


def riscv(pattern: str, replacement: str) -> Replace:
    return Replace(RISCV, RISCV_RUN, pattern, replacement)


def loongarch(function: str, pattern: str, replacement: str) -> Replace:
    return Replace(LOONGARCH, function, pattern, replacement)


def mips(function: str, pattern: str, replacement: str) -> Replace:
    return Replace(MIPS, function, pattern, replacement)


X86_MUTANTS = (
    left("x86-abort-forgets", "delete", (X86_RUN,), x86(X86_ABORT, LEAVE), why=AWAY),
    left("x86-exit-forgets", "delete", (X86_RUN,), x86(X86_EXIT, SYNC_XFD)),
    left(
        "x86-abort-below-the-irqs",
        "move",
        (X86_RUN,),
        x86(X86_ABORT, f"smp_wmb(); {LEAVE} {OUTSIDE}"),
        why="Interrupts and preemption are on before the mode is OUTSIDE; the thread can sleep in between.",
    ),
    left(
        "x86-exit-below-the-irqs",
        "move",
        (X86_RUN,),
        x86(X86_EXIT, SYNC_XFD),
        x86(
            "guest_timing_exit_irqoff(); local_irq_enable(); preempt_enable();",
            f"guest_timing_exit_irqoff(); {LEAVE} {OUTSIDE}",
        ),
    ),
    left(
        "x86-early-way-out",
        "branch",
        (X86_RUN,),
        x86(
            X86_TIMING,
            f"if (unlikely(vcpu->arch.guest_state_protected && vcpu->arch.switch_db_regs)) {{ {LEAVE} "
            f"kvm_vcpu_srcu_read_lock(vcpu); r = -EIO; goto cancel_injection; }} {X86_TIMING}",
        ),
        why=AWAY,
    ),
    left(
        "x86-not-on-the-fast-way",
        "branch",
        (X86_RUN,),
        x86(X86_EXIT, f"if (exit_fastpath != EXIT_FASTPATH_EXIT_USERSPACE) {OUTSIDE} {SYNC_XFD}"),
    ),
    left(
        "x86-restored-by-cmpxchg",
        "weaken",
        (X86_RUN,),
        x86(X86_EXIT, f"cmpxchg(&vcpu->mode, IN_GUEST_MODE, OUTSIDE_GUEST_MODE); {SYNC_XFD}"),
        why=STUCK,
    ),
    left(
        "x86-helper-leaves-exiting",
        "hide",
        (X86_RUN, "kvm_leave_guest_mode"),
        Above(
            X86,
            X86_RUN,
            "static void kvm_leave_guest_mode(struct kvm_vcpu *vcpu)\n{\n"
            f"\tif (vcpu->mode == IN_GUEST_MODE)\n\t\t{OUTSIDE}\n}}",
        ),
        x86(X86_EXIT, f"kvm_leave_guest_mode(vcpu); smp_wmb(); {SYNC_XFD}"),
        why=STUCK,
    ),
)

ARM_MUTANTS = (
    left("arm64-abort-forgets", "delete", (ARM_RUN,), arm(ARM_ABORT, f"{LEAVE} continue;"), why=AWAY),
    left("arm64-exit-forgets", "delete", (ARM_RUN,), arm(ARM_EXIT, PENDING)),
    left(
        "arm64-exit-below-the-irqs",
        "move",
        (ARM_RUN,),
        arm(ARM_EXIT, PENDING),
        arm("handle_exit_early(vcpu, ret);", f"{ARM_OUTSIDE} handle_exit_early(vcpu, ret);"),
    ),
    left(
        "arm64-early-way-out",
        "branch",
        (ARM_RUN,),
        arm(
            ARM_DEBUG,
            f"if (vcpu_mode_is_bad_32bit(vcpu)) {{ {LEAVE} ret = -ENOEXEC; continue; }} {ARM_DEBUG}",
        ),
        why=AWAY,
    ),
    left(
        "arm64-failed-entry-breaks-out",
        "branch",
        (ARM_RUN,),
        arm("vcpu->stat.exits++;", f"if (unlikely(ret < 0)) {{ {LEAVE} break; }} vcpu->stat.exits++;"),
        why="A failed entry takes the thread to user space with the mode still IN_GUEST_MODE.",
    ),
    left(
        "arm64-only-without-requests",
        "branch",
        (ARM_RUN,),
        arm(ARM_EXIT, f"if (!kvm_request_pending(vcpu)) {ARM_OUTSIDE} {PENDING}"),
        why=STUCK,
    ),
    left(
        "arm64-helper-forgets-on-one-way",
        "hide",
        (ARM_RUN, "kvm_abort_entry"),
        Above(
            ARM,
            ARM_RUN,
            "static void kvm_abort_entry(struct kvm_vcpu *vcpu)\n{\n"
            f"\tif (irqchip_in_kernel(vcpu->kvm))\n\t\t{ARM_OUTSIDE}\n\t{LEAVE}\n}}",
        ),
        arm(ARM_ABORT, "kvm_abort_entry(vcpu); continue;"),
    ),
)

RISCV_MUTANTS = (
    left("riscv-abort-forgets", "delete", (RISCV_RUN,), riscv(RISCV_ABORT, LEAVE), why=AWAY),
    left("riscv-exit-forgets", "delete", (RISCV_RUN,), riscv(RISCV_EXIT, "vcpu->stat.exits++;")),
    left(
        "riscv-exit-below-the-irqs",
        "move",
        (RISCV_RUN,),
        riscv(RISCV_EXIT, "vcpu->stat.exits++;"),
        riscv("trace_kvm_exit(&trap);", f"trace_kvm_exit(&trap); {RISCV_OUTSIDE}"),
    ),
    left(
        "riscv-aia-way-out-below-the-mode",
        "move",
        (RISCV_RUN,),
        riscv(
            "ret = kvm_riscv_vcpu_aia_update(vcpu); if (ret <= 0) { preempt_enable(); continue; }",
            "",
        ),
        riscv(
            "kvm_riscv_vcpu_flush_interrupts(vcpu);",
            f"ret = kvm_riscv_vcpu_aia_update(vcpu); if (ret <= 0) {{ {LEAVE} "
            "kvm_vcpu_srcu_read_lock(vcpu); continue; } kvm_riscv_vcpu_flush_interrupts(vcpu);",
        ),
        why=AWAY,
    ),
    left(
        "riscv-only-after-traps",
        "branch",
        (RISCV_RUN,),
        riscv(RISCV_EXIT, "vcpu->stat.exits++;"),
        riscv(
            "trap.htinst = csr_read(CSR_HTINST);",
            f"trap.htinst = csr_read(CSR_HTINST); if (!(trap.scause & CAUSE_IRQ_FLAG)) {RISCV_OUTSIDE}",
        ),
        why="After an interrupt, which is how a kick comes, the mode is not restored.",
    ),
)

LOONGARCH_ABORT = f"{LOONGARCH_OUTSIDE} local_irq_enable(); ret = -EAGAIN;"
LOONGARCH_MUTANTS = (
    left(
        "loongarch-abort-forgets",
        "delete",
        (LOONGARCH_PRE,),
        loongarch(LOONGARCH_PRE, LOONGARCH_ABORT, "local_irq_enable(); ret = -EAGAIN;"),
        why="The loop goes on to kvm_enter_guest_check(), which sleeps, with the mode still IN_GUEST_MODE.",
    ),
    left(
        "loongarch-abort-only-with-a-pmu",
        "branch",
        (LOONGARCH_PRE,),
        loongarch(LOONGARCH_PRE, LOONGARCH_ABORT, "local_irq_enable(); ret = -EAGAIN;"),
        loongarch(LOONGARCH_PRE, "kvm_lose_pmu(vcpu);", f"kvm_lose_pmu(vcpu); {LOONGARCH_OUTSIDE}"),
    ),
    left(
        "loongarch-exit-forgets",
        "delete",
        (LOONGARCH_EXITED,),
        loongarch(LOONGARCH_EXITED, LOONGARCH_OUTSIDE, ""),
    ),
    left(
        "loongarch-exit-below-the-irqs",
        "move",
        (LOONGARCH_EXITED,),
        loongarch(LOONGARCH_EXITED, LOONGARCH_OUTSIDE, ""),
        loongarch(
            LOONGARCH_EXITED,
            "trace_kvm_exit(vcpu, ecode);",
            f"trace_kvm_exit(vcpu, ecode); {LOONGARCH_OUTSIDE}",
        ),
    ),
    left(
        "loongarch-early-way-out",
        "branch",
        (LOONGARCH_PRE,),
        loongarch(
            LOONGARCH_PRE,
            "vcpu->arch.host_eentry = csr_read64(LOONGARCH_CSR_EENTRY);",
            "if (unlikely(!vcpu->arch.vpid)) { local_irq_enable(); ret = -EAGAIN; continue; } "
            "vcpu->arch.host_eentry = csr_read64(LOONGARCH_CSR_EENTRY);",
        ),
        why=AWAY,
    ),
    left(
        "loongarch-signal-before-the-entry",
        "split",
        (LOONGARCH_RUN, LOONGARCH_PRE),
        loongarch(
            LOONGARCH_RUN,
            "guest_timing_enter_irqoff();",
            "if (signal_pending(current)) { local_irq_enable(); r = -EINTR; goto out; } "
            "guest_timing_enter_irqoff();",
        ),
        why=AWAY,
    ),
)

MIPS_SIGNAL = (
    "if (signal_pending(current)) { run->exit_reason = KVM_EXIT_INTR; ret = (-EINTR << 2) | RESUME_HOST; "
    "++vcpu->stat.signal_exits; trace_kvm_exit(vcpu, KVM_TRACE_EXIT_SIGNAL); }"
)
MIPS_TRACE = "trace_kvm_exit(vcpu, exccode);"
MIPS_MUTANTS = (
    left("mips-exit-forgets", "delete", (MIPS_EXITED,), mips(MIPS_EXITED, MIPS_OUTSIDE, "")),
    left(
        "mips-exit-below-the-irqs",
        "move",
        (MIPS_EXITED,),
        mips(MIPS_EXITED, MIPS_OUTSIDE, ""),
        mips(MIPS_EXITED, MIPS_TRACE, f"{MIPS_TRACE} {MIPS_OUTSIDE}"),
    ),
    left(
        "mips-not-after-interrupts",
        "branch",
        (MIPS_EXITED,),
        mips(MIPS_EXITED, MIPS_OUTSIDE, f"if (exccode != EXCCODE_INT) {MIPS_OUTSIDE}"),
    ),
    left(
        "mips-signal-before-the-entry",
        "branch",
        (MIPS_RUN,),
        mips(
            MIPS_RUN,
            MIPS_MODE,
            f"{MIPS_MODE} if (signal_pending(current)) {{ guest_timing_exit_irqoff(); local_irq_enable(); "
            "goto out; }",
        ),
        why=AWAY,
    ),
    left(
        "mips-vz-run-gives-up",
        "split",
        (VZ_RUN, MIPS_RUN),
        Replace(
            VZ,
            VZ_RUN,
            "r = vcpu->arch.vcpu_run(vcpu);",
            "if (signal_pending(current)) return -EINTR; r = vcpu->arch.vcpu_run(vcpu);",
        ),
        why="Nobody was in the guest and no exit handler ran; the caller enables interrupts all the same.",
    ),
    left(
        "mips-signal-after-the-mode",
        "move",
        (MIPS_EXITED,),
        mips(MIPS_EXITED, MIPS_SIGNAL, ""),
        mips(
            MIPS_EXITED,
            "kvm_mips_callbacks->vcpu_reenter(vcpu);",
            f"kvm_mips_callbacks->vcpu_reenter(vcpu); {MIPS_SIGNAL}",
        ),
        why="A signal returns to the host behind the write of IN_GUEST_MODE, and nothing takes it back.",
    ),
)

POWERPC_MUTANTS = (
    left(
        "powerpc-booke-forgets",
        "delete",
        (BOOKE_RUN, PREPARE),
        Replace(BOOKE, BOOKE_RUN, PPC_OUTSIDE, ""),
        why="kvmppc_prepare_to_enter() and the exit handler leave it to this function to restore the mode.",
    ),
    left(
        "powerpc-pr-forgets",
        "delete",
        (PR_RUN, PREPARE),
        Replace(PR, PR_RUN, PPC_OUTSIDE, ""),
        why="kvmppc_prepare_to_enter() and the exit handler leave it to this function to restore the mode.",
    ),
    left(
        "powerpc-booke-returns-at-once",
        "branch",
        (BOOKE_RUN, PREPARE),
        Replace(BOOKE, BOOKE_RUN, "if (s <= 0) { ret = s; goto out; }", "if (s <= 0) return s;"),
        why="A request that goes to user space comes back from behind the write of the mode.",
    ),
    left(
        "powerpc-pr-returns-at-once",
        "branch",
        (PR_RUN, PREPARE),
        Replace(PR, PR_RUN, "if (ret <= 0) goto out;", "if (ret <= 0) return ret;"),
        why="A request that goes to user space comes back from behind the write of the mode.",
    ),
    left(
        "powerpc-booke-signal-before-the-entry",
        "branch",
        (BOOKE_RUN,),
        Replace(
            BOOKE,
            BOOKE_RUN,
            "/* Switch to guest debug context */",
            "if (signal_pending(current)) { guest_exit_irqoff(); local_irq_enable(); return -EINTR; }",
        ),
        why=AWAY,
    ),
)

MUTANTS = (
    *X86_MUTANTS,
    *ARM_MUTANTS,
    *RISCV_MUTANTS,
    *LOONGARCH_MUTANTS,
    *MIPS_MUTANTS,
    *POWERPC_MUTANTS,
)

"""KICK005: interrupts are on when IN_GUEST_MODE is written, or come on between there and the guest."""

from __future__ import annotations

from kernel_edits import Above, Edit, Replace

from mutants.guest_places import (
    ARM,
    ARM_DEBUG,
    ARM_ENTER,
    ARM_IRQ,
    ARM_MODE,
    ARM_RUN,
    ARM_TIMING,
    ENTRIES,
    RISCV,
    RISCV_ENTER,
    RISCV_IRQ,
    RISCV_MODE,
    RISCV_RUN,
    RISCV_SANITIZE,
    SVM,
    VMX,
    X86,
    X86_AGAIN,
    X86_IRQ,
    X86_MODE,
    X86_RUN,
    X86_TIMING,
)
from mutants.model import Mutant

OFF = "local_irq_disable();"
ON = "local_irq_enable();"
AT_WRITE = (
    "With interrupts on at the write the kick's IPI can be taken before the entry, and throws nobody out."
)
LOST = (
    "A kick that comes in the window sees IN_GUEST_MODE; its IPI is taken by the host, and the guest runs on."
)
STAY_ON = "Interrupts stay on until the entry: an IPI after the last test is taken by the host and lost."
COMMENT = "/* * Ensure we set mode"


def window(name: str, operator: str, functions: tuple[str, ...], *edits: Edit, why: str = LOST) -> Mutant:
    """The mutant of KICK005 called ``name``, which begins with its architecture."""
    architecture, _, rest = name.partition("-")
    functions = tuple(dict.fromkeys((*functions, *ENTRIES[architecture])))
    return Mutant(f"{architecture}-kick005-{rest}", "KICK005", architecture, functions, operator, edits, why)


def opened(text: str, off: str = OFF) -> str:
    """``text`` with interrupts on around it."""
    return f"{ON} {text} {off}"


def x86(pattern: str, replacement: str) -> Replace:
    return Replace(X86, X86_RUN, pattern, replacement)


def arm(pattern: str, replacement: str) -> Replace:
    return Replace(ARM, ARM_RUN, pattern, replacement)


def riscv(pattern: str, replacement: str) -> Replace:
    return Replace(RISCV, RISCV_RUN, pattern, replacement)


X86_FLUSH = """
static void kvm_drop_async_pf(struct kvm_vcpu *vcpu)
{
	spin_lock_irq(&vcpu->async_pf.lock);
	vcpu->async_pf.queued = 0;
	spin_unlock_irq(&vcpu->async_pf.lock);
}
"""
X86_DEBUG = "set_debugreg(DR7_FIXED_1, 7); set_debugreg(vcpu->arch.eff_db[0], 0);"

X86_MUTANTS = (
    window("x86-deleted", "delete", (X86_RUN,), x86(X86_IRQ, ""), why=STAY_ON),
    window(
        "x86-mode-above",
        "swap",
        (X86_RUN,),
        x86(X86_MODE, ""),
        x86(X86_IRQ, f"{X86_MODE} {OFF}"),
        why=AT_WRITE,
    ),
    window("x86-bottom-halves-only", "weaken", (X86_RUN,), x86(X86_IRQ, "local_bh_disable();"), why=STAY_ON),
    window(
        "x86-only-with-a-lapic",
        "branch",
        (X86_RUN,),
        x86(X86_IRQ, f"if (kvm_lapic_enabled(vcpu)) {OFF}"),
        why=STAY_ON,
    ),
    window(
        "x86-on-for-the-fpu",
        "open",
        (X86_RUN,),
        x86("switch_fpu_return();", f"{{ {opened('switch_fpu_return();')} }}"),
    ),
    window("x86-on-in-one-branch", "branch", (X86_RUN,), x86(X86_DEBUG, opened(X86_DEBUG))),
    window(
        "x86-restored-too-early",
        "open",
        (X86_RUN,),
        x86(X86_IRQ, "unsigned long flags; local_irq_save(flags);"),
        x86(X86_TIMING, f"local_irq_restore(flags); {X86_TIMING}"),
        why="The flags were saved with interrupts on; to restore them before the entry turns them on again.",
    ),
    window(
        "x86-spin-unlock-irq-in-a-helper",
        "hide",
        (X86_RUN, "kvm_drop_async_pf"),
        Above(X86, X86_RUN, X86_FLUSH),
        x86(X86_TIMING, f"kvm_drop_async_pf(vcpu); {X86_TIMING}"),
        why="spin_unlock_irq() turns interrupts on whatever they were: the IPI is taken by the host.",
    ),
    window(
        "x86-resched-on-the-back-edge",
        "open",
        (X86_RUN,),
        x86(X86_AGAIN, f"if (need_resched()) {{ {opened('cond_resched();')} }} {X86_AGAIN}"),
        why="The window is behind the loop's test: the host takes a kick's IPI, the guest is entered again.",
    ),
    window(
        "x86-vmx-perf-msrs",
        "split",
        ("atomic_switch_perf_msrs", "vmx_vcpu_run", X86_RUN),
        Replace(
            VMX,
            "atomic_switch_perf_msrs",
            "intel_pmu_cross_mapped_check(pmu);",
            "{ spin_lock_irq(&vmx->vcpu.async_pf.lock); intel_pmu_cross_mapped_check(pmu); "
            "spin_unlock_irq(&vmx->vcpu.async_pf.lock); }",
        ),
        why="vmx_vcpu_run() calls it with interrupts off; spin_unlock_irq() turns them on before the entry.",
    ),
    window(
        "x86-svm-new-asid",
        "split",
        ("pre_svm_run", "svm_vcpu_run", X86_RUN),
        Replace(SVM, "pre_svm_run", "new_asid(svm, sd);", f"{{ {opened('new_asid(svm, sd);')} }}"),
    ),
)

ARM_LOCK = "spin_lock_irq(&vcpu->arch.mp_state_lock);"
ARM_UNLOCK = "spin_unlock_irq(&vcpu->arch.mp_state_lock);"
ARM_MUTANTS = (
    window("arm64-deleted", "delete", (ARM_RUN,), arm(ARM_IRQ, "kvm_vgic_flush_hwstate(vcpu);"), why=STAY_ON),
    window(
        "arm64-mode-above",
        "swap",
        (ARM_RUN,),
        arm(ARM_MODE, ""),
        arm(ARM_IRQ, f"{ARM_MODE} {ARM_IRQ}"),
        why=AT_WRITE,
    ),
    window(
        "arm64-preemption-only",
        "weaken",
        (ARM_RUN,),
        arm(ARM_IRQ, "migrate_disable(); kvm_vgic_flush_hwstate(vcpu);"),
        why=STAY_ON,
    ),
    window("arm64-on-for-the-debug-registers", "open", (ARM_RUN,), arm(ARM_DEBUG, opened(ARM_DEBUG))),
    window(
        "arm64-ctxflush",
        "split",
        ("kvm_arch_vcpu_ctxflush_fp", ARM_RUN),
        Replace(
            "arch/arm64/kvm/fpsimd.c",
            "kvm_arch_vcpu_ctxflush_fp",
            "*host_data_ptr(fp_owner) = FP_STATE_FREE;",
            f"{{ {opened('*host_data_ptr(fp_owner) = FP_STATE_FREE;')} }}",
        ),
    ),
    window(
        "arm64-spin-unlock-irq-in-debug",
        "split",
        ("kvm_arm_setup_debug", ARM_RUN),
        Replace(
            "arch/arm64/kvm/debug.c",
            "kvm_arm_setup_debug",
            "kvm_arm_setup_mdcr_el2(vcpu);",
            f"{ARM_LOCK} kvm_arm_setup_mdcr_el2(vcpu); {ARM_UNLOCK}",
        ),
        why="spin_unlock_irq() turns interrupts on whatever they were, behind the last test.",
    ),
    window(
        "arm64-daif",
        "hide",
        ("kvm_arm_vcpu_enter_exit", ARM_RUN),
        Replace(
            ARM,
            "kvm_arm_vcpu_enter_exit",
            "guest_state_enter_irqoff();",
            "guest_state_enter_irqoff(); local_daif_restore(DAIF_PROCCTX);",
        ),
        why="DAIF_PROCCTX unmasks interrupts: what is pending is taken by the host before the guest runs.",
    ),
    window(
        "arm64-restored-too-early",
        "open",
        (ARM_RUN,),
        arm(ARM_IRQ, "unsigned long flags; local_irq_save(flags); kvm_vgic_flush_hwstate(vcpu);"),
        arm(ARM_TIMING, f"{ARM_TIMING} local_irq_restore(flags);"),
    ),
    window(
        "arm64-on-in-one-branch",
        "branch",
        (ARM_RUN,),
        arm(
            ARM_ENTER,
            "if (unlikely(vcpu->guest_debug)) { local_irq_enable(); cpu_relax(); local_irq_disable(); } "
            + ARM_ENTER,
        ),
    ),
)

PENDING_LOCK = "raw_spin_lock_irqsave(&vcpu->arch.irqs_pending_lock, flags);"
PENDING_UNLOCK = "raw_spin_unlock_irqrestore(&vcpu->arch.irqs_pending_lock, flags);"
RISCV_MUTANTS = (
    window("riscv-deleted", "delete", (RISCV_RUN,), riscv(RISCV_IRQ, COMMENT), why=STAY_ON),
    window(
        "riscv-mode-above",
        "swap",
        (RISCV_RUN,),
        riscv(RISCV_MODE, ""),
        riscv(RISCV_IRQ, f"{RISCV_MODE} {RISCV_IRQ}"),
        why=AT_WRITE,
    ),
    window(
        "riscv-preemption-only",
        "weaken",
        (RISCV_RUN,),
        riscv(RISCV_IRQ, f"migrate_disable(); {COMMENT}"),
        why=STAY_ON,
    ),
    window("riscv-on-for-the-tlb", "open", (RISCV_RUN,), riscv(RISCV_SANITIZE, opened(RISCV_SANITIZE))),
    window(
        "riscv-unlock-irq-of-the-pending-interrupts",
        "split",
        ("kvm_riscv_vcpu_flush_interrupts", RISCV_RUN),
        Replace(
            RISCV,
            "kvm_riscv_vcpu_flush_interrupts",
            PENDING_LOCK,
            "raw_spin_lock_irq(&vcpu->arch.irqs_pending_lock);",
        ),
        Replace(
            RISCV,
            "kvm_riscv_vcpu_flush_interrupts",
            PENDING_UNLOCK,
            "raw_spin_unlock_irq(&vcpu->arch.irqs_pending_lock);",
        ),
        Replace(RISCV, "kvm_riscv_vcpu_flush_interrupts", "unsigned long flags;", ""),
        why=STAY_ON,
    ),
    window(
        "riscv-csr",
        "hide",
        ("kvm_riscv_vcpu_enter_exit", RISCV_RUN),
        Replace(
            RISCV,
            "kvm_riscv_vcpu_enter_exit",
            "guest_state_enter_irqoff();",
            "guest_state_enter_irqoff(); csr_set(CSR_STATUS, SR_IE);",
        ),
        why="Setting SIE in sstatus is what local_irq_enable() does: an IPI is taken before the switch.",
    ),
    window(
        "riscv-restored-too-early",
        "open",
        (RISCV_RUN,),
        riscv(RISCV_IRQ, f"unsigned long flags; local_irq_save(flags); {COMMENT}"),
        riscv(RISCV_ENTER, f"local_irq_restore(flags); {RISCV_ENTER}"),
    ),
    window(
        "riscv-sanitize-in-its-own-file",
        "split",
        ("kvm_riscv_local_tlb_sanitize", RISCV_RUN),
        Replace(
            "arch/riscv/kvm/tlb.c",
            "kvm_riscv_local_tlb_sanitize",
            "kvm_riscv_local_hfence_gvma_vmid_all(vmid);",
            opened("kvm_riscv_local_hfence_gvma_vmid_all(vmid);"),
        ),
    ),
)

MUTANTS = (*X86_MUTANTS, *ARM_MUTANTS, *RISCV_MUTANTS)

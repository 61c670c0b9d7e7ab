"""KICK016: a way to the guest with no write of IN_GUEST_MODE since the last other write."""

from __future__ import annotations

from kernel_edits import Above, Edit, Replace

from mutants.guest_places import (
    ARM,
    ARM_EXIT,
    ARM_MODE,
    ARM_OUTSIDE,
    ARM_RUN,
    ENTRIES,
    LOONGARCH,
    LOONGARCH_EXITED,
    LOONGARCH_MODE,
    LOONGARCH_OUTSIDE,
    LOONGARCH_PRE,
    LOONGARCH_RUN,
    RISCV,
    RISCV_ENTER,
    RISCV_EXIT,
    RISCV_MODE,
    RISCV_OUTSIDE,
    RISCV_RUN,
    VMX,
    X86,
    X86_MODE,
    X86_RUN,
)
from mutants.model import Mutant

OUTSIDE = "vcpu->mode = OUTSIDE_GUEST_MODE;"
UNSEEN = (
    "The guest runs with OUTSIDE_GUEST_MODE: kvm_arch_vcpu_should_kick() says no, and no kick sends an IPI."
)


def outside(name: str, operator: str, functions: tuple[str, ...], *edits: Edit, why: str = UNSEEN) -> Mutant:
    """The mutant of KICK016 called ``name``, which begins with its architecture."""
    architecture, _, rest = name.partition("-")
    functions = tuple(dict.fromkeys((*functions, *ENTRIES[architecture])))
    return Mutant(f"{architecture}-kick016-{rest}", "KICK016", architecture, functions, operator, edits, why)


def x86(pattern: str, replacement: str) -> Replace:
    return Replace(X86, X86_RUN, pattern, replacement)


def arm(pattern: str, replacement: str) -> Replace:
    return Replace(ARM, ARM_RUN, pattern, replacement)


def riscv(pattern: str, replacement: str) -> Replace:
    return Replace(RISCV, RISCV_RUN, pattern, replacement)


def loongarch(function: str, pattern: str, replacement: str) -> Replace:
    return Replace(LOONGARCH, function, pattern, replacement)


X86_AFTER = "exit_fastpath = kvm_x86_call(vcpu_run)(vcpu, run_flags);"
X86_MUTANTS = (
    outside("x86-deleted", "delete", (X86_RUN,), x86(X86_MODE, "")),
    outside(
        "x86-only-with-apicv",
        "branch",
        (X86_RUN,),
        x86(X86_MODE, f"if (kvm_vcpu_apicv_active(vcpu)) {X86_MODE}"),
        why="Without APICv the guest runs with OUTSIDE_GUEST_MODE, and no kick sends an IPI.",
    ),
    outside(
        "x86-wrong-mode",
        "invert",
        (X86_RUN,),
        x86(X86_MODE, "smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE);"),
    ),
    outside(
        "x86-restored-inside-the-loop",
        "move",
        (X86_RUN,),
        x86(X86_AFTER, f"{X86_AFTER} {OUTSIDE}"),
        why="EXIT_FASTPATH_REENTER_GUEST goes round with OUTSIDE_GUEST_MODE, and no kick sends an IPI.",
    ),
    outside(
        "x86-restored-by-a-fast-exit",
        "split",
        ("handle_fastpath_hlt", X86_RUN),
        Replace(X86, "handle_fastpath_hlt", "int ret;", f"int ret; {OUTSIDE}"),
        why="The handler of HLT goes back by EXIT_FASTPATH_REENTER_GUEST with the mode OUTSIDE.",
    ),
    outside(
        "x86-only-one-vendor-writes-it",
        "split",
        (X86_RUN,),
        x86(X86_MODE, ""),
        Replace(
            VMX,
            "vmx_sync_pir_to_irr",
            "if (pi_test_on(&vmx->pi_desc)) {",
            "smp_store_mb(vcpu->mode, IN_GUEST_MODE); if (pi_test_on(&vmx->pi_desc)) {",
        ),
        why="SVM has no such callback, and VMX does not call it without a local APIC: both run OUTSIDE.",
    ),
    outside(
        "x86-macro-for-the-mode",
        "hide",
        (X86_RUN,),
        Above(
            X86,
            X86_RUN,
            "#define kvm_announce_guest(vcpu) do { if (kvm_vcpu_apicv_active(vcpu)) "
            "smp_store_release(&(vcpu)->mode, IN_GUEST_MODE); } while (0)",
        ),
        x86(X86_MODE, "kvm_announce_guest(vcpu);"),
    ),
)

ARM_MUTANTS = (
    outside("arm64-deleted", "delete", (ARM_RUN,), arm(ARM_MODE, "smp_mb();")),
    outside(
        "arm64-only-with-a-gic",
        "branch",
        (ARM_RUN,),
        arm(ARM_MODE, f"if (irqchip_in_kernel(vcpu->kvm)) {{ {ARM_MODE} }} else {{ smp_mb(); }}"),
    ),
    outside(
        "arm64-second-entry-behind-the-exit",
        "branch",
        (ARM_RUN,),
        arm(
            ARM_EXIT,
            f"{ARM_OUTSIDE} if (ARM_EXCEPTION_CODE(ret) == ARM_EXCEPTION_EL1_SERROR && "
            "!kvm_vcpu_exit_request(vcpu, &ret)) ret = kvm_arm_vcpu_enter_exit(vcpu); "
            "/* * We must ensure that any pending",
        ),
        why="The second entry runs with OUTSIDE_GUEST_MODE, and no kick sends an IPI.",
    ),
    outside(
        "arm64-helper-that-may-not-write",
        "hide",
        (ARM_RUN, "kvm_announce_guest"),
        Above(
            ARM,
            ARM_RUN,
            "static void kvm_announce_guest(struct kvm_vcpu *vcpu)\n{\n\tif (!vcpu->preempted)\n"
            f"\t\t{ARM_MODE}\n}}",
        ),
        arm(ARM_MODE, "kvm_announce_guest(vcpu);"),
    ),
)

RISCV_MUTANTS = (
    outside("riscv-deleted", "delete", (RISCV_RUN,), riscv(RISCV_MODE, "")),
    outside(
        "riscv-only-with-aia",
        "branch",
        (RISCV_RUN,),
        riscv(RISCV_MODE, f"if (kvm_riscv_aia_available()) {RISCV_MODE}"),
    ),
    outside(
        "riscv-second-entry-behind-the-exit",
        "branch",
        (RISCV_RUN,),
        riscv(
            RISCV_EXIT,
            f"{RISCV_OUTSIDE} if (!kvm_request_pending(vcpu) && csr_read(CSR_SCAUSE) == "
            f"(CAUSE_IRQ_FLAG | IRQ_S_SOFT)) {RISCV_ENTER} vcpu->stat.exits++;",
        ),
        why="The second entry runs with OUTSIDE_GUEST_MODE, and no kick sends an IPI.",
    ),
    outside(
        "riscv-restored-before-the-entry",
        "move",
        (RISCV_RUN,),
        riscv(RISCV_EXIT, "vcpu->stat.exits++;"),
        riscv(RISCV_ENTER, f"{RISCV_OUTSIDE} {RISCV_ENTER}"),
    ),
)

LOONGARCH_MUTANTS = (
    outside(
        "loongarch-deleted",
        "delete",
        (LOONGARCH_PRE, LOONGARCH_RUN, LOONGARCH_EXITED),
        loongarch(LOONGARCH_PRE, LOONGARCH_MODE, "smp_mb();"),
    ),
    outside(
        "loongarch-exit-resumes-by-itself",
        "branch",
        (LOONGARCH_EXITED,),
        loongarch(
            LOONGARCH_EXITED,
            "if (ret == RESUME_GUEST) ret = kvm_pre_enter_guest(vcpu);",
            "if (ret == RESUME_GUEST) { if (kvm_request_pending(vcpu) || xfer_to_guest_mode_work_pending()) "
            "ret = kvm_pre_enter_guest(vcpu); else local_irq_disable(); }",
        ),
        why="With nothing pending the handler returns to the guest with the mode it restored: OUTSIDE.",
    ),
    outside(
        "loongarch-only-with-interrupts",
        "branch",
        (LOONGARCH_PRE, LOONGARCH_RUN, LOONGARCH_EXITED),
        loongarch(LOONGARCH_PRE, LOONGARCH_MODE, f"if (vcpu->arch.irq_pending) {{ {LOONGARCH_MODE} }}"),
    ),
    outside(
        "loongarch-restored-behind-the-preparation",
        "move",
        (LOONGARCH_EXITED,),
        loongarch(LOONGARCH_EXITED, LOONGARCH_OUTSIDE, ""),
        loongarch(
            LOONGARCH_EXITED, "trace_kvm_reenter(vcpu);", f"{LOONGARCH_OUTSIDE} trace_kvm_reenter(vcpu);"
        ),
    ),
)

MUTANTS = (*X86_MUTANTS, *ARM_MUTANTS, *RISCV_MUTANTS, *LOONGARCH_MUTANTS)

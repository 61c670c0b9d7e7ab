"""KICK004: between the write of IN_GUEST_MODE and the first read of requests there is no full barrier."""

from __future__ import annotations

import re

from kernel_edits import Above, Edit, Replace

from mutants.guest_places import (
    ARM,
    ARM_MODE,
    ARM_RUN,
    KVM_HOST,
    LOONGARCH,
    LOONGARCH_MODE,
    LOONGARCH_PRE,
    MIPS,
    MIPS_EXITED,
    MIPS_MODE,
    MIPS_RUN,
    POWERPC,
    PPC_MODE,
    PREPARE,
    RISCV,
    RISCV_MODE,
    RISCV_RUN,
    SRCU_MB,
    SRCU_UNLOCK,
    X86,
    X86_MODE,
    X86_PIR,
    X86_RUN,
    X86_TEST,
)
from mutants.model import Mutant

PLAIN = "WRITE_ONCE(vcpu->mode, IN_GUEST_MODE);"
RELEASE = "smp_store_release(&vcpu->mode, IN_GUEST_MODE);"
LATE = "The store of the mode may still sit in the store buffer when the requests are read:"
LOST = f"{LATE} the requester sees OUTSIDE and sends no IPI, the vCPU sees no request."
UNLOCK = f"{LATE} smp_mb__after_srcu_read_unlock() completes an unlock, and that is above the store."


def no_barrier(name: str, operator: str, functions: tuple[str, ...], *edits: Edit, why: str = LOST) -> Mutant:
    """The mutant of KICK004 called ``name``, which begins with its architecture."""
    architecture = name.partition("-")[0]
    return Mutant(
        f"{architecture}-kick004-{name.partition('-')[2]}",
        "KICK004",
        architecture,
        functions,
        operator,
        edits,
        why,
    )


def x86(pattern: str, replacement: str) -> Replace:
    return Replace(X86, X86_RUN, pattern, replacement)


def arm(replacement: str) -> Replace:
    return Replace(ARM, ARM_RUN, ARM_MODE, replacement)


def riscv(pattern: str, replacement: str) -> Replace:
    return Replace(RISCV, RISCV_RUN, pattern, replacement)


def loongarch(replacement: str) -> Replace:
    return Replace(LOONGARCH, LOONGARCH_PRE, LOONGARCH_MODE, replacement)


def mips(function: str, replacement: str) -> Replace:
    return Replace(MIPS, function, MIPS_MODE, replacement)


def powerpc(pattern: str, replacement: str) -> Replace:
    return Replace(POWERPC, PREPARE, pattern, replacement)


def announce(write: str, barrier: str = "") -> str:
    """The text of a helper that writes the mode."""
    return f"static void kvm_announce_guest(struct kvm_vcpu *vcpu)\n{{\n\t{write}\n\t{barrier}\n}}"


X86_HELPER = (X86_RUN, "kvm_announce_guest")

X86_MUTANTS = (
    no_barrier("x86-deleted", "delete", (X86_RUN,), x86(SRCU_MB, "")),
    no_barrier(
        "x86-store-barrier",
        "weaken",
        (X86_RUN,),
        x86(SRCU_MB, "smp_wmb();"),
        why=f"{LATE} srcu_read_unlock() promises no barrier, and smp_wmb() orders no store before a load.",
    ),
    no_barrier("x86-load-barrier", "weaken", (X86_RUN,), x86(SRCU_MB, "smp_rmb();")),
    no_barrier("x86-compiler-barrier", "weaken", (X86_RUN,), x86(SRCU_MB, "barrier();")),
    no_barrier(
        "x86-only-with-apicv",
        "branch",
        (X86_RUN,),
        x86(SRCU_MB, f"if (kvm_vcpu_apicv_active(vcpu)) {SRCU_MB}"),
        why=f"{LATE} without APICv the requests need the barrier as much as PID.ON does with it.",
    ),
    no_barrier(
        "x86-below-the-posted-interrupts",
        "move",
        (X86_RUN, "vmx_sync_pir_to_irr"),
        x86(SRCU_MB, ""),
        x86(
            X86_PIR,
            f"if (kvm_lapic_enabled(vcpu)) kvm_x86_call(sync_pir_to_irr)(vcpu); {SRCU_MB} {X86_TEST}",
        ),
        why="PID.ON is read before the mode is seen: the poster sets PID.ON, sees OUTSIDE and sends no IPI.",
    ),
    no_barrier(
        "x86-mode-below-the-barrier",
        "swap",
        (X86_RUN,),
        x86(X86_MODE, ""),
        x86(SRCU_MB, f"{SRCU_MB} {X86_MODE}"),
    ),
    no_barrier(
        "x86-unlock-above-the-mode",
        "swap",
        (X86_RUN,),
        x86(SRCU_UNLOCK, ""),
        x86(X86_MODE, f"{SRCU_UNLOCK} {X86_MODE}"),
        why=UNLOCK,
    ),
    no_barrier(
        "x86-helper-with-a-store-barrier",
        "hide",
        X86_HELPER,
        Above(X86, X86_RUN, announce(PLAIN, "smp_wmb();")),
        x86(X86_MODE, "kvm_announce_guest(vcpu);"),
        x86(SRCU_MB, ""),
    ),
    no_barrier(
        "x86-macro-in-a-header",
        "split",
        (X86_RUN,),
        Above(KVM_HOST, "kvm_vcpu_exiting_guest_mode", "#define kvm_mode_barrier() smp_wmb()"),
        x86(SRCU_MB, "kvm_mode_barrier();"),
    ),
    no_barrier(
        "x86-requests-read-above-the-barrier",
        "move",
        (X86_RUN,),
        x86(X86_MODE, f"{X86_MODE} bool pending = kvm_request_pending(vcpu);"),
        x86(
            X86_TEST,
            "if (pending || vcpu->mode == EXITING_GUEST_MODE || xfer_to_guest_mode_work_pending()) {",
        ),
    ),
)

ARM_MUTANTS = (
    no_barrier("arm64-plain", "weaken", (ARM_RUN,), arm(PLAIN)),
    no_barrier(
        "arm64-release",
        "weaken",
        (ARM_RUN,),
        arm(RELEASE),
        why=f"{LATE} a store release orders what is before it, not the loads after it.",
    ),
    no_barrier("arm64-store-barrier", "weaken", (ARM_RUN,), arm(f"{PLAIN} smp_wmb();")),
    no_barrier(
        "arm64-isb",
        "weaken",
        (ARM_RUN,),
        arm(f"{PLAIN} isb();"),
        why=f"{LATE} an ISB synchronises the context, it does not order memory accesses.",
    ),
    no_barrier(
        "arm64-dmb-ishst",
        "weaken",
        (ARM_RUN,),
        arm(f"{PLAIN} dmb(ishst);"),
        why=f"{LATE} DMB ISHST orders stores with stores only.",
    ),
    no_barrier("arm64-barrier-above-the-mode", "swap", (ARM_RUN,), arm(f"smp_mb(); {PLAIN}")),
    no_barrier(
        "arm64-only-without-vhe",
        "branch",
        (ARM_RUN,),
        arm(f"if (has_vhe()) {PLAIN} else {ARM_MODE}"),
        why=f"{LATE} with VHE there is no barrier before the test of the requests.",
    ),
    no_barrier(
        "arm64-helper-with-a-release",
        "hide",
        (ARM_RUN, "kvm_announce_guest"),
        Above(ARM, ARM_RUN, announce(RELEASE)),
        arm("kvm_announce_guest(vcpu);"),
    ),
    no_barrier(
        "arm64-helper-in-a-header",
        "split",
        (ARM_RUN, "kvm_vcpu_set_mode"),
        Above(
            KVM_HOST,
            "kvm_vcpu_exiting_guest_mode",
            "static inline void kvm_vcpu_set_mode(struct kvm_vcpu *vcpu, int mode)\n"
            "{\n\tWRITE_ONCE(vcpu->mode, mode);\n\tsmp_wmb();\n}",
        ),
        arm("kvm_vcpu_set_mode(vcpu, IN_GUEST_MODE);"),
    ),
)

RISCV_MUTANTS = (
    no_barrier("riscv-deleted", "delete", (RISCV_RUN,), riscv(SRCU_MB, "")),
    no_barrier("riscv-store-barrier", "weaken", (RISCV_RUN,), riscv(SRCU_MB, "smp_wmb();")),
    no_barrier(
        "riscv-fence-w-w",
        "weaken",
        (RISCV_RUN,),
        riscv(SRCU_MB, "RISCV_FENCE(w, w);"),
        why=f"{LATE} a fence from stores to stores does not hold back the load.",
    ),
    no_barrier(
        "riscv-only-with-aia",
        "branch",
        (RISCV_RUN,),
        riscv(SRCU_MB, f"if (kvm_riscv_aia_available()) {SRCU_MB}"),
    ),
    no_barrier(
        "riscv-unlock-above-the-mode",
        "swap",
        (RISCV_RUN,),
        Replace(RISCV, RISCV_RUN, re.compile(rf"{re.escape(SRCU_UNLOCK)}(\s+smp_mb__after)"), r"\1"),
        riscv(RISCV_MODE, f"{SRCU_UNLOCK} {RISCV_MODE}"),
        why=UNLOCK,
    ),
    no_barrier(
        "riscv-mode-below-the-barrier",
        "swap",
        (RISCV_RUN,),
        riscv(RISCV_MODE, ""),
        riscv(SRCU_MB, f"{SRCU_MB} {RISCV_MODE}"),
    ),
    no_barrier(
        "riscv-helper-with-a-release",
        "hide",
        (RISCV_RUN, "kvm_announce_guest"),
        Above(RISCV, RISCV_RUN, announce(RELEASE)),
        riscv(RISCV_MODE, "kvm_announce_guest(vcpu);"),
        riscv(SRCU_MB, ""),
    ),
)

LOONGARCH_MUTANTS = (
    no_barrier("loongarch-plain", "weaken", (LOONGARCH_PRE,), loongarch(PLAIN)),
    no_barrier("loongarch-release", "weaken", (LOONGARCH_PRE,), loongarch(RELEASE)),
    no_barrier("loongarch-store-barrier", "weaken", (LOONGARCH_PRE,), loongarch(f"{PLAIN} smp_wmb();")),
    no_barrier(
        "loongarch-below-the-interrupts",
        "move",
        (LOONGARCH_PRE, "kvm_deliver_intr"),
        loongarch(PLAIN),
        Replace(LOONGARCH, LOONGARCH_PRE, "kvm_deliver_intr(vcpu);", "kvm_deliver_intr(vcpu); smp_mb();"),
        why="irq_pending is read before the mode is seen: who queued one sees OUTSIDE and sends no IPI.",
    ),
    no_barrier(
        "loongarch-only-with-a-pmu",
        "branch",
        (LOONGARCH_PRE,),
        loongarch(f"{PLAIN} if (kvm_guest_has_pmu(&vcpu->arch)) smp_mb();"),
    ),
    no_barrier(
        "loongarch-helper-with-a-load-barrier",
        "hide",
        (LOONGARCH_PRE, "kvm_announce_guest"),
        Above(LOONGARCH, LOONGARCH_PRE, announce(PLAIN, "smp_rmb();")),
        loongarch("kvm_announce_guest(vcpu);"),
    ),
)

MIPS_WHY = f"{LATE} kvm_make_all_cpus_request() sees OUTSIDE and sends no IPI for the TLB flush."
MIPS_MUTANTS = (
    no_barrier("mips-run-plain", "weaken", (MIPS_RUN,), mips(MIPS_RUN, PLAIN), why=MIPS_WHY),
    no_barrier("mips-run-release", "weaken", (MIPS_RUN,), mips(MIPS_RUN, RELEASE), why=MIPS_WHY),
    no_barrier("mips-again-plain", "weaken", (MIPS_EXITED,), mips(MIPS_EXITED, PLAIN), why=MIPS_WHY),
    no_barrier(
        "mips-again-store-barrier",
        "weaken",
        (MIPS_EXITED,),
        mips(MIPS_EXITED, f"{PLAIN} smp_wmb();"),
        why=MIPS_WHY,
    ),
    no_barrier(
        "mips-macro-for-both",
        "hide",
        (MIPS_RUN, MIPS_EXITED),
        Above(MIPS, "kvm_mips_vcpu_enter_exit", f"#define announce_guest(vcpu) do {{ {PLAIN} }} while (0)"),
        mips(MIPS_RUN, "announce_guest(vcpu);"),
        mips(MIPS_EXITED, "announce_guest(vcpu);"),
        why=MIPS_WHY,
    ),
)

PPC_WHY = f"{LATE} kvm_make_all_cpus_request() sees OUTSIDE and sends no IPI."
POWERPC_MUTANTS = (
    no_barrier("powerpc-deleted", "delete", (PREPARE,), powerpc("smp_mb();", ""), why=PPC_WHY),
    no_barrier(
        "powerpc-store-barrier", "weaken", (PREPARE,), powerpc("smp_mb();", "smp_wmb();"), why=PPC_WHY
    ),
    no_barrier(
        "powerpc-lwsync",
        "weaken",
        (PREPARE,),
        powerpc("smp_mb();", "__lwsync();"),
        why=f"{LATE} lwsync orders everything but a store with a later load.",
    ),
    no_barrier(
        "powerpc-isync",
        "weaken",
        (PREPARE,),
        powerpc("smp_mb();", "isync();"),
        why=f"{LATE} isync does not wait for the store.",
    ),
    no_barrier(
        "powerpc-release",
        "weaken",
        (PREPARE,),
        powerpc(PPC_MODE, RELEASE),
        powerpc("smp_mb();", ""),
        why=PPC_WHY,
    ),
    no_barrier(
        "powerpc-barrier-above-the-mode",
        "swap",
        (PREPARE,),
        powerpc("smp_mb();", ""),
        powerpc(PPC_MODE, f"smp_mb(); {PPC_MODE}"),
        why=PPC_WHY,
    ),
    no_barrier(
        "powerpc-only-on-power8",
        "branch",
        (PREPARE,),
        powerpc("smp_mb();", "if (cpu_has_feature(CPU_FTR_ARCH_207S)) smp_mb();"),
        why=PPC_WHY,
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

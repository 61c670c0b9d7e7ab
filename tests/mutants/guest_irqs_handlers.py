"""KICK005 where an exit handler goes back to the guest: loongarch, mips, powerpc."""

from __future__ import annotations

from kernel_edits import Replace

from mutants.guest_irqs import AT_WRITE, OFF, STAY_ON, opened, window
from mutants.guest_places import (
    BOOKE,
    BOOKE_EXITED,
    BOOKE_RUN,
    CORE_PREPARE,
    LOONGARCH,
    LOONGARCH_EXITED,
    LOONGARCH_MODE,
    LOONGARCH_PRE,
    LOONGARCH_RUN,
    MIPS,
    MIPS_EXITED,
    MIPS_MODE,
    MIPS_RUN,
    POWERPC,
    PR,
    PR_EXITED,
    PR_RUN,
    PREPARE,
    VZ,
    VZ_REENTER,
    VZ_RUN,
)


def loongarch(function: str, pattern: str, replacement: str) -> Replace:
    return Replace(LOONGARCH, function, pattern, replacement)


def mips(function: str, pattern: str, replacement: str) -> Replace:
    return Replace(MIPS, function, pattern, replacement)


LOONGARCH_MUTANTS = (
    window(
        "loongarch-deleted",
        "delete",
        (LOONGARCH_PRE,),
        loongarch(LOONGARCH_PRE, OFF, ""),
        why=STAY_ON,
    ),
    window(
        "loongarch-mode-above",
        "swap",
        (LOONGARCH_PRE,),
        loongarch(LOONGARCH_PRE, LOONGARCH_MODE, ""),
        loongarch(LOONGARCH_PRE, OFF, f"{LOONGARCH_MODE} {OFF}"),
        why=AT_WRITE,
    ),
    window(
        "loongarch-preemption-only",
        "weaken",
        (LOONGARCH_PRE,),
        loongarch(LOONGARCH_PRE, OFF, "preempt_disable();"),
        why=STAY_ON,
    ),
    window(
        "loongarch-on-before-the-first-entry",
        "open",
        (LOONGARCH_RUN, LOONGARCH_PRE),
        loongarch(LOONGARCH_RUN, "trace_kvm_enter(vcpu);", opened("trace_kvm_enter(vcpu);")),
    ),
    window(
        "loongarch-on-before-the-next-entry",
        "open",
        (LOONGARCH_EXITED, LOONGARCH_PRE),
        loongarch(LOONGARCH_EXITED, "trace_kvm_reenter(vcpu);", opened("trace_kvm_reenter(vcpu);")),
    ),
    window(
        "loongarch-unlock-irq-in-the-late-check",
        "hide",
        ("kvm_late_check_requests", LOONGARCH_PRE),
        loongarch(
            "kvm_late_check_requests",
            "kvm_flush_tlb_gpa(vcpu, vcpu->arch.flush_gpa);",
            "spin_lock_irq(&vcpu->kvm->mmu_lock); kvm_flush_tlb_gpa(vcpu, vcpu->arch.flush_gpa); "
            "spin_unlock_irq(&vcpu->kvm->mmu_lock);",
        ),
        why=STAY_ON,
    ),
)

MIPS_OFF = f"{OFF} guest_timing_enter_irqoff();"
LOAD_WIRED = "kvm_vz_vcpu_load_wired(vcpu);"
MIPS_MUTANTS = (
    window(
        "mips-deleted",
        "delete",
        (MIPS_RUN,),
        mips(MIPS_RUN, MIPS_OFF, "guest_timing_enter_irqoff();"),
        why=STAY_ON,
    ),
    window(
        "mips-deleted-after-the-exit",
        "delete",
        (MIPS_EXITED,),
        mips(MIPS_EXITED, OFF, ""),
        why="The exit handler enabled interrupts; they are on at the write and until the guest runs again.",
    ),
    window(
        "mips-mode-above",
        "swap",
        (MIPS_RUN,),
        mips(MIPS_RUN, MIPS_MODE, ""),
        mips(MIPS_RUN, MIPS_OFF, f"{MIPS_MODE} {MIPS_OFF}"),
        why=AT_WRITE,
    ),
    window(
        "mips-preemption-only-after-the-exit",
        "weaken",
        (MIPS_EXITED,),
        mips(MIPS_EXITED, OFF, "preempt_disable();"),
        why=STAY_ON,
    ),
    window(
        "mips-vz-run",
        "split",
        (VZ_RUN, MIPS_RUN, "kvm_mips_vcpu_enter_exit"),
        Replace(VZ, VZ_RUN, LOAD_WIRED, opened(LOAD_WIRED)),
    ),
    window(
        "mips-vz-reenter",
        "split",
        (VZ_REENTER, MIPS_EXITED),
        Replace(VZ, VZ_REENTER, LOAD_WIRED, f"{{ {opened(LOAD_WIRED)} }}"),
    ),
    window(
        "mips-on-for-the-fpu",
        "branch",
        (MIPS_EXITED,),
        mips(
            MIPS_EXITED,
            "__kvm_restore_fcsr(&vcpu->arch);",
            f"{{ {opened('__kvm_restore_fcsr(&vcpu->arch);')} }}",
        ),
    ),
)

HARD_OFF = "hard_irq_disable();"
POWERPC_MUTANTS = (
    window(
        "powerpc-deleted",
        "delete",
        (PREPARE,),
        Replace(POWERPC, PREPARE, f"WARN_ON(irqs_disabled()); {HARD_OFF}", "WARN_ON(irqs_disabled());"),
        why=STAY_ON,
    ),
    window(
        "powerpc-on-after-resched",
        "branch",
        (PREPARE,),
        Replace(POWERPC, PREPARE, f"cond_resched(); {HARD_OFF} continue;", "cond_resched(); continue;"),
        why="After one cond_resched() the loop comes round with interrupts on and enters the guest so.",
    ),
    window(
        "powerpc-on-after-the-requests",
        "branch",
        (PREPARE,),
        Replace(
            POWERPC,
            PREPARE,
            f"r = kvmppc_core_check_requests(vcpu); {HARD_OFF}",
            "r = kvmppc_core_check_requests(vcpu);",
        ),
        why="Whoever handled a request comes round with interrupts on and enters the guest so.",
    ),
    window(
        "powerpc-booke-on-after-halt",
        "branch",
        (CORE_PREPARE, PREPARE),
        Replace(BOOKE, CORE_PREPARE, HARD_OFF, ""),
        why="After a halt of the guest the loop comes round with interrupts on and enters the guest so.",
    ),
    window(
        "powerpc-booke-halt-goes-on",
        "split",
        (CORE_PREPARE, PREPARE),
        Replace(BOOKE, CORE_PREPARE, "EMULATED_MTMSRWE_EXITS); r = 1;", "EMULATED_MTMSRWE_EXITS);"),
        why="Interrupts were on behind the test of the requests, and the caller is not told to begin again.",
    ),
    window(
        "powerpc-booke-on-for-the-fpu",
        "open",
        (BOOKE_RUN,),
        Replace(BOOKE, BOOKE_RUN, "enable_kernel_fp();", opened("enable_kernel_fp();", HARD_OFF)),
    ),
    window(
        "powerpc-booke-on-before-the-next-entry",
        "open",
        (BOOKE_EXITED,),
        Replace(
            BOOKE,
            BOOKE_EXITED,
            "kvmppc_fix_ee_before_entry();",
            f"{opened('kvmppc_load_guest_fp(vcpu);', HARD_OFF)} kvmppc_fix_ee_before_entry();",
        ),
    ),
    window(
        "powerpc-pr-on-for-giveup",
        "open",
        (PR_RUN,),
        Replace(PR, PR_RUN, "giveup_all(current);", opened("giveup_all(current);", HARD_OFF)),
    ),
    window(
        "powerpc-pr-on-before-the-next-entry",
        "open",
        (PR_EXITED,),
        Replace(
            PR,
            PR_EXITED,
            "kvmppc_fix_ee_before_entry();",
            f"{opened('cond_resched();', HARD_OFF)} kvmppc_fix_ee_before_entry();",
        ),
    ),
)

MUTANTS = (*LOONGARCH_MUTANTS, *MIPS_MUTANTS, *POWERPC_MUTANTS)

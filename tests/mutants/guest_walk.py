"""KICK015: READING_SHADOW_PAGE_TABLES without interrupts off, a full barrier, and a release at the end."""

from __future__ import annotations

from kernel_edits import Above, Edit, Replace

from mutants.guest_places import KVM_HOST, MMU
from mutants.model import Mutant

BEGIN = "walk_shadow_page_lockless_begin"
END = "walk_shadow_page_lockless_end"
FAST = "fast_page_fault"
SPTES = "get_sptes_lockless"
FLOOD = "shadow_page_table_clear_flood"
READING = "smp_store_mb(vcpu->mode, READING_SHADOW_PAGE_TABLES);"
PLAIN = "WRITE_ONCE(vcpu->mode, READING_SHADOW_PAGE_TABLES);"
RELEASE = "smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE);"
OFF = "local_irq_disable();"
ON = "local_irq_enable();"
EARLY = "An spte is read before the mode is seen: kvm_flush_remote_tlbs() sees OUTSIDE and the page is freed."
TAKEN = (
    "With interrupts on the IPI of kvm_flush_remote_tlbs() is answered in the walk, and its page is freed."
)
LATE = "A read of an spte may come after the write of OUTSIDE, when the page may be freed."
OPEN = "This way ends the walk without its end: interrupts stay off and the mode stays READING."


def walk(name: str, operator: str, functions: tuple[str, ...], *edits: Edit, why: str) -> Mutant:
    """The mutant of KICK015 called ``name``."""
    return Mutant(f"x86-kick015-{name}", "KICK015", "x86", functions, operator, edits, why)


def mmu(function: str, pattern: str, replacement: str) -> Replace:
    return Replace(MMU, function, pattern, replacement)


MUTANTS = (
    walk("begin-irqs-on", "delete", (BEGIN,), mmu(BEGIN, OFF, ""), why=TAKEN),
    walk(
        "begin-irqs-off-below-the-mode",
        "swap",
        (BEGIN,),
        mmu(BEGIN, OFF, ""),
        mmu(BEGIN, READING, f"{READING} {OFF}"),
        why="The thread can be moved with the mode READING, and the IPI goes to the CPU where it was.",
    ),
    walk("begin-preemption-only", "weaken", (BEGIN,), mmu(BEGIN, OFF, "preempt_disable();"), why=TAKEN),
    walk("begin-plain", "weaken", (BEGIN,), mmu(BEGIN, READING, PLAIN), why=EARLY),
    walk(
        "begin-release",
        "weaken",
        (BEGIN,),
        mmu(BEGIN, READING, "smp_store_release(&vcpu->mode, READING_SHADOW_PAGE_TABLES);"),
        why=EARLY,
    ),
    walk("begin-store-barrier", "weaken", (BEGIN,), mmu(BEGIN, READING, f"{PLAIN} smp_wmb();"), why=EARLY),
    walk("begin-load-barrier", "weaken", (BEGIN,), mmu(BEGIN, READING, f"{PLAIN} smp_rmb();"), why=EARLY),
    walk("begin-barrier-above", "swap", (BEGIN,), mmu(BEGIN, READING, f"smp_mb(); {PLAIN}"), why=EARLY),
    walk(
        "begin-restores-the-irqs",
        "open",
        (BEGIN,),
        mmu(BEGIN, OFF, "unsigned long flags; local_irq_save(flags);"),
        mmu(BEGIN, READING, f"{READING} local_irq_restore(flags);"),
        why=TAKEN,
    ),
    walk(
        "begin-helper-in-a-header",
        "split",
        (BEGIN, "kvm_vcpu_store_mode"),
        Above(
            KVM_HOST,
            "kvm_vcpu_exiting_guest_mode",
            "static inline void kvm_vcpu_store_mode(struct kvm_vcpu *vcpu, int mode)\n"
            "{\n\tsmp_store_release(&vcpu->mode, mode);\n}",
        ),
        mmu(BEGIN, READING, "kvm_vcpu_store_mode(vcpu, READING_SHADOW_PAGE_TABLES);"),
        mmu(END, RELEASE, "kvm_vcpu_store_mode(vcpu, OUTSIDE_GUEST_MODE);"),
        why=EARLY,
    ),
    walk(
        "begin-on-the-wrong-branch",
        "invert",
        (BEGIN, END, FAST, SPTES, FLOOD),
        mmu(BEGIN, "if (is_tdp_mmu_active(vcpu)) {", "if (!is_tdp_mmu_active(vcpu)) {"),
        why="Walks of shadow pages do not say READING, and those of the TDP MMU never take it back.",
    ),
    walk(
        "end-plain",
        "weaken",
        (END,),
        mmu(END, RELEASE, "WRITE_ONCE(vcpu->mode, OUTSIDE_GUEST_MODE);"),
        why=LATE,
    ),
    walk(
        "end-store-barrier",
        "weaken",
        (END,),
        mmu(END, RELEASE, "smp_wmb(); WRITE_ONCE(vcpu->mode, OUTSIDE_GUEST_MODE);"),
        why=LATE,
    ),
    walk(
        "end-barrier-below",
        "swap",
        (END,),
        mmu(END, RELEASE, "WRITE_ONCE(vcpu->mode, OUTSIDE_GUEST_MODE); smp_mb();"),
        why=LATE,
    ),
    walk(
        "end-irqs-above-the-release",
        "swap",
        (END,),
        mmu(END, ON, ""),
        mmu(END, RELEASE, f"{ON} {RELEASE}"),
        why="Interrupts come on while the mode still says that they are off.",
    ),
    walk(
        "end-forgets-the-mode",
        "delete",
        (END,),
        mmu(END, RELEASE, ""),
        why="The mode stays READING_SHADOW_PAGE_TABLES: every flush waits for a walk that is over.",
    ),
    walk(
        "end-only-without-requests",
        "branch",
        (END,),
        mmu(END, RELEASE, f"if (!kvm_request_pending(vcpu)) {RELEASE}"),
        why="With a request pending the mode stays READING_SHADOW_PAGE_TABLES and interrupts come on.",
    ),
    walk(
        "fast-page-fault-returns-early",
        "branch",
        (FAST,),
        mmu(FAST, "spte = FROZEN_SPTE;", "return RET_PF_INVALID;"),
        why=OPEN,
    ),
    walk(
        "fast-page-fault-reschedules",
        "open",
        (FAST,),
        mmu(
            FAST,
            "if (++retry_count > 4) {",
            f"if (need_resched()) {{ {ON} cond_resched(); {OFF} }} if (++retry_count > 4) {{",
        ),
        why=TAKEN,
    ),
    walk(
        "sptes-returns-early",
        "branch",
        (SPTES,),
        mmu(
            SPTES,
            "leaf = get_walk(vcpu, addr, sptes, root_level);",
            "{ leaf = get_walk(vcpu, addr, sptes, root_level); if (leaf < 0) return leaf; }",
        ),
        why=OPEN,
    ),
    walk(
        "flood-unlock-irq-in-a-helper",
        "hide",
        (FLOOD, "clear_flood_count_locked"),
        Above(
            MMU,
            FLOOD,
            "static void clear_flood_count_locked(struct kvm_vcpu *vcpu, u64 *sptep)\n{\n"
            "\tspin_lock_irq(&vcpu->async_pf.lock);\n\tclear_sp_write_flooding_count(sptep);\n"
            "\tspin_unlock_irq(&vcpu->async_pf.lock);\n}",
        ),
        mmu(
            FLOOD,
            "clear_sp_write_flooding_count(iterator.sptep);",
            "clear_flood_count_locked(vcpu, iterator.sptep);",
        ),
        why="spin_unlock_irq() turns interrupts on in the middle of the walk, behind the first spte.",
    ),
)

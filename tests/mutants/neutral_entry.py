"""Edits without meaning on the vCPU's side, on x86 and arm64."""

from __future__ import annotations

import re

from kernel_edits import X86, Above, Replace

from mutants.spelling import ARM, MMU, neutral

RUN = "vcpu_enter_guest"
EXIT = "kvm_vcpu_exit_request"
MODE = "smp_store_release(&vcpu->mode, IN_GUEST_MODE);"
IF_FIRST = "if (kvm_vcpu_exit_request(vcpu)) {"
IF_LOOP = "if (unlikely(kvm_vcpu_exit_request(vcpu))) {"
LOOP = re.compile(r"if \(unlikely\(kvm_vcpu_exit_request\(vcpu\)\)\) \{([^{}]*)\}")
X86_RETURN = (
    "return vcpu->mode == EXITING_GUEST_MODE || kvm_request_pending(vcpu) || "
    "xfer_to_guest_mode_work_pending();"
)
FLAGS = "run_flags = 0; if (req_immediate_exit) {"
OUTSIDE = "vcpu->mode = OUTSIDE_GUEST_MODE; smp_wmb();"
TIMING = "guest_timing_enter_irqoff();"
STRONGER = "the barrier is at least as strong as the one before"

X86_EDITS = (
    neutral(
        "x86-same-mode-store-mb",
        "x86",
        "barrier",
        Replace(X86, RUN, MODE, "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"),
        why=STRONGER,
    ),
    neutral(
        "x86-same-mode-xchg",
        "x86",
        "barrier",
        Replace(X86, RUN, MODE, "(void)xchg(&vcpu->mode, IN_GUEST_MODE);"),
        why=STRONGER,
    ),
    neutral(
        "x86-same-mode-explicit-barrier",
        "x86",
        "barrier",
        Replace(X86, RUN, MODE, "smp_mb(); WRITE_ONCE(vcpu->mode, IN_GUEST_MODE);"),
        Replace(X86, RUN, "smp_mb__after_srcu_read_unlock();", "smp_mb();"),
        why=STRONGER,
    ),
    neutral(
        "x86-same-mode-helper",
        "x86",
        "accessor",
        Above(
            X86,
            RUN,
            "static void vcpu_announce(struct kvm_vcpu *v, int mode)\n{\n"
            "\tsmp_store_release(&v->mode, mode);\n}",
        ),
        Replace(X86, RUN, MODE, "vcpu_announce(vcpu, IN_GUEST_MODE);"),
    ),
    neutral(
        "x86-same-first-bool",
        "x86",
        "bool",
        Replace(X86, RUN, IF_FIRST, "bool out = kvm_vcpu_exit_request(vcpu); if (out) {"),
    ),
    neutral(
        "x86-same-first-goto",
        "x86",
        "goto-for-if",
        Replace(X86, RUN, IF_FIRST, "if (!kvm_vcpu_exit_request(vcpu)) goto enter; {"),
        Replace(X86, RUN, FLAGS, f"enter: {FLAGS}"),
    ),
    neutral(
        "x86-same-first-alias",
        "x86",
        "alias",
        Replace(X86, RUN, IF_FIRST, "struct kvm_vcpu *self = vcpu; if (kvm_vcpu_exit_request(self)) {"),
    ),
    neutral(
        "x86-same-abort-macro",
        "x86",
        "macro",
        Above(X86, RUN, "#define vcpu_mode_outside(v)\tWRITE_ONCE((v)->mode, OUTSIDE_GUEST_MODE)"),
        Replace(X86, RUN, OUTSIDE, "vcpu_mode_outside(vcpu); smp_wmb();", 2),
    ),
    neutral(
        "x86-same-loop-negated-else",
        "x86",
        "invert",
        Replace(X86, RUN, LOOP, r"if (likely(!kvm_vcpu_exit_request(vcpu))) { ; } else {\1}"),
    ),
    neutral(
        "x86-same-loop-while",
        "x86",
        "loop",
        Replace(X86, RUN, "for (;;) {", "while (true) {"),
    ),
    neutral(
        "x86-same-loop-helper",
        "x86",
        "helper",
        Above(
            X86,
            RUN,
            "static bool vcpu_must_leave(struct kvm_vcpu *vcpu, fastpath_t *path)\n{\n"
            "\tif (!kvm_vcpu_exit_request(vcpu))\n\t\treturn false;\n"
            "\t*path = EXIT_FASTPATH_EXIT_HANDLED;\n\treturn true;\n}",
        ),
        Replace(X86, RUN, LOOP, "if (vcpu_must_leave(vcpu, &exit_fastpath)) break;"),
    ),
    neutral(
        "x86-same-loop-comma",
        "x86",
        "comma",
        Replace(X86, RUN, IF_LOOP, "if (((void)0, kvm_vcpu_exit_request(vcpu))) {"),
    ),
    neutral(
        "x86-same-exit-ifs",
        "x86",
        "ifs-for-or",
        Replace(
            X86,
            EXIT,
            X86_RETURN,
            "if (vcpu->mode == EXITING_GUEST_MODE) return true; if (kvm_request_pending(vcpu)) return true; "
            "return xfer_to_guest_mode_work_pending();",
        ),
    ),
    neutral(
        "x86-same-exit-ternary",
        "x86",
        "ternary",
        Replace(
            X86,
            EXIT,
            X86_RETURN,
            "return kvm_request_pending(vcpu) ? true : vcpu->mode == EXITING_GUEST_MODE || "
            "xfer_to_guest_mode_work_pending();",
        ),
    ),
    neutral(
        "x86-same-exit-accumulated",
        "x86",
        "bool",
        Replace(
            X86,
            EXIT,
            X86_RETURN,
            "bool out = vcpu->mode == EXITING_GUEST_MODE; out |= kvm_request_pending(vcpu); "
            "out |= xfer_to_guest_mode_work_pending(); return out;",
        ),
    ),
    neutral(
        "x86-same-exit-renamed",
        "x86",
        "rename",
        Replace(X86, EXIT, "kvm_vcpu_exit_request(", "vcpu_has_to_exit("),
        Replace(X86, RUN, "kvm_vcpu_exit_request(", "vcpu_has_to_exit(", 2),
        renamed=(("vcpu_has_to_exit", "kvm_vcpu_exit_request"),),
    ),
    neutral(
        "x86-same-irq-pair-inside",
        "x86",
        "irq-pair",
        Replace(
            X86,
            RUN,
            TIMING,
            "unsigned long irqs; local_irq_save(irqs); guest_timing_enter_irqoff(); local_irq_restore(irqs);",
        ),
        why="interrupts are off before, and off after",
    ),
    neutral(
        "x86-same-irq-guard-inside",
        "x86",
        "guard",
        Replace(X86, RUN, TIMING, "scoped_guard(irqsave) { guest_timing_enter_irqoff(); }"),
        why="interrupts are off before, and off after",
    ),
    neutral(
        "x86-same-walk-explicit-barrier",
        "x86",
        "barrier",
        Replace(
            MMU,
            "walk_shadow_page_lockless_begin",
            "smp_store_mb(vcpu->mode, READING_SHADOW_PAGE_TABLES);",
            "WRITE_ONCE(vcpu->mode, READING_SHADOW_PAGE_TABLES); smp_mb();",
        ),
    ),
    neutral(
        "x86-same-walk-inverted",
        "x86",
        "invert",
        Replace(
            MMU,
            "walk_shadow_page_lockless_end",
            "if (is_tdp_mmu_active(vcpu)) { kvm_tdp_mmu_walk_lockless_end(); } else {",
            "if (is_tdp_mmu_active(vcpu)) { kvm_tdp_mmu_walk_lockless_end(); return; } {",
        ),
    ),
)

ARM_RUN = "kvm_arch_vcpu_ioctl_run"
ARM_MODE = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
ARM_IF = "if (ret <= 0 || kvm_vcpu_exit_request(vcpu, &ret)) {"
ARM_RETURN = "return kvm_request_pending(vcpu) || xfer_to_guest_mode_work_pending();"
ARM_OUTSIDE = "smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE);"
ARM_CHECK = "check_vcpu_requests"
PENDING = re.compile(r"if \(kvm_request_pending\(vcpu\)\) \{(.*)\n\t\}(\s+return 1;)", re.DOTALL)

ARM64 = (
    neutral(
        "arm64-same-mode-explicit-barrier",
        "arm64",
        "barrier",
        Replace(ARM, ARM_RUN, ARM_MODE, "WRITE_ONCE(vcpu->mode, IN_GUEST_MODE); smp_mb();"),
    ),
    neutral(
        "arm64-same-mode-xchg",
        "arm64",
        "barrier",
        Replace(ARM, ARM_RUN, ARM_MODE, "xchg(&vcpu->mode, IN_GUEST_MODE);"),
    ),
    neutral(
        "arm64-same-mode-macro",
        "arm64",
        "macro",
        Above(ARM, ARM_RUN, "#define vcpu_publish_mode(v, m)\tsmp_store_mb((v)->mode, m)"),
        Replace(ARM, ARM_RUN, ARM_MODE, "vcpu_publish_mode(vcpu, IN_GUEST_MODE);"),
    ),
    neutral(
        "arm64-same-test-bool",
        "arm64",
        "bool",
        Replace(
            ARM,
            ARM_RUN,
            ARM_IF,
            "bool out = ret <= 0; if (!out) out = kvm_vcpu_exit_request(vcpu, &ret); if (out) {",
        ),
    ),
    neutral(
        "arm64-same-test-goto",
        "arm64",
        "goto-for-if",
        Replace(
            ARM,
            ARM_RUN,
            ARM_IF,
            "if (ret <= 0) goto abort; if (kvm_vcpu_exit_request(vcpu, &ret)) { abort:",
        ),
    ),
    neutral(
        "arm64-same-test-inverted",
        "arm64",
        "invert",
        Replace(ARM, ARM_RUN, ARM_IF, "if (!(ret > 0 && !kvm_vcpu_exit_request(vcpu, &ret))) {"),
    ),
    neutral(
        "arm64-same-exit-ifs",
        "arm64",
        "ifs-for-or",
        Replace(
            ARM,
            EXIT,
            ARM_RETURN,
            "if (kvm_request_pending(vcpu)) return true; return xfer_to_guest_mode_work_pending();",
        ),
    ),
    neutral(
        "arm64-same-exit-swapped",
        "arm64",
        "swap",
        Replace(
            ARM, EXIT, ARM_RETURN, "return xfer_to_guest_mode_work_pending() || kvm_request_pending(vcpu);"
        ),
        why="either of the two is enough, and neither changes what the other reads",
    ),
    neutral(
        "arm64-same-exit-renamed",
        "arm64",
        "rename",
        Replace(ARM, EXIT, "kvm_vcpu_exit_request(", "vcpu_cannot_enter("),
        Replace(ARM, ARM_RUN, "kvm_vcpu_exit_request(", "vcpu_cannot_enter("),
        renamed=(("vcpu_cannot_enter", "kvm_vcpu_exit_request"),),
    ),
    neutral(
        "arm64-same-abort-helper",
        "arm64",
        "split",
        Above(
            ARM,
            ARM_RUN,
            "static void vcpu_leave_guest_mode(struct kvm_vcpu *vcpu)\n{\n"
            f"\t{ARM_OUTSIDE}\n\tlocal_irq_enable();\n\tpreempt_enable();\n}}",
        ),
        Replace(
            ARM,
            ARM_RUN,
            f"{ARM_OUTSIDE} local_irq_enable(); preempt_enable(); continue;",
            "vcpu_leave_guest_mode(vcpu); continue;",
        ),
    ),
    neutral(
        "arm64-same-loop-for",
        "arm64",
        "loop",
        Replace(ARM, ARM_RUN, "while (ret > 0) {", "for (; ret > 0; ) {"),
    ),
    neutral(
        "arm64-same-requests-early-return",
        "arm64",
        "early-return",
        Replace(ARM, ARM_CHECK, PENDING, r"if (!kvm_request_pending(vcpu))\n\t\treturn 1;\1\2"),
    ),
    neutral(
        "arm64-same-irq-pair-inside",
        "arm64",
        "irq-pair",
        Replace(
            ARM,
            ARM_RUN,
            "kvm_vgic_flush_hwstate(vcpu);",
            "unsigned long irqs; local_irq_save(irqs); "
            "kvm_vgic_flush_hwstate(vcpu); local_irq_restore(irqs);",
        ),
        why="interrupts are off before, and off after",
    ),
    neutral(
        "arm64-same-transient-irqs-inverted",
        "arm64",
        "invert",
        Replace(
            ARM,
            ARM_RUN,
            "if (ARM_EXCEPTION_CODE(ret) == ARM_EXCEPTION_IRQ) {",
            "if (ARM_EXCEPTION_CODE(ret) != ARM_EXCEPTION_IRQ) { ; } else {",
        ),
    ),
    neutral(
        "arm64-same-enter-alias",
        "arm64",
        "alias",
        Replace(
            ARM,
            "kvm_arm_vcpu_enter_exit",
            "ret = kvm_call_hyp_ret(__kvm_vcpu_run, vcpu);",
            "struct kvm_vcpu *v = vcpu; ret = kvm_call_hyp_ret(__kvm_vcpu_run, v);",
        ),
    ),
)

NEUTRAL = (*X86_EDITS, *ARM64)

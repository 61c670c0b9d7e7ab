"""Edits without meaning on the vCPU's side, on riscv, loongarch and mips."""

from __future__ import annotations

import re

from kernel_edits import Above, Replace

from mutants.spelling import (
    LOONG,
    MIPS,
    MIPS_VZ,
    RISCV,
    neutral,
)

OFF_BEFORE = "interrupts are off before, and off after"
STRONGER = "the barrier is at least as strong as the one before"
STORE_MB = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
EXPLICIT = "WRITE_ONCE(vcpu->mode, IN_GUEST_MODE); smp_mb();"
TIMING = "guest_timing_enter_irqoff();"

RISCV_RUN = "kvm_arch_vcpu_ioctl_run"
RISCV_MODE = "vcpu->mode = IN_GUEST_MODE;"
RISCV_OUTSIDE = "vcpu->mode = OUTSIDE_GUEST_MODE;"
RISCV_CHECK = "kvm_riscv_check_vcpu_requests"
RISCV_IF = (
    "if (kvm_riscv_gstage_vmid_ver_changed(&vcpu->kvm->arch.vmid) || kvm_request_pending(vcpu) || "
    "xfer_to_guest_mode_work_pending()) {"
)

RISCV_EDITS = (
    neutral(
        "riscv-same-mode-store-mb",
        "riscv",
        "barrier",
        Replace(RISCV, RISCV_RUN, RISCV_MODE, STORE_MB),
        why=STRONGER,
    ),
    neutral(
        "riscv-same-mode-once",
        "riscv",
        "spelling",
        Replace(RISCV, RISCV_RUN, RISCV_MODE, "WRITE_ONCE(vcpu->mode, IN_GUEST_MODE);"),
        Replace(RISCV, RISCV_RUN, "smp_mb__after_srcu_read_unlock();", "smp_mb();"),
    ),
    neutral(
        "riscv-same-mode-accessor",
        "riscv",
        "accessor",
        Above(
            RISCV,
            RISCV_RUN,
            "static void vcpu_set_mode(struct kvm_vcpu *v, int mode)\n{\n\tWRITE_ONCE(v->mode, mode);\n}",
        ),
        Replace(RISCV, RISCV_RUN, RISCV_MODE, "vcpu_set_mode(vcpu, IN_GUEST_MODE);"),
        Replace(RISCV, RISCV_RUN, RISCV_OUTSIDE, "vcpu_set_mode(vcpu, OUTSIDE_GUEST_MODE);", 2),
    ),
    neutral(
        "riscv-same-test-bools",
        "riscv",
        "bool",
        Replace(
            RISCV,
            RISCV_RUN,
            RISCV_IF,
            "bool stale = kvm_riscv_gstage_vmid_ver_changed(&vcpu->kvm->arch.vmid); "
            "bool asked = kvm_request_pending(vcpu); bool work = xfer_to_guest_mode_work_pending(); "
            "if (stale || asked || work) {",
        ),
    ),
    neutral(
        "riscv-same-test-helper",
        "riscv",
        "helper",
        Above(
            RISCV,
            RISCV_RUN,
            "static bool vcpu_must_not_enter(struct kvm_vcpu *v)\n{\n"
            "\tif (kvm_riscv_gstage_vmid_ver_changed(&v->kvm->arch.vmid))\n\t\treturn true;\n"
            "\tif (xfer_to_guest_mode_work_pending())\n\t\treturn true;\n"
            "\treturn kvm_request_pending(v);\n}",
        ),
        Replace(RISCV, RISCV_RUN, RISCV_IF, "if (vcpu_must_not_enter(vcpu)) {"),
    ),
    neutral(
        "riscv-same-test-inverted",
        "riscv",
        "invert",
        Replace(
            RISCV,
            RISCV_RUN,
            RISCV_IF,
            "if (!kvm_riscv_gstage_vmid_ver_changed(&vcpu->kvm->arch.vmid) && !kvm_request_pending(vcpu) && "
            "!xfer_to_guest_mode_work_pending()) { ; } else {",
        ),
    ),
    neutral(
        "riscv-same-check-early-return",
        "riscv",
        "early-return",
        Replace(
            RISCV,
            RISCV_CHECK,
            "if (kvm_request_pending(vcpu)) {",
            "if (!kvm_request_pending(vcpu)) return; {",
        ),
    ),
    neutral(
        "riscv-same-enter-split",
        "riscv",
        "split",
        Above(
            RISCV,
            "kvm_riscv_vcpu_enter_exit",
            "static __always_inline void kvm_riscv_switch(struct kvm_vcpu *vcpu)\n{\n"
            "\tguest_state_enter_irqoff();\n\t__kvm_riscv_switch_to(&vcpu->arch);\n}",
        ),
        Replace(
            RISCV,
            "kvm_riscv_vcpu_enter_exit",
            "guest_state_enter_irqoff(); __kvm_riscv_switch_to(&vcpu->arch);",
            "kvm_riscv_switch(vcpu);",
        ),
    ),
    neutral(
        "riscv-same-irq-guard-inside",
        "riscv",
        "guard",
        Replace(RISCV, RISCV_RUN, TIMING, "scoped_guard(irqsave) { guest_timing_enter_irqoff(); }"),
        why=OFF_BEFORE,
    ),
)

PRE = "kvm_pre_enter_guest"
LOONG_IF = "if (kvm_request_pending(vcpu) || xfer_to_guest_mode_work_pending()) {"
LOONG_EDITS = (
    neutral(
        "loongarch-same-mode-explicit-barrier",
        "loongarch",
        "barrier",
        Replace(LOONG, PRE, STORE_MB, EXPLICIT),
    ),
    neutral(
        "loongarch-same-mode-xchg",
        "loongarch",
        "barrier",
        Replace(LOONG, PRE, STORE_MB, "xchg(&vcpu->mode, IN_GUEST_MODE);"),
    ),
    neutral(
        "loongarch-same-test-bool",
        "loongarch",
        "bool",
        Replace(
            LOONG,
            PRE,
            LOONG_IF,
            "bool again = kvm_request_pending(vcpu); "
            "again |= xfer_to_guest_mode_work_pending(); if (again) {",
        ),
    ),
    neutral(
        "loongarch-same-pre-renamed",
        "loongarch",
        "rename",
        Replace(LOONG, PRE, f"{PRE}(", "kvm_ready_to_enter("),
        Replace(LOONG, "kvm_handle_exit", f"{PRE}(", "kvm_ready_to_enter("),
        Replace(LOONG, "kvm_arch_vcpu_ioctl_run", f"{PRE}(", "kvm_ready_to_enter("),
        renamed=(("kvm_ready_to_enter", PRE),),
    ),
    neutral(
        "loongarch-same-late-nested",
        "loongarch",
        "invert",
        Replace(
            LOONG,
            "kvm_late_check_requests",
            re.compile(r"if \(!kvm_request_pending\(vcpu\)\)\s+return;(.*)\n\}$", re.DOTALL),
            r"if (kvm_request_pending(vcpu)) {\1\n\t}\n}",
        ),
    ),
    neutral(
        "loongarch-same-irq-pair-inside",
        "loongarch",
        "irq-pair",
        Replace(
            LOONG,
            PRE,
            "kvm_deliver_exception(vcpu);",
            "unsigned long irqs; local_irq_save(irqs); kvm_deliver_exception(vcpu); local_irq_restore(irqs);",
        ),
        why=OFF_BEFORE,
    ),
    neutral(
        "loongarch-same-loop-for",
        "loongarch",
        "loop",
        Replace(LOONG, PRE, "do {", "for (;;) {"),
        Replace(LOONG, PRE, "} while (ret != RESUME_GUEST);", "if (ret == RESUME_GUEST) break; }"),
    ),
)

MIPS_EDITS = (
    neutral(
        "mips-same-mode-explicit-barrier",
        "mips",
        "barrier",
        Replace(MIPS, "kvm_arch_vcpu_ioctl_run", STORE_MB, EXPLICIT),
        Replace(MIPS, "__kvm_mips_handle_exit", STORE_MB, EXPLICIT),
    ),
    neutral(
        "mips-same-mode-xchg",
        "mips",
        "barrier",
        Replace(MIPS, "kvm_arch_vcpu_ioctl_run", STORE_MB, "(void)xchg(&vcpu->mode, IN_GUEST_MODE);"),
    ),
    neutral(
        "mips-same-enter-alias",
        "mips",
        "alias",
        Replace(
            MIPS,
            "kvm_mips_vcpu_enter_exit",
            "ret = kvm_mips_callbacks->vcpu_run(vcpu);",
            "struct kvm_vcpu *v = vcpu; ret = kvm_mips_callbacks->vcpu_run(v);",
        ),
    ),
    neutral(
        "mips-same-check-nested",
        "mips",
        "invert",
        Replace(
            MIPS_VZ,
            "kvm_vz_check_requests",
            re.compile(r"if \(!kvm_request_pending\(vcpu\)\)\s+return 0;(.*)(\n\treturn ret;)", re.DOTALL),
            r"if (kvm_request_pending(vcpu)) {\1\n\t}\2",
        ),
    ),
    neutral(
        "mips-same-trace-between",
        "mips",
        "extra-statements",
        Replace(
            MIPS,
            "kvm_arch_vcpu_ioctl_run",
            STORE_MB,
            f'pr_debug("in\\n"); {STORE_MB}',
        ),
    ),
)

NEUTRAL = (*RISCV_EDITS, *LOONG_EDITS, *MIPS_EDITS)

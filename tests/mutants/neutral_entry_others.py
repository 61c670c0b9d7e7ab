"""Edits without meaning on the vCPU's side, on powerpc and s390."""

from __future__ import annotations

import re

from kernel_edits import Above, Replace

from mutants.spelling import (
    BOOK3S_HV,
    BOOK3S_PR,
    BOOKE,
    PPC,
    S390,
    VSIE,
    neutral,
)

OFF_BEFORE = "interrupts are off before, and off after"
STRONGER = "the barrier is at least as strong as the one before"
STORE_MB = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
EXPLICIT = "WRITE_ONCE(vcpu->mode, IN_GUEST_MODE); smp_mb();"

PREPARE = "kvmppc_prepare_to_enter"
PPC_IF = "if (kvm_request_pending(vcpu)) {"
PPC_EDITS = (
    neutral(
        "powerpc-same-mode-store-mb",
        "powerpc",
        "barrier",
        Replace(PPC, PREPARE, "vcpu->mode = IN_GUEST_MODE;", ""),
        Replace(PPC, PREPARE, "smp_mb();", STORE_MB),
    ),
    neutral(
        "powerpc-same-loop-for",
        "powerpc",
        "loop",
        Replace(PPC, PREPARE, "while (true) {", "for (;;) {"),
    ),
    neutral(
        "powerpc-same-test-bool",
        "powerpc",
        "bool",
        Replace(PPC, PREPARE, PPC_IF, "const bool asked = kvm_request_pending(vcpu); if (asked) {"),
    ),
    neutral(
        "powerpc-same-test-goto",
        "powerpc",
        "goto-for-if",
        Replace(PPC, PREPARE, PPC_IF, "if (!kvm_request_pending(vcpu)) goto quiet; {"),
        Replace(
            PPC,
            PREPARE,
            "if (kvmppc_core_prepare_to_enter(vcpu)) {",
            "quiet: if (kvmppc_core_prepare_to_enter(vcpu)) {",
        ),
    ),
    neutral(
        "powerpc-same-booke-outside-once",
        "powerpc",
        "spelling",
        Replace(
            BOOKE,
            "kvmppc_vcpu_run",
            "vcpu->mode = OUTSIDE_GUEST_MODE;",
            "WRITE_ONCE(vcpu->mode, OUTSIDE_GUEST_MODE);",
        ),
    ),
    neutral(
        "powerpc-same-pr-const",
        "powerpc",
        "spelling",
        Replace(
            BOOK3S_PR,
            "kvmppc_core_check_requests_pr",
            "int r = 1; /* Indicate we want to get back into the guest */",
            "const int r = 1;",
        ),
    ),
    neutral(
        "powerpc-same-hv-barrier-helper",
        "powerpc",
        "helper",
        Above(BOOK3S_HV, "kvmhv_run_single_vcpu", "static void hv_publish_cpu(void)\n{\n\tsmp_mb();\n}"),
        Replace(
            BOOK3S_HV,
            "kvmhv_run_single_vcpu",
            re.compile(r"smp_mb\(\);(\s+if \(!nested\))"),
            r"hv_publish_cpu();\1",
        ),
    ),
    neutral(
        "powerpc-same-hv-kick-local",
        "powerpc",
        "temporary",
        Replace(
            BOOK3S_HV,
            "kvmppc_fast_vcpu_kick_hv",
            "if (rcuwait_wake_up(waitp))",
            "int woken = rcuwait_wake_up(waitp); if (woken)",
        ),
    ),
)

SIE = "if (!kvm_s390_vcpu_sie_inhibited(vcpu))"
S390_EDITS = (
    neutral(
        "s390-same-vsie-guard",
        "s390",
        "guard",
        Replace(
            VSIE,
            "do_vsie_run",
            "local_irq_disable(); guest_enter_irqoff(); local_irq_enable();",
            "scoped_guard(irq) { guest_enter_irqoff(); }",
        ),
    ),
    neutral(
        "s390-same-vsie-bool",
        "s390",
        "bool",
        Replace(VSIE, "do_vsie_run", SIE, "bool barred = kvm_s390_vcpu_sie_inhibited(vcpu); if (!barred)"),
    ),
    neutral(
        "s390-same-vsie-inverted",
        "s390",
        "invert",
        Replace(VSIE, "do_vsie_run", SIE, "if (kvm_s390_vcpu_sie_inhibited(vcpu)) ; else"),
    ),
    neutral(
        "s390-same-vsie-full-barriers",
        "s390",
        "barrier",
        Replace(VSIE, "do_vsie_run", "barrier();", "smp_mb();", 2),
        why=STRONGER,
    ),
    neutral(
        "s390-same-handle-loop",
        "s390",
        "loop-for-goto",
        Replace(S390, "kvm_s390_handle_requests", "retry: kvm_s390", "for (;;) { kvm_s390"),
        Replace(S390, "kvm_s390_handle_requests", "goto retry;", "continue;", 7),
        Replace(S390, "kvm_s390_handle_requests", re.compile(r"return 0;\n\}$"), "return 0; }\n}"),
    ),
    neutral(
        "s390-same-handle-alias",
        "s390",
        "alias",
        Replace(
            S390,
            "kvm_s390_handle_requests",
            "if (kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu)) {",
            "struct kvm_vcpu *v = vcpu; if (kvm_check_request(KVM_REQ_TLB_FLUSH, v)) {",
        ),
    ),
    neutral(
        "s390-same-inhibited-spelled-out",
        "s390",
        "ifs-for-or",
        Replace(
            S390,
            "kvm_s390_vcpu_sie_inhibited",
            "return atomic_read(&vcpu->arch.sie_block->prog20) & (PROG_BLOCK_SIE | PROG_REQUEST);",
            "int flags = atomic_read(&vcpu->arch.sie_block->prog20); "
            "return (flags & PROG_BLOCK_SIE) || (flags & PROG_REQUEST);",
        ),
    ),
)

NEUTRAL = (*PPC_EDITS, *S390_EDITS)

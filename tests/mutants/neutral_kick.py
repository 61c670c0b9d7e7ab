"""Edits without meaning on the requester's side in generic code."""

from __future__ import annotations

import re

from kernel_edits import KVM_MAIN, Above, Replace

from mutants.spelling import (
    ASYNC_PF,
    HOST_H,
    neutral,
    request,
)

EVENT = request("EVENT")
UNBLOCK = request("UNBLOCK")
STRONGER = "the barrier is at least as strong as the one before"
KICK_FN = "kvm_vcpu_kick"
MAKE = "kvm_make_vcpu_request"
SELF = "if (vcpu == __this_cpu_read(kvm_running_vcpu)) {"
SHOULD = "if (kvm_arch_vcpu_should_kick(vcpu)) {"
CPU = "cpu = READ_ONCE(vcpu->cpu);"
SEND = "if (cpu != me && (unsigned)cpu < nr_cpu_ids && cpu_online(cpu)) smp_send_reschedule(cpu);"
MAKE_IF = "if (likely(!(req & KVM_REQUEST_NO_ACTION))) __kvm_make_request(req, vcpu);"
NEEDS = "kvm_request_needs_ipi"
NEEDS_END = re.compile(r"if \(req & KVM_REQUEST_WAIT\).*return mode == IN_GUEST_MODE;", re.DOTALL)
EXITING = "kvm_vcpu_exiting_guest_mode"
CMPXCHG = "return cmpxchg(&vcpu->mode, IN_GUEST_MODE, EXITING_GUEST_MODE);"
WHOLE = re.compile(r"\A.*\Z", re.DOTALL)
WAKE_UP = """bool kvm_vcpu_wake_up(struct kvm_vcpu *vcpu)
{
	if (!__kvm_vcpu_wake_up(vcpu))
		return false;
	WRITE_ONCE(vcpu->ready, true);
	++vcpu->stat.generic.halt_wakeup;
	return true;
}"""

KICKS = (
    neutral(
        "x86-same-kick-else",
        "x86",
        "else-for-goto",
        Replace(KVM_MAIN, KICK_FN, "goto out; }", "} else {"),
        Replace(KVM_MAIN, KICK_FN, "out: put_cpu();", "}\n\tput_cpu();"),
    ),
    neutral(
        "arm64-same-kick-renamed-local",
        "arm64",
        "rename",
        Replace(KVM_MAIN, KICK_FN, "int me, cpu;", "int me, target;"),
        Replace(
            KVM_MAIN,
            KICK_FN,
            f"{CPU} {SEND}",
            "target = READ_ONCE(vcpu->cpu); "
            "if (target != me && (unsigned)target < nr_cpu_ids && cpu_online(target)) "
            "smp_send_reschedule(target);",
        ),
    ),
    neutral(
        "riscv-same-kick-bool",
        "riscv",
        "bool",
        Replace(
            KVM_MAIN,
            KICK_FN,
            SELF,
            "bool self = vcpu == __this_cpu_read(kvm_running_vcpu); if (self) {",
        ),
    ),
    neutral(
        "loongarch-same-kick-helper",
        "loongarch",
        "helper",
        Above(
            KVM_MAIN,
            KICK_FN,
            "static void kvm_vcpu_send_ipi(struct kvm_vcpu *vcpu, int me)\n{\n"
            f"\tint cpu;\n\n\t{CPU}\n\t{SEND}\n}}",
        ),
        Replace(KVM_MAIN, KICK_FN, f"{CPU} {SEND}", "kvm_vcpu_send_ipi(vcpu, me);"),
        Replace(KVM_MAIN, KICK_FN, "int me, cpu;", "int me;"),
    ),
    neutral(
        "x86-same-kick-int",
        "x86",
        "bool",
        Replace(KVM_MAIN, KICK_FN, SHOULD, "int kick = kvm_arch_vcpu_should_kick(vcpu); if (kick != 0) {"),
    ),
    neutral(
        "arm64-same-kick-inverted",
        "arm64",
        "invert",
        Replace(
            KVM_MAIN,
            KICK_FN,
            f"{SHOULD} {CPU} {SEND} }}",
            f"if (!kvm_arch_vcpu_should_kick(vcpu)) goto out; {CPU} {SEND}",
        ),
    ),
    neutral(
        "powerpc-same-kick-alias",
        "powerpc",
        "alias",
        Replace(KVM_MAIN, KICK_FN, SHOULD, "struct kvm_vcpu *v = vcpu; if (kvm_arch_vcpu_should_kick(v)) {"),
    ),
    neutral(
        "x86-same-wake-moved",
        "x86",
        "move-file",
        Replace(KVM_MAIN, "kvm_vcpu_wake_up", WHOLE, ""),
        Above(ASYNC_PF, "kvm_async_pf_vcpu_init", WAKE_UP),
    ),
    neutral(
        "riscv-same-wake-early-return",
        "riscv",
        "early-return",
        Replace(KVM_MAIN, "kvm_vcpu_wake_up", WHOLE, WAKE_UP),
    ),
)

REQUESTS = (
    neutral(
        "riscv-same-make-inverted",
        "riscv",
        "invert",
        Replace(
            KVM_MAIN,
            MAKE,
            MAKE_IF,
            "if (unlikely(req & KVM_REQUEST_NO_ACTION)) ; else __kvm_make_request(req, vcpu);",
        ),
    ),
    neutral(
        "x86-same-make-early-return",
        "x86",
        "early-return",
        Replace(
            KVM_MAIN,
            MAKE,
            "if (kvm_request_needs_ipi(vcpu, req)) {",
            "if (!kvm_request_needs_ipi(vcpu, req)) return; {",
        ),
    ),
    neutral(
        "loongarch-same-needs-ternary",
        "loongarch",
        "ternary",
        Replace(
            KVM_MAIN,
            NEEDS,
            NEEDS_END,
            "return (req & KVM_REQUEST_WAIT) ? mode != OUTSIDE_GUEST_MODE : mode == IN_GUEST_MODE;",
        ),
    ),
    neutral(
        "mips-same-needs-switch",
        "mips",
        "switch",
        Replace(
            KVM_MAIN,
            NEEDS,
            NEEDS_END,
            "switch (mode) { case IN_GUEST_MODE: return true; case OUTSIDE_GUEST_MODE: return false; "
            "default: return req & KVM_REQUEST_WAIT; }",
        ),
    ),
    neutral(
        "powerpc-same-all-cpus-split",
        "powerpc",
        "split",
        Above(
            KVM_MAIN,
            "kvm_make_all_cpus_request",
            "static bool kvm_kick_collected(struct cpumask *cpus, unsigned int req)\n{\n"
            "\treturn kvm_kick_many_cpus(cpus, !!(req & KVM_REQUEST_WAIT));\n}",
        ),
        Replace(
            KVM_MAIN,
            "kvm_make_all_cpus_request",
            "kvm_kick_many_cpus(cpus, !!(req & KVM_REQUEST_WAIT))",
            "kvm_kick_collected(cpus, req)",
        ),
    ),
    neutral(
        "arm64-same-all-cpus-alias",
        "arm64",
        "alias",
        Replace(
            KVM_MAIN,
            "kvm_make_all_cpus_request",
            "kvm_make_vcpu_request(vcpu, req, cpus, me);",
            "{ struct kvm_vcpu *each = vcpu; kvm_make_vcpu_request(each, req, cpus, me); }",
        ),
    ),
    neutral(
        "x86-same-exiting-full-barrier",
        "x86",
        "barrier",
        Replace(HOST_H, EXITING, "smp_mb__before_atomic();", "smp_mb();"),
        why=STRONGER,
    ),
    neutral(
        "riscv-same-exiting-local",
        "riscv",
        "temporary",
        Replace(
            HOST_H,
            EXITING,
            CMPXCHG,
            "int old = cmpxchg(&vcpu->mode, IN_GUEST_MODE, EXITING_GUEST_MODE); return old;",
        ),
    ),
    neutral(
        "arm64-same-exiting-accessor",
        "arm64",
        "accessor",
        Above(
            HOST_H, EXITING, "static inline int *kvm_mode_of(struct kvm_vcpu *v)\n{\n\treturn &v->mode;\n}"
        ),
        Replace(HOST_H, EXITING, "cmpxchg(&vcpu->mode,", "cmpxchg(kvm_mode_of(vcpu),"),
    ),
    neutral(
        "powerpc-same-make-full-barrier",
        "powerpc",
        "barrier",
        Replace(HOST_H, "__kvm_make_request", "smp_wmb();", "smp_mb();"),
        why=STRONGER,
    ),
    neutral(
        "arm64-same-check-early-return",
        "arm64",
        "early-return",
        Replace(
            HOST_H,
            "kvm_check_request",
            re.compile(r"\{\n\tif .*\}", re.DOTALL),
            "{\n\tif (!kvm_test_request(req, vcpu))\n\t\treturn false;\n\tkvm_clear_request(req, vcpu);\n"
            "\tsmp_mb__after_atomic();\n\treturn true;\n}",
        ),
    ),
    neutral(
        "riscv-same-check-full-barrier",
        "riscv",
        "barrier",
        Replace(HOST_H, "kvm_check_request", "smp_mb__after_atomic();", "smp_mb();"),
        why=STRONGER,
    ),
    neutral(
        "x86-same-pending-compared",
        "x86",
        "spelling",
        Replace(HOST_H, "kvm_request_pending", "READ_ONCE(vcpu->requests)", "READ_ONCE(vcpu->requests) != 0"),
    ),
    neutral(
        "loongarch-same-make-comma",
        "loongarch",
        "comma",
        Replace(
            HOST_H,
            "kvm_make_request",
            "__kvm_make_request(req, vcpu);",
            "(void)0, __kvm_make_request(req, vcpu);",
        ),
    ),
)

NEUTRAL = (*KICKS, *REQUESTS)

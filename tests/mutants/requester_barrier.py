"""Mutants of the requester's barriers: KICK011."""

from __future__ import annotations

import re

from kernel_edits import KVM_MAIN, SVM, VMX, Above, Edit, Replace

from mutants.model import Mutant
from mutants.spelling import BOOK3S_HV, HOST_H, drop

EXITING = "kvm_vcpu_exiting_guest_mode"
BARRIER = "smp_mb__before_atomic();"
CMPXCHG = "return cmpxchg(&vcpu->mode, IN_GUEST_MODE, EXITING_GUEST_MODE);"
READERS = (
    EXITING,
    "kvm_request_needs_ipi",
    "kvm_make_vcpu_request",
    "kvm_arch_vcpu_should_kick",
    "kvm_vcpu_kick",
)
NEEDS_IPI = ("kvm_request_needs_ipi", "kvm_make_vcpu_request")
READ = "int mode = kvm_vcpu_exiting_guest_mode(vcpu);"
UNORDERED = (
    "a request without a wake-up has no other barrier, so the mode may be read before the request is seen "
    "and the IPI is spared"
)


def exiting(*edits: tuple[str, str]) -> tuple[Edit, ...]:
    """Edits of kvm_vcpu_exiting_guest_mode."""
    return tuple(Replace(HOST_H, EXITING, *each) for each in edits)


EXITING_MUTANTS = (
    Mutant("arm64-011-barrier", "KICK011", "arm64", READERS, "delete", exiting((BARRIER, "")), UNORDERED),
    Mutant(
        "riscv-011-wmb",
        "KICK011",
        "riscv",
        READERS,
        "weaken",
        exiting((BARRIER, "smp_wmb();")),
        "a write barrier orders no read: " + UNORDERED,
    ),
    Mutant(
        "loongarch-011-compiler-barrier",
        "KICK011",
        "loongarch",
        READERS,
        "weaken",
        exiting((BARRIER, "barrier();")),
        "the compiler keeps the order and the hardware does not: " + UNORDERED,
    ),
    Mutant(
        "mips-011-relaxed",
        "KICK011",
        "mips",
        READERS,
        "weaken",
        exiting((BARRIER, ""), (CMPXCHG, CMPXCHG.replace("cmpxchg(", "cmpxchg_relaxed("))),
        UNORDERED,
    ),
    Mutant(
        "powerpc-011-acquire",
        "KICK011",
        "powerpc",
        READERS,
        "weaken",
        exiting((BARRIER, ""), (CMPXCHG, CMPXCHG.replace("cmpxchg(", "cmpxchg_acquire("))),
        "an acquire orders nothing that came before it: " + UNORDERED,
    ),
    Mutant(
        "arm64-011-barrier-behind",
        "KICK011",
        "arm64",
        READERS,
        "move",
        exiting(
            (BARRIER, "int mode = cmpxchg_relaxed(&vcpu->mode, IN_GUEST_MODE, EXITING_GUEST_MODE);"),
            (CMPXCHG, "smp_mb(); return mode;"),
        ),
        "the barrier comes after the read it should precede: " + UNORDERED,
    ),
    Mutant(
        "riscv-011-barrier-on-one-way",
        "KICK011",
        "riscv",
        READERS,
        "only-on-one-way",
        exiting((BARRIER, "if (vcpu->preempted) smp_mb__before_atomic();")),
        "a vCPU that runs is not preempted, and for it there is no barrier: " + UNORDERED,
    ),
    Mutant(
        "arm64-011-helper",
        "KICK011",
        "arm64",
        (*READERS, "kvm_vcpu_order_request"),
        "hide",
        (
            Above(
                HOST_H,
                EXITING,
                "static inline void kvm_vcpu_order_request(struct kvm_vcpu *vcpu)\n"
                "{\n\tsmp_store_release(&vcpu->ready, vcpu->ready);\n}",
            ),
            *exiting((BARRIER, "kvm_vcpu_order_request(vcpu);")),
        ),
        "a release store lets the read of the mode pass it: " + UNORDERED,
    ),
    Mutant(
        "riscv-011-needs-ipi-plain-read",
        "KICK011",
        "riscv",
        NEEDS_IPI,
        "re-point",
        (Replace(KVM_MAIN, "kvm_request_needs_ipi", READ, "int mode = READ_ONCE(vcpu->mode);"),),
        "the mode is read with no barrier after the request was set",
    ),
    Mutant(
        "loongarch-011-needs-ipi-relaxed",
        "KICK011",
        "loongarch",
        (*NEEDS_IPI, "kvm_request_mode"),
        "hide",
        (
            Above(
                KVM_MAIN,
                "kvm_request_needs_ipi",
                "static int kvm_request_mode(struct kvm_vcpu *v)\n{\n"
                "\treturn cmpxchg_relaxed(&v->mode, IN_GUEST_MODE, EXITING_GUEST_MODE);\n}",
            ),
            Replace(KVM_MAIN, "kvm_request_needs_ipi", READ, "int mode = kvm_request_mode(vcpu);"),
        ),
        UNORDERED,
    ),
)

PI = ("vmx_deliver_posted_interrupt", "kvm_vcpu_trigger_posted_interrupt")
PI_SET = "pi_test_and_set_on(&vmx->pi_desc)"
ON = "(POSTED_INTR_ON, (unsigned long *)&vmx->pi_desc.control)"
PI_WHY = "PIR.ON may become visible after the mode was read: neither the sync nor a notification sees it"
NESTED = "vmx_deliver_nested_posted_interrupt"
SVM_ORDER = ("svm_deliver_interrupt", "svm_complete_interrupt_delivery")
SVM_CALL = "svm_complete_interrupt_delivery(apic->vcpu, delivery_mode, trig_mode, vector);"
AFTER = "smp_mb__after_atomic();"

FLAG_MUTANTS = (
    Mutant(
        "x86-011-on-not-atomic",
        "KICK011",
        "x86",
        PI,
        "weaken",
        (Replace(VMX, PI[0], PI_SET, f"__test_and_set_bit{ON}"),),
        PI_WHY,
    ),
    Mutant(
        "x86-011-on-set-bit",
        "KICK011",
        "x86",
        (*PI, "vmx_set_on"),
        "hide",
        (
            Above(
                VMX,
                PI[0],
                "static bool vmx_set_on(struct vcpu_vmx *vmx)\n{\n"
                f"\tif (test_bit{ON})\n\t\treturn true;\n"
                f"\tset_bit{ON};\n\treturn false;\n}}",
            ),
            Replace(VMX, PI[0], PI_SET, "vmx_set_on(vmx)"),
        ),
        "set_bit returns nothing and so orders nothing: " + PI_WHY,
    ),
    Mutant(
        "x86-011-on-acquire",
        "KICK011",
        "x86",
        PI,
        "weaken",
        (Replace(VMX, PI[0], PI_SET, f"test_and_set_bit_lock{ON}"),),
        "an acquire does not keep its own store before later reads: " + PI_WHY,
    ),
    Mutant(
        "x86-011-svm-barrier",
        "KICK011",
        "x86",
        SVM_ORDER,
        "delete",
        (drop(SVM, "svm_deliver_interrupt", AFTER),),
        "the IRR may become visible after the mode was read, and neither VMRUN nor the doorbell delivers it",
    ),
    Mutant(
        "x86-011-svm-barrier-late",
        "KICK011",
        "x86",
        SVM_ORDER,
        "move",
        (Replace(SVM, "svm_deliver_interrupt", f"{AFTER} {SVM_CALL}", f"{SVM_CALL} {AFTER}"),),
        "the barrier comes after the read of the mode that it should precede",
    ),
    Mutant(
        "x86-011-svm-wmb",
        "KICK011",
        "x86",
        SVM_ORDER,
        "weaken",
        (Replace(SVM, "svm_deliver_interrupt", AFTER, "smp_wmb();"),),
        "a write barrier does not order the IRR before the read of the mode",
    ),
    Mutant(
        "x86-011-nested-pi-barrier",
        "KICK011",
        "x86",
        (NESTED, "kvm_vcpu_trigger_posted_interrupt"),
        "delete",
        (drop(VMX, NESTED, AFTER),),
        "kvm_make_request() has a write barrier only: the mode may be read before the request is seen",
    ),
    Mutant(
        "x86-011-nested-pi-rmb",
        "KICK011",
        "x86",
        (NESTED, "kvm_vcpu_trigger_posted_interrupt"),
        "weaken",
        (Replace(VMX, NESTED, AFTER, "smp_rmb();"),),
        "a read barrier does not order the request before the read of the mode",
    ),
    Mutant(
        "powerpc-011-hv-wake-behind",
        "KICK011",
        "powerpc",
        ("kvmppc_fast_vcpu_kick_hv", "kvmppc_emulate_doorbell_instr"),
        "swap",
        (
            Replace(
                BOOK3S_HV,
                "kvmppc_fast_vcpu_kick_hv",
                re.compile(
                    r"(if \(rcuwait_wake_up\(waitp\)\)\s+\+\+vcpu->stat\.generic\.halt_wakeup;)"
                    r"(\s+)(cpu = READ_ONCE\(vcpu->arch\.thread_cpu\);)"
                ),
                r"\3\2\1",
            ),
        ),
        "rcuwait_wake_up() has the barrier between the doorbell flag and the read of thread_cpu",
    ),
)

MUTANTS = (*EXITING_MUTANTS, *FLAG_MUTANTS)

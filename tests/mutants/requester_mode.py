"""Mutants that write a mode that is not theirs to write: KICK007 in the transition itself."""

from __future__ import annotations

import re

from kernel_edits import KVM_MAIN, X86, Above, Edit, Replace

from mutants.model import Mutant
from mutants.spelling import (
    ARM,
    HOST_H,
    LOONG,
    RISCV,
)


def foreign(
    identity: str,
    architecture: str,
    functions: tuple[str, ...],
    edits: tuple[Edit, ...],
    why: str,
    operator: str = "re-point",
) -> Mutant:
    """A mutant for KICK007."""
    return Mutant(identity, "KICK007", architecture, functions, operator, edits, why)


SHOULD_KICK = ("kvm_arch_vcpu_should_kick",)
ATOMIC = "return kvm_vcpu_exiting_guest_mode(vcpu) == IN_GUEST_MODE;"
UNCHANGED = "the mode stays IN_GUEST_MODE: a kick that only reads it is not what the other side waits for"
EXITING = ("kvm_vcpu_exiting_guest_mode", "kvm_arch_vcpu_should_kick", "kvm_request_needs_ipi")
CMPXCHG = "return cmpxchg(&vcpu->mode, IN_GUEST_MODE, EXITING_GUEST_MODE);"
RACE = "the vCPU may leave and enter the guest between the read and the write, and its mode is overwritten"
SELF = "if (vcpu == __this_cpu_read(kvm_running_vcpu)) {"
NO_IPI = "a vCPU that runs on another CPU becomes EXITING_GUEST_MODE and gets no IPI, now or later"
STOLEN = "the owner's IN_GUEST_MODE is overwritten by another thread, and later kicks send no IPI"
FORGOTTEN = "the kick that said EXITING_GUEST_MODE is forgotten, and no test comes after it"

SHOULD = (
    foreign(
        "x86-007-should-reads",
        "x86",
        SHOULD_KICK,
        (Replace(X86, SHOULD_KICK[0], ATOMIC, "smp_mb(); return READ_ONCE(vcpu->mode) == IN_GUEST_MODE;"),),
        UNCHANGED,
        "weaken",
    ),
    foreign(
        "arm64-007-should-reads-helper",
        "arm64",
        (*SHOULD_KICK, "kvm_vcpu_in_guest"),
        (
            Above(
                ARM,
                SHOULD_KICK[0],
                "static bool kvm_vcpu_in_guest(struct kvm_vcpu *v)\n{\n"
                "\tsmp_mb();\n\treturn smp_load_acquire(&v->mode) == IN_GUEST_MODE;\n}",
            ),
            Replace(ARM, SHOULD_KICK[0], ATOMIC, "return kvm_vcpu_in_guest(vcpu);"),
        ),
        UNCHANGED,
        "hide",
    ),
    foreign(
        "riscv-007-should-not-outside",
        "riscv",
        SHOULD_KICK,
        (Replace(RISCV, SHOULD_KICK[0], ATOMIC, "smp_mb(); return vcpu->mode != OUTSIDE_GUEST_MODE;"),),
        UNCHANGED,
        "weaken",
    ),
    foreign(
        "loongarch-007-should-not-atomic",
        "loongarch",
        SHOULD_KICK,
        (
            Replace(
                LOONG,
                SHOULD_KICK[0],
                ATOMIC,
                "smp_mb(); if (READ_ONCE(vcpu->mode) != IN_GUEST_MODE) return 0; "
                "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE); return 1;",
            ),
        ),
        RACE,
        "weaken",
    ),
)

TRANSITION = (
    foreign(
        "arm64-007-exiting-not-atomic",
        "arm64",
        EXITING,
        (
            Replace(
                HOST_H,
                EXITING[0],
                CMPXCHG,
                "int old = READ_ONCE(vcpu->mode); if (old == IN_GUEST_MODE) "
                "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE); return old;",
            ),
        ),
        RACE,
        "weaken",
    ),
    foreign(
        "x86-007-exiting-xchg",
        "x86",
        EXITING,
        (Replace(HOST_H, EXITING[0], CMPXCHG, "return xchg(&vcpu->mode, EXITING_GUEST_MODE);"),),
        "a vCPU outside, or reading shadow page tables, is made EXITING_GUEST_MODE as well",
        "weaken",
    ),
    foreign(
        "riscv-007-exiting-from-outside",
        "riscv",
        EXITING,
        (
            Replace(
                HOST_H,
                EXITING[0],
                CMPXCHG,
                "return cmpxchg(&vcpu->mode, OUTSIDE_GUEST_MODE, EXITING_GUEST_MODE);",
            ),
        ),
        "a vCPU outside is made EXITING_GUEST_MODE, which only its own thread may change",
        "re-point",
    ),
    foreign(
        "loongarch-007-exiting-to-outside",
        "loongarch",
        EXITING,
        (
            Replace(
                HOST_H,
                EXITING[0],
                CMPXCHG,
                "return cmpxchg(&vcpu->mode, IN_GUEST_MODE, OUTSIDE_GUEST_MODE);",
            ),
        ),
        "a vCPU that is still in the guest counts as outside: who waits for it does not",
        "re-point",
    ),
    foreign(
        "x86-007-kick-not-self",
        "x86",
        ("kvm_vcpu_kick",),
        (Replace(KVM_MAIN, "kvm_vcpu_kick", SELF, SELF.replace("==", "!=")),),
        NO_IPI,
        "invert",
    ),
    foreign(
        "arm64-007-kick-some-vcpu",
        "arm64",
        ("kvm_vcpu_kick",),
        (Replace(KVM_MAIN, "kvm_vcpu_kick", SELF, "if (__this_cpu_read(kvm_running_vcpu)) {"),),
        "this CPU runs some vCPU, and the one that is kicked is another: " + NO_IPI,
        "weaken",
    ),
    foreign(
        "riscv-007-kick-same-vm",
        "riscv",
        ("kvm_vcpu_kick",),
        (
            Replace(
                KVM_MAIN,
                "kvm_vcpu_kick",
                SELF,
                "struct kvm_vcpu *self = kvm_get_running_vcpu(); if (self && self->kvm == vcpu->kvm) {",
            ),
        ),
        NO_IPI,
        "weaken",
    ),
    foreign(
        "loongarch-007-kick-by-cpu",
        "loongarch",
        ("kvm_vcpu_kick",),
        (Replace(KVM_MAIN, "kvm_vcpu_kick", SELF, "if (vcpu->cpu == me) {"),),
        "the CPU that the vCPU ran on last may run another one now, while the vCPU runs elsewhere",
        "weaken",
    ),
)

X86_ENTER = re.compile(r"(exit_fastpath = kvm_x86_call\(vcpu_run\)\(vcpu, run_flags\);)")
AGAIN = "if (vcpu->mode == EXITING_GUEST_MODE) vcpu->mode = IN_GUEST_MODE;"
OVERWRITTEN = (
    foreign(
        "x86-007-in-again",
        "x86",
        ("vcpu_enter_guest",),
        (Replace(X86, "vcpu_enter_guest", X86_ENTER, rf"{AGAIN}\n\t\t\1"),),
        FORGOTTEN,
        "move",
    ),
    foreign(
        "arm64-007-in-again",
        "arm64",
        ("kvm_arch_vcpu_ioctl_run", "kvm_arm_vcpu_enter_exit"),
        (
            Replace(
                ARM,
                "kvm_arm_vcpu_enter_exit",
                "guest_state_enter_irqoff();",
                "WRITE_ONCE(vcpu->mode, IN_GUEST_MODE); guest_state_enter_irqoff();",
            ),
        ),
        FORGOTTEN,
        "move",
    ),
    foreign(
        "riscv-007-in-again",
        "riscv",
        ("kvm_arch_vcpu_ioctl_run",),
        (
            Replace(
                RISCV,
                "kvm_arch_vcpu_ioctl_run",
                "guest_timing_enter_irqoff();",
                "guest_timing_enter_irqoff(); cmpxchg(&vcpu->mode, EXITING_GUEST_MODE, IN_GUEST_MODE);",
            ),
        ),
        FORGOTTEN,
        "move",
    ),
)

MUTANTS = (*SHOULD, *TRANSITION, *OVERWRITTEN)

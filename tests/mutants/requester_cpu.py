"""Mutants of the requester's read of the CPU: KICK012."""

from __future__ import annotations

from kernel_edits import KVM_MAIN, SVM, VMX, Above, Replace

from mutants.model import Mutant
from mutants.spelling import drop

CPU = "cpu = READ_ONCE(vcpu->cpu);"
MAKE = "kvm_make_vcpu_request"
MIGRATED = (
    "the vCPU may move to another CPU and enter the guest there between the two reads: the IPI goes astray"
)
TRIGGER = "kvm_vcpu_trigger_posted_interrupt"
CPU_OF = "static int kvm_vcpu_cpu_of(struct kvm_vcpu *v)\n{\n\treturn READ_ONCE(v->cpu);\n}"
IF_KICK = f"if (kvm_arch_vcpu_should_kick(vcpu)) {{ {CPU}"
IF_IPI = f"if (kvm_request_needs_ipi(vcpu, req)) {{ {CPU}"

MUTANTS = (
    Mutant(
        "arm64-012-kick-hoisted",
        "KICK012",
        "arm64",
        ("kvm_vcpu_kick",),
        "move",
        (Replace(KVM_MAIN, "kvm_vcpu_kick", IF_KICK, f"{CPU} if (kvm_arch_vcpu_should_kick(vcpu)) {{"),),
        MIGRATED,
    ),
    Mutant(
        "x86-012-kick-initialised",
        "KICK012",
        "x86",
        ("kvm_vcpu_kick",),
        "move",
        (
            drop(KVM_MAIN, "kvm_vcpu_kick", CPU),
            Replace(KVM_MAIN, "kvm_vcpu_kick", "int me, cpu;", "int me, cpu = READ_ONCE(vcpu->cpu);"),
        ),
        MIGRATED,
    ),
    Mutant(
        "riscv-012-kick-helper",
        "KICK012",
        "riscv",
        ("kvm_vcpu_kick", "kvm_vcpu_cpu_of"),
        "hide",
        (
            Above(KVM_MAIN, "kvm_vcpu_kick", CPU_OF),
            Replace(
                KVM_MAIN,
                "kvm_vcpu_kick",
                IF_KICK,
                "cpu = kvm_vcpu_cpu_of(vcpu); if (kvm_arch_vcpu_should_kick(vcpu)) {",
            ),
        ),
        MIGRATED,
    ),
    Mutant(
        "loongarch-012-kick-and",
        "KICK012",
        "loongarch",
        ("kvm_vcpu_kick",),
        "swap",
        (
            Replace(
                KVM_MAIN,
                "kvm_vcpu_kick",
                IF_KICK,
                "if ((cpu = READ_ONCE(vcpu->cpu)) != me && kvm_arch_vcpu_should_kick(vcpu)) {",
            ),
        ),
        MIGRATED,
    ),
    Mutant(
        "x86-012-request-hoisted",
        "KICK012",
        "x86",
        (MAKE,),
        "move",
        (Replace(KVM_MAIN, MAKE, IF_IPI, f"{CPU} if (kvm_request_needs_ipi(vcpu, req)) {{"),),
        MIGRATED,
    ),
    Mutant(
        "arm64-012-request-before-all",
        "KICK012",
        "arm64",
        (MAKE,),
        "move",
        (
            Replace(KVM_MAIN, MAKE, "int cpu;", "int cpu = vcpu->cpu;"),
            drop(KVM_MAIN, MAKE, CPU),
        ),
        MIGRATED,
    ),
    Mutant(
        "riscv-012-request-condition",
        "KICK012",
        "riscv",
        (MAKE,),
        "swap",
        (
            Replace(
                KVM_MAIN,
                MAKE,
                f"{IF_IPI} if (cpu != -1 && cpu != current_cpu)",
                f"{CPU} if (cpu != -1 && cpu != current_cpu && kvm_request_needs_ipi(vcpu, req)) {{",
            ),
        ),
        MIGRATED,
    ),
    Mutant(
        "mips-012-request-caller",
        "KICK012",
        "mips",
        (MAKE, "kvm_make_all_cpus_request", "kvm_make_vcpus_request_mask"),
        "split",
        (
            Replace(KVM_MAIN, MAKE, "struct cpumask *tmp, int current_cpu)", "struct cpumask *tmp, int cpu)"),
            drop(KVM_MAIN, MAKE, "int cpu;"),
            drop(KVM_MAIN, MAKE, CPU),
            Replace(KVM_MAIN, MAKE, "cpu != -1 && cpu != current_cpu", "cpu != -1"),
            Replace(
                KVM_MAIN,
                "kvm_make_all_cpus_request",
                f"{MAKE}(vcpu, req, cpus, me);",
                f"{MAKE}(vcpu, req, cpus, vcpu->cpu == me ? -1 : READ_ONCE(vcpu->cpu));",
            ),
            Replace(
                KVM_MAIN,
                "kvm_make_vcpus_request_mask",
                f"{MAKE}(vcpu, req, cpus, me);",
                f"{MAKE}(vcpu, req, cpus, READ_ONCE(vcpu->cpu));",
            ),
        ),
        MIGRATED,
    ),
    Mutant(
        "x86-012-posted-interrupt",
        "KICK012",
        "x86",
        (TRIGGER,),
        "move",
        (
            Replace(
                VMX,
                TRIGGER,
                "if (vcpu->mode == IN_GUEST_MODE) {",
                "int cpu = READ_ONCE(vcpu->cpu); if (vcpu->mode == IN_GUEST_MODE) {",
            ),
            Replace(VMX, TRIGGER, "get_cpu_mask(vcpu->cpu)", "get_cpu_mask(cpu)"),
        ),
        MIGRATED,
    ),
    Mutant(
        "x86-012-doorbell",
        "KICK012",
        "x86",
        ("svm_complete_interrupt_delivery", "svm_ring_doorbell_on"),
        "hide",
        (
            Above(
                SVM,
                "svm_complete_interrupt_delivery",
                "static void svm_ring_doorbell_on(int cpu)\n{\n"
                "\tif (cpu != get_cpu())\n"
                "\t\twrmsrl(MSR_AMD64_SVM_AVIC_DOORBELL, kvm_cpu_get_apicid(cpu));\n\tput_cpu();\n}",
            ),
            Replace(
                SVM,
                "svm_complete_interrupt_delivery",
                "bool in_guest_mode =",
                "int cpu = READ_ONCE(vcpu->cpu); bool in_guest_mode =",
            ),
            Replace(
                SVM,
                "svm_complete_interrupt_delivery",
                "avic_ring_doorbell(vcpu);",
                "svm_ring_doorbell_on(cpu);",
            ),
        ),
        MIGRATED,
    ),
)

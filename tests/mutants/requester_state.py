"""Mutants that announce state before it is there: KICK014 in the API and on x86."""

from __future__ import annotations

from kernel_edits import VMX, X86, Above, Edit, Replace

from mutants.model import Mutant
from mutants.spelling import (
    HOST_H,
    HYPERV,
    KICK,
    LAPIC,
    MMU,
    VMX_NESTED,
    XEN,
    drop,
    request,
    swap,
)


def late(
    identity: str,
    architecture: str,
    functions: tuple[str, ...],
    edits: tuple[Edit, ...],
    why: str,
    operator: str = "move",
) -> Mutant:
    """A mutant for KICK014."""
    return Mutant(identity, "KICK014", architecture, functions, operator, edits, why)


EVENT = request("EVENT")
UNBLOCK = request("UNBLOCK")
TOO_LATE = "the vCPU may consume the request before the state is written, and nothing announces it again"

MAKE = ("__kvm_make_request",)
CHECK = ("kvm_check_request",)
WMB = "smp_wmb();"
SET_BIT = "set_bit(req & KVM_REQUEST_MASK, (void *)&vcpu->requests);"
AFTER = "smp_mb__after_atomic();"
CLEAR = "kvm_clear_request(req, vcpu);"
UNPUBLISHED = "the vCPU may see the request before the state that it announces"
STALE = "the state is read before the bit is cleared: what a requester wrote in between is not looked at"

BARRIERS = (
    late("arm64-014-wmb", "arm64", MAKE, (drop(HOST_H, MAKE[0], WMB),), UNPUBLISHED, "delete"),
    late(
        "riscv-014-wmb-behind",
        "riscv",
        MAKE,
        (Replace(HOST_H, MAKE[0], f"{WMB} {SET_BIT}", f"{SET_BIT} {WMB}"),),
        UNPUBLISHED,
        "swap",
    ),
    late(
        "powerpc-014-wmb-rmb",
        "powerpc",
        MAKE,
        (Replace(HOST_H, MAKE[0], WMB, "smp_rmb();"),),
        UNPUBLISHED,
        "weaken",
    ),
    late(
        "loongarch-014-wmb-compiler",
        "loongarch",
        MAKE,
        (Replace(HOST_H, MAKE[0], WMB, "barrier();"),),
        UNPUBLISHED,
        "weaken",
    ),
    late(
        "mips-014-wmb-one-way",
        "mips",
        MAKE,
        (Replace(HOST_H, MAKE[0], WMB, "if (req & KVM_REQUEST_WAIT) smp_wmb();"),),
        UNPUBLISHED,
        "only-on-one-way",
    ),
    late(
        "arm64-014-wmb-macro",
        "arm64",
        MAKE,
        (
            Above(HOST_H, MAKE[0], "#define kvm_publish_request()\tbarrier()"),
            Replace(HOST_H, MAKE[0], WMB, "kvm_publish_request();"),
        ),
        UNPUBLISHED,
        "hide",
    ),
    late(
        "arm64-014-check-barrier",
        "arm64",
        CHECK,
        (drop(HOST_H, CHECK[0], AFTER),),
        "the consumer may read the state before the request; " + STALE,
        "delete",
    ),
    late(
        "riscv-014-check-barrier-early",
        "riscv",
        CHECK,
        (
            drop(HOST_H, CHECK[0], AFTER),
            Replace(HOST_H, CHECK[0], CLEAR, f"smp_mb__before_atomic(); {CLEAR}"),
        ),
        STALE,
    ),
    late(
        "powerpc-014-check-rmb",
        "powerpc",
        CHECK,
        (Replace(HOST_H, CHECK[0], AFTER, "smp_rmb();"),),
        "a read barrier does not order the clear: " + STALE,
        "weaken",
    ),
    late(
        "loongarch-014-check-wmb",
        "loongarch",
        CHECK,
        (Replace(HOST_H, CHECK[0], AFTER, "smp_wmb();"),),
        "a write barrier orders no read: the consumer may read the state before the request",
        "weaken",
    ),
    late(
        "riscv-014-check-helper",
        "riscv",
        (*CHECK, "kvm_consume_request"),
        (
            Above(
                HOST_H,
                CHECK[0],
                "static inline void kvm_consume_request(int req, struct kvm_vcpu *vcpu)\n{\n"
                "\tsmp_mb();\n\tkvm_clear_request(req, vcpu);\n}",
            ),
            Replace(HOST_H, CHECK[0], CLEAR, "kvm_consume_request(req, vcpu);"),
            drop(HOST_H, CHECK[0], AFTER),
        ),
        STALE,
        "hide",
    ),
)

NMI_QUEUED = "atomic_inc(&vcpu->arch.nmi_queued);"
PENDING_INIT = "apic->pending_events = (1UL << KVM_APIC_INIT);"
PENDING_SIPI = "set_bit(KVM_APIC_SIPI, &apic->pending_events);"
STIMER = "set_bit(stimer->index, to_hv_vcpu(vcpu)->stimer_pending_bitmap);"
EXPIRED = "vmx->nested.preemption_timer_expired = true;"
OWN_EVENT = request("EVENT", "&vmx->vcpu")
NESTED_PI = "vmx_deliver_nested_posted_interrupt"

X86_MUTANTS = (
    late(
        "x86-014-nmi",
        "x86",
        ("kvm_inject_nmi",),
        (swap(X86, "kvm_inject_nmi", NMI_QUEUED, request("NMI")),),
        TOO_LATE,
        "swap",
    ),
    late(
        "x86-014-init",
        "x86",
        ("__apic_accept_irq",),
        (
            Replace(
                LAPIC,
                "__apic_accept_irq",
                f"{PENDING_INIT} {EVENT} {KICK}",
                f"{EVENT} {PENDING_INIT} {KICK}",
            ),
        ),
        TOO_LATE,
        "swap",
    ),
    late(
        "x86-014-sipi",
        "x86",
        ("__apic_accept_irq",),
        (
            Replace(
                LAPIC,
                "__apic_accept_irq",
                f"{PENDING_SIPI} {EVENT} {KICK}",
                f"{EVENT} {KICK} {PENDING_SIPI}",
            ),
        ),
        TOO_LATE,
    ),
    late(
        "x86-014-remote-read",
        "x86",
        ("__apic_accept_irq",),
        (
            Replace(
                LAPIC,
                "__apic_accept_irq",
                f"vcpu->arch.pv.pv_unhalted = 1; {EVENT} {KICK}",
                f"{EVENT} {KICK} vcpu->arch.pv.pv_unhalted = 1;",
            ),
        ),
        "the woken vCPU finds that nobody wants it to run, and halts again",
    ),
    late(
        "x86-014-xen-timer",
        "x86",
        ("xen_timer_callback",),
        (swap(XEN, "xen_timer_callback", "atomic_inc(&vcpu->arch.xen.timer_pending);", UNBLOCK),),
        TOO_LATE,
        "swap",
    ),
    late(
        "x86-014-stimer",
        "x86",
        ("stimer_mark_pending",),
        (swap(HYPERV, "stimer_mark_pending", STIMER, request("HV_STIMER")),),
        TOO_LATE,
        "swap",
    ),
    late(
        "x86-014-preemption-timer",
        "x86",
        ("vmx_preemption_timer_fn",),
        (swap(VMX_NESTED, "vmx_preemption_timer_fn", EXPIRED, OWN_EVENT),),
        TOO_LATE,
        "swap",
    ),
    late(
        "x86-014-preemption-timer-helper",
        "x86",
        ("vmx_preemption_timer_fn", "nested_vmx_timer_event"),
        (
            Above(
                VMX_NESTED,
                "vmx_preemption_timer_fn",
                "static void nested_vmx_timer_event(struct vcpu_vmx *vmx)\n{\n"
                f"\t{OWN_EVENT}\n\t{EXPIRED}\n}}",
            ),
            Replace(
                VMX_NESTED,
                "vmx_preemption_timer_fn",
                f"{EXPIRED} {OWN_EVENT}",
                "nested_vmx_timer_event(vmx);",
            ),
        ),
        TOO_LATE,
        "hide",
    ),
    late(
        "x86-014-nested-pi",
        "x86",
        (NESTED_PI,),
        (swap(VMX, NESTED_PI, "vmx->nested.pi_pending = true;", EVENT),),
        TOO_LATE,
        "swap",
    ),
    late(
        "x86-014-irr",
        "x86",
        ("vmx_deliver_interrupt",),
        (swap(VMX, "vmx_deliver_interrupt", "kvm_lapic_set_irr(vector, apic);", EVENT),),
        TOO_LATE,
        "swap",
    ),
    late(
        "x86-014-vm-dead",
        "x86",
        ("kvm_vm_dead",),
        (
            swap(
                HOST_H,
                "kvm_vm_dead",
                "kvm->vm_dead = true;",
                "kvm_make_all_cpus_request(kvm, KVM_REQ_VM_DEAD);",
            ),
        ),
        "a vCPU that left for the request may be run again while the VM does not count as dead yet",
        "swap",
    ),
    late(
        "x86-014-msr-filter",
        "x86",
        ("kvm_vm_ioctl_set_msr_filter",),
        (
            drop(
                X86,
                "kvm_vm_ioctl_set_msr_filter",
                "kvm_make_all_cpus_request(kvm, KVM_REQ_MSR_FILTER_CHANGED);",
            ),
            Replace(
                X86,
                "kvm_vm_ioctl_set_msr_filter",
                "mutex_lock(&kvm->lock);",
                "kvm_make_all_cpus_request(kvm, KVM_REQ_MSR_FILTER_CHANGED); mutex_lock(&kvm->lock);",
            ),
        ),
        "the vCPUs work out their intercepts from the old filter, and nothing tells them of the new one",
    ),
    late(
        "x86-014-hv-flush",
        "x86",
        ("kvm_hv_flush_tlb",),
        (
            Replace(
                HYPERV,
                "kvm_hv_flush_tlb",
                "kvm_make_all_cpus_request(kvm, KVM_REQ_HV_TLB_FLUSH);",
                "",
            ),
            Replace(
                HYPERV,
                "kvm_hv_flush_tlb",
                "if (all_cpus && !is_guest_mode(vcpu)) {",
                "if (all_cpus && !is_guest_mode(vcpu)) { "
                "kvm_make_all_cpus_request(kvm, KVM_REQ_HV_TLB_FLUSH);",
            ),
        ),
        "a vCPU may look at its queue of flushes before the entries are in it",
    ),
    late(
        "x86-014-obsolete-root",
        "x86",
        ("__kvm_mmu_prepare_zap_page",),
        (
            drop(MMU, "__kvm_mmu_prepare_zap_page", "sp->role.invalid = 1;"),
            Replace(
                MMU,
                "__kvm_mmu_prepare_zap_page",
                "return list_unstable;",
                "sp->role.invalid = 1; return list_unstable;",
            ),
        ),
        "vCPUs look for invalid roots, without mmu_lock, before this one is marked",
    ),
)

MUTANTS = (*BARRIERS, *X86_MUTANTS)

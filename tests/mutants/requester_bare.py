"""Mutants that kick and ask for nothing: KICK009 on x86 and arm64."""

from __future__ import annotations

import re

from kernel_edits import KVM_MAIN, VMX, X86, Above, Edit, Replace

from mutants.model import Mutant
from mutants.spelling import (
    ARM,
    HYPERV,
    I8259,
    KICK,
    LAPIC,
    SEV,
    VGIC,
    VGIC_V4,
    VMX_NESTED,
    XEN,
    drop,
    request,
)

EVENT = request("EVENT")
IRQ = request("IRQ_PENDING")
UNBLOCK = request("UNBLOCK")
MISSED = "a vCPU about to set IN_GUEST_MODE gets no IPI and has nothing to see in its last test"
MISSED_FLAG = "the kick comes, and the vCPU finds no flag, neither before nor after it wrote IN_GUEST_MODE"
TOO_EARLY = "a flag set between its read and the IN_GUEST_MODE write is not read again, and no IPI is sent"
ASLEEP = "the woken vCPU finds no reason to run and blocks again"


def bare(
    identity: str,
    architecture: str,
    functions: tuple[str, ...],
    edits: tuple[Edit, ...],
    why: str = MISSED,
    operator: str = "delete",
) -> Mutant:
    """A mutant for KICK009."""
    return Mutant(identity, "KICK009", architecture, functions, operator, edits, why)


TRIGGER = "kvm_vcpu_trigger_posted_interrupt"
DELIVER_PI = "vmx_deliver_posted_interrupt"
NESTED_PI = "vmx_deliver_nested_posted_interrupt"
SYNC = re.compile(
    r"if \(kvm_lapic_enabled\(vcpu\)\)\s+kvm_x86_call\(sync_pir_to_irr\)\(vcpu\);"
    r"(\s+if \(kvm_vcpu_exit_request)"
)
SNP = request("UPDATE_PROTECTED_GUEST_STATE", "target_vcpu")

X86_MUTANTS = (
    bare(
        "x86-009-vmx-deliver",
        "x86",
        ("vmx_deliver_interrupt",),
        (drop(VMX, "vmx_deliver_interrupt", EVENT),),
    ),
    bare("x86-009-pic", "x86", ("pic_unlock",), (drop(I8259, "pic_unlock", EVENT),)),
    bare(
        "x86-009-pic-other-vcpu",
        "x86",
        ("pic_unlock",),
        (Replace(I8259, "pic_unlock", EVENT, request("EVENT", "kvm_get_vcpu(s->kvm, 0)")),),
        "the request is made of the first vCPU and the kick goes to another, which has none",
        "re-point",
    ),
    bare(
        "x86-009-xen-cancel",
        "x86",
        ("cancel_evtchn_poll",),
        (drop(XEN, "cancel_evtchn_poll", UNBLOCK),),
        ASLEEP,
    ),
    bare(
        "x86-009-xen-poller-one-way",
        "x86",
        ("kvm_xen_check_poller",),
        (Replace(XEN, "kvm_xen_check_poller", UNBLOCK, f"if (poll_evtchn == port) {UNBLOCK}"),),
        "a vCPU that polls all ports is kicked without a request; " + ASLEEP,
        "only-on-one-way",
    ),
    bare(
        "x86-009-clock",
        "x86",
        ("kvmclock_update_fn",),
        (drop(X86, "kvmclock_update_fn", request("CLOCK_UPDATE")),),
    ),
    bare(
        "x86-009-stimer",
        "x86",
        ("stimer_mark_pending",),
        (drop(HYPERV, "stimer_mark_pending", request("HV_STIMER")),),
        "the bitmap of pending timers is looked at for KVM_REQ_HV_STIMER only",
    ),
    bare(
        "x86-009-preemption-timer",
        "x86",
        ("vmx_preemption_timer_fn",),
        (drop(VMX_NESTED, "vmx_preemption_timer_fn", request("EVENT", "&vmx->vcpu")),),
    ),
    bare(
        "x86-009-snp-one-way",
        "x86",
        ("sev_snp_ap_creation",),
        (Replace(SEV, "sev_snp_ap_creation", SNP, f"if (request == SVM_VMGEXIT_AP_DESTROY) {SNP}"),),
        "an AP that is created is kicked and never told to take its new state",
        "only-on-one-way",
    ),
    bare(
        "x86-009-nmi-callee",
        "x86",
        ("__apic_accept_irq", "kvm_inject_nmi"),
        (drop(X86, "kvm_inject_nmi", request("NMI")),),
        "nmi_queued is looked at for KVM_REQ_NMI only, and the kick of the caller has no request with it",
    ),
    bare(
        "x86-009-apic-timer",
        "x86",
        ("apic_timer_expired",),
        (drop(LAPIC, "apic_timer_expired", UNBLOCK),),
        "the number of pending timer interrupts is read before IN_GUEST_MODE is written, and not after it",
    ),
    bare(
        "x86-009-async-page",
        "x86",
        ("kvm_arch_async_page_present_queued",),
        (drop(X86, "kvm_arch_async_page_present_queued", request("APF_READY")),),
    ),
    bare(
        "x86-009-pir-read-early",
        "x86",
        (DELIVER_PI, TRIGGER, "vmx_deliver_interrupt", "vcpu_enter_guest"),
        (
            Replace(X86, "vcpu_enter_guest", SYNC, r"\1"),
            Replace(
                X86,
                "vcpu_enter_guest",
                "/* Store vcpu->apicv_active before vcpu->mode. */",
                "if (kvm_lapic_enabled(vcpu)) kvm_x86_call(sync_pir_to_irr)(vcpu);",
            ),
        ),
        TOO_EARLY,
        "move",
    ),
    bare(
        "x86-009-pir-on-not-set",
        "x86",
        (DELIVER_PI, TRIGGER, "vmx_deliver_interrupt"),
        (Replace(VMX, DELIVER_PI, "pi_test_and_set_on(&vmx", "pi_test_on(&vmx"),),
        "PIR.ON stays clear, and a vCPU that enters does not look at the PIR without it",
        "weaken",
    ),
    bare(
        "x86-009-nested-pi",
        "x86",
        (NESTED_PI, TRIGGER),
        (drop(VMX, NESTED_PI, EVENT),),
        "pi_pending is looked at when events are injected only: without KVM_REQ_EVENT no test sees it",
    ),
)

GENERIC = (
    bare(
        "x86-009-make-some-kinds",
        "x86",
        ("kvm_make_vcpu_request",),
        (
            Replace(
                KVM_MAIN,
                "kvm_make_vcpu_request",
                "!(req & KVM_REQUEST_NO_ACTION)",
                "!(req & (KVM_REQUEST_NO_ACTION | KVM_REQUEST_NO_WAKEUP))",
            ),
        ),
        "a TLB flush is kicked for and never logged",
        "only-on-one-way",
    ),
    bare(
        "arm64-009-make-deleted",
        "arm64",
        ("kvm_make_vcpu_request",),
        (drop(KVM_MAIN, "kvm_make_vcpu_request", "__kvm_make_request(req, vcpu);"),),
    ),
)

ARM64 = (
    bare(
        "arm64-009-irq-line",
        "arm64",
        ("vcpu_interrupt_line",),
        (drop(ARM, "vcpu_interrupt_line", IRQ),),
    ),
    bare(
        "arm64-009-vgic-queue-one-way",
        "arm64",
        ("vgic_queue_irq_unlock",),
        (Replace(VGIC, "vgic_queue_irq_unlock", f"if (vcpu) {{ {IRQ}", "if (vcpu) {"),),
        operator="only-on-one-way",
    ),
    bare(
        "arm64-009-vgic-prune",
        "arm64",
        ("vgic_prune_ap_list",),
        (Replace(VGIC, "vgic_prune_ap_list", request("IRQ_PENDING", "target_vcpu"), IRQ),),
        "the vCPU that loses the interrupt is asked, and the one that gets it is kicked without a request",
        "wrong-vcpu",
    ),
    bare(
        "arm64-009-doorbell",
        "arm64",
        ("vgic_v4_doorbell_handler",),
        (drop(VGIC_V4, "vgic_v4_doorbell_handler", IRQ),),
    ),
    bare(
        "arm64-009-kick-vcpus-two-files",
        "arm64",
        ("vgic_kick_vcpus", "kvm_vcpu_poke"),
        (
            Above(KVM_MAIN, "kvm_vcpu_yield_to", f"void kvm_vcpu_poke(struct kvm_vcpu *vcpu)\n{{ {KICK}\n}}"),
            Replace(VGIC, "vgic_kick_vcpus", f"{IRQ} {KICK}", "kvm_vcpu_poke(vcpu);"),
        ),
        operator="split",
    ),
    bare(
        "arm64-009-irq-line-cleared",
        "arm64",
        ("vcpu_interrupt_line",),
        (
            Replace(
                ARM,
                "vcpu_interrupt_line",
                IRQ,
                f"{IRQ} kvm_clear_request(KVM_REQ_IRQ_PENDING, vcpu);",
            ),
        ),
        "the requester takes its request back before it kicks",
        "invert",
    ),
)

MUTANTS = (*X86_MUTANTS, *GENERIC, *ARM64)

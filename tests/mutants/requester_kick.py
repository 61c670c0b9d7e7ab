"""Mutants that kick before they ask: KICK008 on x86 and arm64."""

from __future__ import annotations

import re

from kernel_edits import KVM_MAIN, SVM, VMX, X86, Above, Replace

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
    swap,
)

EVENT = request("EVENT")
IRQ = request("IRQ_PENDING")
UNBLOCK = request("UNBLOCK")
LATE = "the vCPU may answer the kick, find no request and be in the guest again before the request is made"
LATE_FLAG = "the vCPU may answer the kick, find no flag and be in the guest again before the flag is set"

ARM64 = (
    Mutant(
        "arm64-008-irq-line",
        "KICK008",
        "arm64",
        ("vcpu_interrupt_line",),
        "swap",
        (swap(ARM, "vcpu_interrupt_line", IRQ, KICK),),
        LATE,
    ),
    Mutant(
        "arm64-008-vgic-queue-one-way",
        "KICK008",
        "arm64",
        ("vgic_queue_irq_unlock",),
        "only-on-one-way",
        (
            Replace(
                VGIC,
                "vgic_queue_irq_unlock",
                f"{IRQ} {KICK} return true;",
                f"if (irq->hw) {{ {KICK} {IRQ} }} else {{ {IRQ} {KICK} }} return true;",
            ),
        ),
        LATE,
    ),
    Mutant(
        "arm64-008-vgic-two-loops",
        "KICK008",
        "arm64",
        ("vgic_kick_vcpus",),
        "split",
        (
            drop(VGIC, "vgic_kick_vcpus", IRQ),
            Replace(
                VGIC,
                "vgic_kick_vcpus",
                f"{KICK} }} }}",
                f"{KICK} }} }} kvm_for_each_vcpu(c, vcpu, kvm) {{"
                f" if (kvm_vgic_vcpu_pending_irq(vcpu)) {IRQ} }}",
            ),
        ),
        LATE,
    ),
    Mutant(
        "arm64-008-vgic-prune-helper",
        "KICK008",
        "arm64",
        ("vgic_prune_ap_list", "vgic_ask"),
        "hide",
        (
            Above(VGIC, "vgic_prune_ap_list", f"static void vgic_ask(struct kvm_vcpu *vcpu)\n{{\n{IRQ}\n}}"),
            Replace(
                VGIC,
                "vgic_prune_ap_list",
                f"{request('IRQ_PENDING', 'target_vcpu')} kvm_vcpu_kick(target_vcpu);",
                "kvm_vcpu_kick(target_vcpu); vgic_ask(target_vcpu);",
            ),
        ),
        LATE,
    ),
    Mutant(
        "arm64-008-doorbell-two-files",
        "KICK008",
        "arm64",
        ("vgic_v4_doorbell_handler", "vgic_notify_vcpu"),
        "split",
        (
            Above(
                VGIC,
                "vgic_kick_vcpus",
                f"void vgic_notify_vcpu(struct kvm_vcpu *vcpu)\n{{\n\t{KICK}\n\t{IRQ}\n}}",
            ),
            Replace(VGIC_V4, "vgic_v4_doorbell_handler", f"{IRQ} {KICK}", "vgic_notify_vcpu(vcpu);"),
        ),
        LATE,
    ),
)

X86_MUTANTS = (
    Mutant(
        "x86-008-vmx-deliver",
        "KICK008",
        "x86",
        ("vmx_deliver_interrupt",),
        "swap",
        (swap(VMX, "vmx_deliver_interrupt", EVENT, KICK),),
        LATE,
    ),
    Mutant(
        "x86-008-svm-deliver",
        "KICK008",
        "x86",
        ("svm_complete_interrupt_delivery",),
        "swap",
        (swap(SVM, "svm_complete_interrupt_delivery", EVENT, KICK),),
        LATE,
    ),
    Mutant(
        "x86-008-nmi-callee",
        "KICK008",
        "x86",
        ("__apic_accept_irq", "kvm_inject_nmi"),
        "swap",
        (swap(LAPIC, "__apic_accept_irq", "kvm_inject_nmi(vcpu);", KICK),),
        LATE,
    ),
    Mutant(
        "x86-008-init",
        "KICK008",
        "x86",
        ("__apic_accept_irq",),
        "move",
        (
            Replace(
                LAPIC,
                "__apic_accept_irq",
                f"apic->pending_events = (1UL << KVM_APIC_INIT); {EVENT} {KICK}",
                f"apic->pending_events = (1UL << KVM_APIC_INIT); {KICK} {EVENT}",
            ),
        ),
        LATE,
    ),
    Mutant(
        "x86-008-pic",
        "KICK008",
        "x86",
        ("pic_unlock",),
        "swap",
        (swap(I8259, "pic_unlock", EVENT, KICK),),
        LATE,
    ),
    Mutant(
        "x86-008-clock-macro",
        "KICK008",
        "x86",
        ("kvmclock_update_fn",),
        "hide",
        (
            Above(
                X86,
                "kvmclock_update_fn",
                "#define kvm_notify_clock(v)\t\t\t\t\t\\\ndo {\t\t\t\t\t\t\t\\\n"
                "\tkvm_vcpu_kick(v);\t\t\t\t\t\\\n\tkvm_make_request(KVM_REQ_CLOCK_UPDATE, v);\t\t\\\n"
                "} while (0)",
            ),
            Replace(
                X86, "kvmclock_update_fn", f"{request('CLOCK_UPDATE')} {KICK}", "kvm_notify_clock(vcpu);"
            ),
        ),
        LATE,
    ),
    Mutant(
        "x86-008-xen-timer",
        "KICK008",
        "x86",
        ("xen_timer_callback",),
        "move",
        (
            drop(XEN, "xen_timer_callback", KICK),
            Replace(
                XEN,
                "xen_timer_callback",
                "atomic_inc(&vcpu->arch.xen.timer_pending);",
                f"{KICK} atomic_inc(&vcpu->arch.xen.timer_pending);",
            ),
        ),
        "the wake-up of the kick finds no timer pending and no request, and the vCPU sleeps on",
    ),
    Mutant(
        "x86-008-xen-poller",
        "KICK008",
        "x86",
        ("kvm_xen_check_poller",),
        "swap",
        (swap(XEN, "kvm_xen_check_poller", UNBLOCK, KICK),),
        "the woken vCPU finds no KVM_REQ_UNBLOCK and blocks again before it is made",
    ),
    Mutant(
        "x86-008-stimer",
        "KICK008",
        "x86",
        ("stimer_mark_pending",),
        "move",
        (
            Replace(
                HYPERV,
                "stimer_mark_pending",
                f"{request('HV_STIMER')} if (vcpu_kick) {KICK}",
                f"if (vcpu_kick) {KICK} {request('HV_STIMER')}",
            ),
        ),
        LATE,
    ),
    Mutant(
        "x86-008-preemption-timer",
        "KICK008",
        "x86",
        ("vmx_preemption_timer_fn",),
        "swap",
        (
            swap(
                VMX_NESTED,
                "vmx_preemption_timer_fn",
                request("EVENT", "&vmx->vcpu"),
                "kvm_vcpu_kick(&vmx->vcpu);",
            ),
        ),
        LATE,
    ),
    Mutant(
        "x86-008-snp-deferred",
        "KICK008",
        "x86",
        ("sev_snp_ap_creation",),
        "split",
        (
            drop(SEV, "sev_snp_ap_creation", request("UPDATE_PROTECTED_GUEST_STATE", "target_vcpu")),
            Replace(
                SEV,
                "sev_snp_ap_creation",
                "out: mutex_unlock(&target_svm->sev_es.snp_vmsa_mutex);",
                "out:\n\tmutex_unlock(&target_svm->sev_es.snp_vmsa_mutex);\n\tif (!ret && kick)\n\t\t"
                + request("UPDATE_PROTECTED_GUEST_STATE", "target_vcpu"),
            ),
        ),
        LATE,
    ),
    Mutant(
        "x86-008-apic-timer",
        "KICK008",
        "x86",
        ("apic_timer_expired",),
        "move",
        (
            Replace(
                LAPIC,
                "apic_timer_expired",
                f"{UNBLOCK} if (from_timer_fn) {KICK}",
                f"if (from_timer_fn) {KICK} {UNBLOCK}",
            ),
        ),
        "the woken vCPU finds no KVM_REQ_UNBLOCK and blocks again before it is made",
    ),
    Mutant(
        "x86-008-make-request-last",
        "KICK008",
        "x86",
        ("kvm_make_vcpu_request",),
        "move",
        (
            Replace(
                KVM_MAIN,
                "kvm_make_vcpu_request",
                "if (likely(!(req & KVM_REQUEST_NO_ACTION))) __kvm_make_request(req, vcpu);",
                "",
            ),
            Replace(
                KVM_MAIN,
                "kvm_make_vcpu_request",
                re.compile(r"(__cpumask_set_cpu\(cpu, tmp\);\s+\})"),
                r"\1\n\tif (likely(!(req & KVM_REQUEST_NO_ACTION)))\n\t\t__kvm_make_request(req, vcpu);",
            ),
        ),
        "the mode is read, and a blocked vCPU woken, before the request can be seen",
    ),
)

MUTANTS = (*ARM64, *X86_MUTANTS)

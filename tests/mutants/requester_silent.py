"""Mutants that ask and do not kick: KICK010 on x86 and in generic code."""

from __future__ import annotations

import re

from kernel_edits import KVM_MAIN, SVM, VMX, X86, Above, Edit, Replace

from mutants.model import Mutant
from mutants.spelling import (
    HYPERV,
    I8259,
    KICK,
    LAPIC,
    MMU,
    SEV,
    VMX_NESTED,
    WAKE,
    XEN,
    drop,
    request,
    silent,
)

EVENT = request("EVENT")
RUNS_ON = "a vCPU in the guest stays there and learns of the request at its next exit, if there is one"
WAKE_ONLY = "the wake-up does nothing for a vCPU that is in the guest"
SLEEPS_ON = "a blocked vCPU is not woken, and nothing else will wake it"


def mute(
    identity: str,
    architecture: str,
    functions: tuple[str, ...],
    edits: tuple[Edit, ...],
    why: str = RUNS_ON,
    operator: str = "delete",
) -> Mutant:
    """A mutant for KICK010."""
    return Mutant(identity, "KICK010", architecture, functions, operator, edits, why)


def all_silent(
    identity: str, architecture: str, path: str, function: str, kind: str, kvm: str = "kvm"
) -> Mutant:
    """kvm_make_all_cpus_request becomes a loop that makes the request and kicks nobody."""
    call = f"kvm_make_all_cpus_request({kvm}, KVM_REQ_{kind});"
    return mute(
        identity,
        architecture,
        (function,),
        (Replace(path, function, call, silent(kvm, kind)),),
        RUNS_ON,
        "weaken",
    )


X86_MUTANTS = (
    mute(
        "x86-010-vmx-deliver", "x86", ("vmx_deliver_interrupt",), (drop(VMX, "vmx_deliver_interrupt", KICK),)
    ),
    mute(
        "x86-010-svm-wake",
        "x86",
        ("svm_complete_interrupt_delivery",),
        (Replace(SVM, "svm_complete_interrupt_delivery", KICK, WAKE),),
        WAKE_ONLY,
        "weaken",
    ),
    mute(
        "x86-010-pic-wrong-vcpu",
        "x86",
        ("pic_unlock",),
        (Replace(I8259, "pic_unlock", KICK, "kvm_vcpu_kick(kvm_get_vcpu(s->kvm, 0));"),),
        "the first vCPU is kicked, and the one with the request is not",
        "wrong-vcpu",
    ),
    mute(
        "x86-010-clock-one-way",
        "x86",
        ("kvmclock_update_fn",),
        (Replace(X86, "kvmclock_update_fn", KICK, f"if (kvm_vcpu_is_blocking(vcpu)) {KICK}"),),
        RUNS_ON,
        "only-on-one-way",
    ),
    mute(
        "x86-010-xen-cancel",
        "x86",
        ("cancel_evtchn_poll",),
        (drop(XEN, "cancel_evtchn_poll", KICK),),
        SLEEPS_ON,
    ),
    mute(
        "x86-010-xen-evtchn",
        "x86",
        ("kvm_xen_set_evtchn_fast",),
        (drop(XEN, "kvm_xen_set_evtchn_fast", KICK),),
        SLEEPS_ON,
    ),
    mute(
        "x86-010-stimer-inverted",
        "x86",
        ("stimer_mark_pending", "stimer_timer_callback"),
        (Replace(HYPERV, "stimer_mark_pending", "if (vcpu_kick)", "if (!vcpu_kick)"),),
        "the timer's callback, which may run on any CPU, asks to kick and gets none",
        "invert",
    ),
    mute(
        "x86-010-stimer-caller",
        "x86",
        ("stimer_mark_pending", "stimer_timer_callback"),
        (
            Replace(
                HYPERV,
                "stimer_timer_callback",
                "stimer_mark_pending(stimer, true);",
                "stimer_mark_pending(stimer, false);",
            ),
        ),
        "the timer's callback, which may run on any CPU, asks for no kick",
        "invert",
    ),
    mute(
        "x86-010-preemption-timer-wake",
        "x86",
        ("vmx_preemption_timer_fn",),
        (
            Replace(
                VMX_NESTED,
                "vmx_preemption_timer_fn",
                "kvm_vcpu_kick(&vmx->vcpu);",
                "kvm_vcpu_wake_up(&vmx->vcpu);",
            ),
        ),
        WAKE_ONLY,
        "weaken",
    ),
    mute(
        "x86-010-init",
        "x86",
        ("__apic_accept_irq",),
        (
            Replace(
                LAPIC,
                "__apic_accept_irq",
                re.compile(
                    r"(1UL << KVM_APIC_INIT\);\s+kvm_make_request\(KVM_REQ_EVENT, vcpu\);)"
                    r"\s+kvm_vcpu_kick\(vcpu\);"
                ),
                r"\1",
            ),
        ),
    ),
    mute(
        "x86-010-startup-helper",
        "x86",
        ("__apic_accept_irq", "apic_notify_sipi"),
        (
            Above(
                LAPIC,
                "__apic_accept_irq",
                "static void apic_notify_sipi(struct kvm_vcpu *v, bool asleep)\n{\n"
                "\tkvm_make_request(KVM_REQ_EVENT, v);\n\tif (asleep)\n\t\tkvm_vcpu_kick(v);\n}",
            ),
            Replace(
                LAPIC,
                "__apic_accept_irq",
                f"set_bit(KVM_APIC_SIPI, &apic->pending_events); {EVENT} {KICK}",
                "set_bit(KVM_APIC_SIPI, &apic->pending_events); "
                "apic_notify_sipi(vcpu, kvm_vcpu_is_blocking(vcpu));",
            ),
        ),
        RUNS_ON,
        "hide",
    ),
    mute(
        "x86-010-nmi",
        "x86",
        ("__apic_accept_irq", "kvm_inject_nmi"),
        (Replace(LAPIC, "__apic_accept_irq", f"kvm_inject_nmi(vcpu); {KICK}", "kvm_inject_nmi(vcpu);"),),
    ),
    mute(
        "x86-010-async-page-inverted",
        "x86",
        ("kvm_arch_async_page_present_queued",),
        (
            Replace(
                X86,
                "kvm_arch_async_page_present_queued",
                "if (!vcpu->arch.apf.pageready_pending)",
                "if (vcpu->arch.apf.pageready_pending)",
            ),
        ),
        "the worker kicks when the guest will ask by itself, and not when it will not",
        "invert",
    ),
    mute(
        "x86-010-snp-wrong-vcpu",
        "x86",
        ("sev_snp_ap_creation",),
        (Replace(SEV, "sev_snp_ap_creation", "kvm_vcpu_kick(target_vcpu);", KICK),),
        "the requester kicks itself, and the target stays in the guest",
        "wrong-vcpu",
    ),
    mute(
        "x86-010-hv-flush",
        "x86",
        ("kvm_hv_flush_tlb",),
        (
            Replace(
                HYPERV,
                "kvm_hv_flush_tlb",
                "kvm_make_all_cpus_request(kvm, KVM_REQ_HV_TLB_FLUSH);",
                f"kvm_for_each_vcpu(i, v, kvm) {request('HV_TLB_FLUSH', 'v')}",
            ),
        ),
        "the hypercall returns while other vCPUs run on with the entries that it was to flush",
        "weaken",
    ),
    all_silent("x86-010-zap-all", "x86", MMU, "__kvm_mmu_zap_all_fast_front_half", "MMU_FREE_OBSOLETE_ROOTS"),
    all_silent("x86-010-apic-page", "x86", MMU, "kvm_unmap_gfn_range", "APIC_PAGE_RELOAD"),
    all_silent("x86-010-msr-filter", "x86", X86, "kvm_vm_ioctl_set_msr_filter", "MSR_FILTER_CHANGED"),
    all_silent("x86-010-apicv", "x86", X86, "__kvm_set_or_clear_apicv_inhibit", "APICV_UPDATE"),
)

MAKE = ("kvm_make_vcpu_request", "kvm_make_all_cpus_request", "kvm_make_vcpus_request_mask")
MANY = "called = kvm_kick_many_cpus(cpus, !!(req & KVM_REQUEST_WAIT));"
GENERIC = (
    mute(
        "x86-010-ipi-inverted",
        "x86",
        MAKE,
        (
            Replace(
                KVM_MAIN,
                MAKE[0],
                "if (kvm_request_needs_ipi(vcpu, req)) {",
                "if (!kvm_request_needs_ipi(vcpu, req)) {",
            ),
        ),
        "the IPI goes to vCPUs that need none, and not to those in the guest",
        "invert",
    ),
    mute(
        "arm64-010-many-dropped",
        "arm64",
        ("kvm_make_all_cpus_request",),
        (Replace(KVM_MAIN, "kvm_make_all_cpus_request", MANY, "called = !cpumask_empty(cpus);"),),
        "the CPUs are collected and no IPI is sent to them",
    ),
    mute(
        "riscv-010-mask-one-way",
        "riscv",
        ("kvm_make_vcpus_request_mask",),
        (
            Replace(
                KVM_MAIN,
                "kvm_make_vcpus_request_mask",
                MANY,
                "called = (req & KVM_REQUEST_WAIT) && kvm_kick_many_cpus(cpus, true);",
            ),
        ),
        "requests that need not wait are made and send no IPI",
        "only-on-one-way",
    ),
    mute(
        "arm64-010-cpu-cleared",
        "arm64",
        MAKE,
        (Replace(KVM_MAIN, MAKE[0], "__cpumask_set_cpu(cpu, tmp);", "cpumask_clear_cpu(cpu, tmp);"),),
        "the CPU of a vCPU in the guest is taken out of the mask instead of put in",
        "invert",
    ),
    mute(
        "loongarch-010-or-for-and",
        "loongarch",
        MAKE,
        (
            Replace(
                KVM_MAIN,
                MAKE[0],
                "if (!(req & KVM_REQUEST_NO_WAKEUP) && kvm_vcpu_wake_up(vcpu))",
                "if (!(req & KVM_REQUEST_NO_WAKEUP) || kvm_vcpu_wake_up(vcpu))",
            ),
        ),
        "requests that may wake a vCPU neither wake it nor send an IPI",
        "invert",
    ),
)

MUTANTS = (*X86_MUTANTS, *GENERIC)

"""Edits without meaning on the requester's side on x86."""

from __future__ import annotations

import re

from kernel_edits import SVM, VMX, X86, Above, Replace

from mutants.spelling import (
    HYPERV,
    I8259,
    KICK,
    LAPIC,
    SEV,
    VMX_NESTED,
    XEN,
    neutral,
    request,
    swap,
)

EVENT = request("EVENT")
UNBLOCK = request("UNBLOCK")
STRONGER = "the barrier is at least as strong as the one before"
SHOULD_FN = "kvm_arch_vcpu_should_kick"
ATOMIC = "return kvm_vcpu_exiting_guest_mode(vcpu) == IN_GUEST_MODE;"
TRIGGER = "kvm_vcpu_trigger_posted_interrupt"
DELIVER_PI = "vmx_deliver_posted_interrupt"
SVM_DONE = "svm_complete_interrupt_delivery"
REMOTE_READ = f"vcpu->arch.pv.pv_unhalted = 1; {EVENT} {KICK}"

NEUTRAL = (
    neutral(
        "x86-same-should-ternary",
        "x86",
        "ternary",
        Replace(
            X86,
            SHOULD_FN,
            ATOMIC,
            "int was = kvm_vcpu_exiting_guest_mode(vcpu); return was == IN_GUEST_MODE ? 1 : 0;",
        ),
    ),
    neutral(
        "x86-same-apic-helper",
        "x86",
        "helper",
        Above(
            LAPIC,
            "__apic_accept_irq",
            f"static void apic_event(struct kvm_vcpu *vcpu)\n{{\n\t{EVENT}\n\t{KICK}\n}}",
        ),
        Replace(LAPIC, "__apic_accept_irq", REMOTE_READ, "vcpu->arch.pv.pv_unhalted = 1; apic_event(vcpu);"),
    ),
    neutral(
        "x86-same-vmx-inverted",
        "x86",
        "invert",
        Replace(
            VMX,
            "vmx_deliver_interrupt",
            re.compile(
                r"if \(vmx_deliver_posted_interrupt\(vcpu, vector\)\) (\{.*?\}) else (\{.*?\})", re.DOTALL
            ),
            r"if (!vmx_deliver_posted_interrupt(vcpu, vector)) \2 else \1",
        ),
    ),
    neutral(
        "x86-same-posted-local",
        "x86",
        "temporary",
        Replace(
            VMX,
            TRIGGER,
            "if (vcpu->mode == IN_GUEST_MODE) {",
            "const int mode = READ_ONCE(vcpu->mode); if (mode == IN_GUEST_MODE) {",
        ),
    ),
    neutral(
        "x86-same-posted-bool",
        "x86",
        "bool",
        Replace(
            VMX,
            DELIVER_PI,
            "if (pi_test_and_set_on(&vmx->pi_desc))",
            "bool sent = pi_test_and_set_on(&vmx->pi_desc); if (sent)",
        ),
    ),
    neutral(
        "x86-same-posted-wrapped",
        "x86",
        "helper",
        Above(
            VMX,
            DELIVER_PI,
            "static bool vmx_first_to_notify(struct vcpu_vmx *vmx)\n{\n"
            "\treturn !pi_test_and_set_on(&vmx->pi_desc);\n}",
        ),
        Replace(VMX, DELIVER_PI, "if (pi_test_and_set_on(&vmx->pi_desc))", "if (!vmx_first_to_notify(vmx))"),
    ),
    neutral(
        "x86-same-svm-renamed-local",
        "x86",
        "rename",
        Replace(SVM, SVM_DONE, "bool in_guest_mode =", "bool inside ="),
        Replace(SVM, SVM_DONE, "if (in_guest_mode) {", "if (inside) {"),
    ),
    neutral(
        "x86-same-svm-full-barrier",
        "x86",
        "barrier",
        Replace(SVM, "svm_deliver_interrupt", "smp_mb__after_atomic();", "smp_mb();"),
        why=STRONGER,
    ),
    neutral(
        "x86-same-svm-read-barrier",
        "x86",
        "barrier",
        Replace(
            SVM,
            SVM_DONE,
            "(smp_load_acquire(&vcpu->mode) == IN_GUEST_MODE);",
            "(READ_ONCE(vcpu->mode) == IN_GUEST_MODE); smp_mb();",
        ),
        why=STRONGER,
    ),
    neutral(
        "x86-same-pic-break", "x86", "break-for-return", Replace(I8259, "pic_unlock", "return;", "break;")
    ),
    neutral(
        "x86-same-clock-comma",
        "x86",
        "comma",
        Replace(
            X86,
            "kvmclock_update_fn",
            f"{request('CLOCK_UPDATE')} {KICK}",
            f"{request('CLOCK_UPDATE')[:-1]}, {KICK}",
        ),
    ),
    neutral(
        "x86-same-stimer-early-return",
        "x86",
        "early-return",
        Replace(HYPERV, "stimer_mark_pending", f"if (vcpu_kick) {KICK}", f"if (!vcpu_kick) return; {KICK}"),
    ),
    neutral(
        "x86-same-xen-poller-goto",
        "x86",
        "goto-for-if",
        Replace(
            XEN,
            "kvm_xen_check_poller",
            re.compile(r"if (\(\(poll_evtchn.*?poll_mask\)\)) \{(.*?)\n\t\}", re.DOTALL),
            r"if (!\1)\n\t\tgoto out;\2\nout:\n\treturn;",
        ),
    ),
    neutral(
        "x86-same-xen-macro",
        "x86",
        "macro",
        Above(
            XEN,
            "cancel_evtchn_poll",
            "#define xen_unblock(v)\t\t\t\t\t\t\\\ndo {\t\t\t\t\t\t\t\t\\\n"
            "\tkvm_make_request(KVM_REQ_UNBLOCK, v);\t\t\t\t\\\n\tkvm_vcpu_kick(v);\t\t\t\t\t\\\n} while (0)",
        ),
        Replace(XEN, "cancel_evtchn_poll", f"{UNBLOCK} {KICK}", "xen_unblock(vcpu);"),
    ),
    neutral(
        "x86-same-snp-alias",
        "x86",
        "alias",
        Replace(
            SEV,
            "sev_snp_ap_creation",
            f"{request('UPDATE_PROTECTED_GUEST_STATE', 'target_vcpu')} kvm_vcpu_kick(target_vcpu);",
            "struct kvm_vcpu *ap = target_vcpu; "
            f"{request('UPDATE_PROTECTED_GUEST_STATE', 'ap')} kvm_vcpu_kick(ap);",
        ),
    ),
    neutral(
        "x86-same-preemption-timer-alias",
        "x86",
        "alias",
        Replace(
            VMX_NESTED,
            "vmx_preemption_timer_fn",
            f"{request('EVENT', '&vmx->vcpu')} kvm_vcpu_kick(&vmx->vcpu);",
            f"struct kvm_vcpu *vcpu = &vmx->vcpu; {EVENT} {KICK}",
        ),
    ),
    neutral(
        "x86-same-dirty-log-alias",
        "x86",
        "alias",
        Replace(
            X86,
            "kvm_arch_sync_dirty_log",
            KICK,
            "{ struct kvm_vcpu *running = vcpu; kvm_vcpu_kick(running); }",
        ),
    ),
    neutral(
        "x86-same-apic-timer-trace",
        "x86",
        "extra-statements",
        Replace(
            LAPIC, "apic_timer_expired", UNBLOCK, f'{UNBLOCK} pr_debug("timer of %d\\n", vcpu->vcpu_id);'
        ),
    ),
    neutral(
        "x86-same-timer-counters-swapped",
        "x86",
        "swap",
        swap(
            XEN,
            "xen_timer_callback",
            "e.vcpu_id = vcpu->vcpu_id;",
            "e.vcpu_idx = vcpu->vcpu_idx;",
        ),
        why="two writes to a local that nobody else sees",
    ),
)

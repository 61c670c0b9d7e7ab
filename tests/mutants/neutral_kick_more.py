"""Edits without meaning on the requester's side of arm64 and riscv."""

from __future__ import annotations

import re

from kernel_edits import Above, Replace

from mutants.spelling import (
    ARM,
    KICK,
    PSCI,
    RISCV,
    RISCV_AIA,
    RISCV_SBI,
    RISCV_TLB,
    VGIC,
    VGIC_V4,
    WAKE,
    neutral,
    request,
)

IRQ = request("IRQ_PENDING")
SHOULD_FN = "kvm_arch_vcpu_should_kick"
ATOMIC = "return kvm_vcpu_exiting_guest_mode(vcpu) == IN_GUEST_MODE;"
WHOLE = re.compile(r"\A.*\Z", re.DOTALL)
KICK_VCPUS = f"""void vgic_kick_vcpus(struct kvm *kvm)
{{
	struct kvm_vcpu *vcpu;
	unsigned long c;

	kvm_for_each_vcpu(c, vcpu, kvm) {{
		if (!kvm_vgic_vcpu_pending_irq(vcpu))
			continue;
		{IRQ}
		{KICK}
	}}
}}"""
TARGET = f"{request('IRQ_PENDING', 'target_vcpu')} kvm_vcpu_kick(target_vcpu);"

ARM64 = (
    neutral(
        "arm64-same-should-switch",
        "arm64",
        "switch",
        Replace(
            ARM,
            SHOULD_FN,
            ATOMIC,
            "switch (kvm_vcpu_exiting_guest_mode(vcpu)) { case IN_GUEST_MODE: return 1; default: return 0; }",
        ),
    ),
    neutral(
        "arm64-same-irq-line-helper",
        "arm64",
        "helper",
        Above(
            ARM,
            "vcpu_interrupt_line",
            f"static void arm_notify_irq(struct kvm_vcpu *vcpu)\n{{\n\t{IRQ}\n\t{KICK}\n}}",
        ),
        Replace(ARM, "vcpu_interrupt_line", f"{IRQ} {KICK}", "arm_notify_irq(vcpu);"),
    ),
    neutral(
        "arm64-same-irq-line-inverted",
        "arm64",
        "invert",
        Replace(ARM, "vcpu_interrupt_line", "if (set == level) return 0;", "if (set != level) {"),
        Replace(ARM, "vcpu_interrupt_line", f"{KICK} return 0;", f"{KICK} }} return 0;"),
    ),
    neutral(
        "arm64-same-irq-line-renamed",
        "arm64",
        "rename",
        Replace(ARM, "vcpu_interrupt_line", "vcpu_interrupt_line(", "vcpu_set_input_line("),
        Replace(ARM, "kvm_vm_ioctl_irq_line", "vcpu_interrupt_line(", "vcpu_set_input_line("),
        renamed=(("vcpu_set_input_line", "vcpu_interrupt_line"),),
    ),
    neutral(
        "arm64-same-vgic-macro",
        "arm64",
        "macro",
        Above(
            VGIC,
            "vgic_queue_irq_unlock",
            "#define vgic_notify(v)\t\t\t\t\t\t\\\ndo {\t\t\t\t\t\t\t\t\\\n"
            "\tkvm_make_request(KVM_REQ_IRQ_PENDING, v);\t\t\t\\\n"
            "\tkvm_vcpu_kick(v);\t\t\t\t\t\\\n} while (0)",
        ),
        Replace(VGIC, "vgic_queue_irq_unlock", f"{IRQ} {KICK}", "vgic_notify(vcpu);", 2),
    ),
    neutral(
        "arm64-same-kick-vcpus-moved",
        "arm64",
        "move-file",
        Replace(VGIC, "vgic_kick_vcpus", WHOLE, ""),
        Above(VGIC_V4, "vgic_v4_doorbell_handler", KICK_VCPUS),
    ),
    neutral(
        "arm64-same-kick-vcpus-continue",
        "arm64",
        "continue-for-if",
        Replace(VGIC, "vgic_kick_vcpus", WHOLE, KICK_VCPUS),
    ),
    neutral(
        "arm64-same-prune-alias",
        "arm64",
        "alias",
        Replace(
            VGIC,
            "vgic_prune_ap_list",
            TARGET,
            f"struct kvm_vcpu *to = target_vcpu; {request('IRQ_PENDING', 'to')} kvm_vcpu_kick(to);",
        ),
    ),
    neutral(
        "arm64-same-doorbell-trace",
        "arm64",
        "extra-statements",
        Replace(
            VGIC_V4,
            "vgic_v4_doorbell_handler",
            f"{IRQ} {KICK}",
            f'{IRQ} pr_debug("doorbell %d\\n", irq); {KICK}',
        ),
    ),
    neutral(
        "arm64-same-cpu-on-trace",
        "arm64",
        "extra-statements",
        Replace(PSCI, "kvm_psci_vcpu_on", WAKE, f'{WAKE} pr_debug("on %d\\n", vcpu->vcpu_id);'),
    ),
    neutral(
        "arm64-same-halt-guest-split",
        "arm64",
        "split",
        Above(
            ARM,
            "kvm_arm_halt_guest",
            "static void kvm_arm_pause_all(struct kvm *kvm)\n{\n\tunsigned long i;\n"
            "\tstruct kvm_vcpu *vcpu;\n\n\tkvm_for_each_vcpu(i, vcpu, kvm)\n"
            "\t\tatomic_inc(&vcpu->arch.pause);\n}",
        ),
        Replace(
            ARM,
            "kvm_arm_halt_guest",
            re.compile(r"\{.*kvm_make_all", re.DOTALL),
            "{\n\tkvm_arm_pause_all(kvm);\n\tkvm_make_all",
        ),
    ),
)

RISCV_EDITS = (
    neutral(
        "riscv-same-should-macro",
        "riscv",
        "macro",
        Above(RISCV, SHOULD_FN, "#define was_in_guest(v)\t(kvm_vcpu_exiting_guest_mode(v) == IN_GUEST_MODE)"),
        Replace(RISCV, SHOULD_FN, ATOMIC, "return was_in_guest(vcpu);"),
    ),
    neutral(
        "riscv-same-set-interrupt-guard",
        "riscv",
        "guard",
        Replace(
            RISCV,
            "kvm_riscv_vcpu_set_interrupt",
            re.compile(r"raw_spin_lock_irqsave\(.*?\);(.*?)raw_spin_unlock_irqrestore\(.*?\);", re.DOTALL),
            r"scoped_guard(raw_spinlock_irqsave, &vcpu->arch.irqs_pending_lock) {\1}",
        ),
        Replace(RISCV, "kvm_riscv_vcpu_set_interrupt", "unsigned long flags;", ""),
    ),
    neutral(
        "riscv-same-set-interrupt-helper",
        "riscv",
        "helper",
        Above(
            RISCV,
            "kvm_riscv_vcpu_set_interrupt",
            "static void __mark_pending(struct kvm_vcpu *vcpu, unsigned int irq)\n{\n"
            "\t__set_bit(irq, vcpu->arch.irqs_pending);\n\t__set_bit(irq, vcpu->arch.irqs_pending_mask);\n}",
        ),
        Replace(
            RISCV,
            "kvm_riscv_vcpu_set_interrupt",
            "__set_bit(irq, vcpu->arch.irqs_pending); __set_bit(irq, vcpu->arch.irqs_pending_mask);",
            "__mark_pending(vcpu, irq);",
        ),
    ),
    neutral(
        "riscv-same-hgei-alias",
        "riscv",
        "alias",
        Replace(
            RISCV_AIA,
            "hgei_interrupt",
            "if (hgctrl->owners[i]) kvm_vcpu_kick(hgctrl->owners[i]);",
            "struct kvm_vcpu *owner = hgctrl->owners[i]; if (owner) kvm_vcpu_kick(owner);",
        ),
    ),
    neutral(
        "riscv-same-system-reset-renamed-local",
        "riscv",
        "rename",
        Replace(RISCV_SBI, "kvm_riscv_vcpu_sbi_system_reset", re.compile(r"\btmp\b"), "other", 5),
    ),
    neutral(
        "riscv-same-fence-braces",
        "riscv",
        "do-while",
        Replace(
            RISCV_TLB,
            "make_xfence_request",
            "kvm_make_vcpus_request_mask(kvm, actual_req, vcpu_mask);",
            "do { kvm_make_vcpus_request_mask(kvm, actual_req, vcpu_mask); } while (0);",
        ),
    ),
)

NEUTRAL = (*ARM64, *RISCV_EDITS)

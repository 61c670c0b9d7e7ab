"""Edits without meaning on the requester's side of the smaller architectures."""

from __future__ import annotations

import re

from kernel_edits import Above, Replace

from mutants.spelling import (
    BOOK3S_HV,
    BOOKE,
    E500,
    KICK,
    LOONG,
    LOONG_EXIT,
    MIPS_VZ,
    S390,
    XICS,
    neutral,
    request,
)

SHOULD_FN = "kvm_arch_vcpu_should_kick"
ATOMIC = "return kvm_vcpu_exiting_guest_mode(vcpu) == IN_GUEST_MODE;"

NEUTRAL = (
    neutral(
        "loongarch-same-pv-ipi-helper",
        "loongarch",
        "helper",
        Above(
            LOONG_EXIT,
            "kvm_send_pv_ipi",
            "static void kvm_raise_swi(struct kvm_vcpu *to)\n{\n"
            "\tkvm_queue_irq(to, INT_SWI0);\n\tkvm_vcpu_kick(to);\n}",
        ),
        Replace(
            LOONG_EXIT,
            "kvm_send_pv_ipi",
            "kvm_queue_irq(dest, INT_SWI0); kvm_vcpu_kick(dest);",
            "kvm_raise_swi(dest);",
        ),
    ),
    neutral(
        "loongarch-same-ioctl-order",
        "loongarch",
        "invert",
        Replace(
            LOONG,
            "kvm_vcpu_ioctl_interrupt",
            re.compile(r"if \(intr > 0\)(.*?)else if \(intr < 0\)(.*?)else \{", re.DOTALL),
            r"if (intr < 0)\2else if (intr > 0)\1else {",
        ),
    ),
    neutral(
        "loongarch-same-should-local",
        "loongarch",
        "temporary",
        Replace(
            LOONG,
            SHOULD_FN,
            ATOMIC,
            "int mode = kvm_vcpu_exiting_guest_mode(vcpu); return mode == IN_GUEST_MODE;",
        ),
    ),
    neutral(
        "mips-same-check-inverted",
        "mips",
        "invert",
        Replace(
            MIPS_VZ,
            "kvm_vz_check_requests",
            "if (kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu)) {",
            "bool flush = kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu); if (!flush) return 0; {",
        ),
    ),
    neutral(
        "powerpc-same-tsr-full-barrier",
        "powerpc",
        "barrier",
        Replace(BOOKE, "kvmppc_set_tsr_bits", "smp_wmb();", "smp_mb();"),
        why="the barrier is at least as strong as the one before",
    ),
    neutral(
        "powerpc-same-watchdog-macro",
        "powerpc",
        "macro",
        Above(
            BOOKE,
            "kvmppc_watchdog_func",
            "#define kvmppc_notify(req, v)\t\t\t\t\t\t\\\ndo {\t\t\t\t\t\t\t\t\\\n"
            "\tsmp_wmb();\t\t\t\t\t\t\t\\\n\tkvm_make_request(req, v);\t\t\t\t\t\\\n"
            "\tkvm_vcpu_kick(v);\t\t\t\t\t\t\\\n} while (0)",
        ),
        Replace(
            BOOKE,
            "kvmppc_watchdog_func",
            f"smp_wmb(); {request('WATCHDOG')} {KICK}",
            "kvmppc_notify(KVM_REQ_WATCHDOG, vcpu);",
        ),
    ),
    neutral(
        "powerpc-same-msgsnd-continue",
        "powerpc",
        "continue-for-if",
        Replace(
            E500,
            "kvmppc_e500_emul_msgsnd",
            "if ((param & PPC_DBELL_MSG_BRDCAST) || (cpir == pir)) {",
            "if (!(param & PPC_DBELL_MSG_BRDCAST) && cpir != pir) continue; {",
        ),
    ),
    neutral(
        "powerpc-same-xics-inverted",
        "powerpc",
        "goto-for-if",
        Replace(
            XICS,
            "icp_try_update",
            "if (!change_self) kvmppc_fast_vcpu_kick(icp->vcpu);",
            "if (change_self) goto bail; kvmppc_fast_vcpu_kick(icp->vcpu);",
        ),
    ),
    neutral(
        "powerpc-same-hv-doorbell-alias",
        "powerpc",
        "alias",
        Replace(
            BOOK3S_HV,
            "kvmppc_emulate_doorbell_instr",
            "tvcpu->arch.doorbell_request = 1; kvmppc_fast_vcpu_kick_hv(tvcpu);",
            "struct kvm_vcpu *to = tvcpu; to->arch.doorbell_request = 1; kvmppc_fast_vcpu_kick_hv(to);",
        ),
    ),
    neutral(
        "s390-same-sync-request-alias",
        "s390",
        "alias",
        Replace(
            S390,
            "kvm_s390_sync_request",
            "__kvm_make_request(req, vcpu); kvm_s390_vcpu_request(vcpu);",
            "struct kvm_vcpu *to = vcpu; __kvm_make_request(req, to); kvm_s390_vcpu_request(to);",
        ),
    ),
    neutral(
        "s390-same-gmap-continue",
        "s390",
        "continue-for-if",
        Replace(
            S390,
            "kvm_gmap_notifier",
            "if (prefix <= end && start <= prefix + 2*PAGE_SIZE - 1) {",
            "if (prefix > end || start > prefix + 2*PAGE_SIZE - 1) continue; {",
        ),
    ),
    neutral(
        "s390-same-exit-sie-loop",
        "s390",
        "loop",
        Replace(
            S390,
            "exit_sie",
            "while (vcpu->arch.sie_block->prog0c & PROG_IN_SIE) cpu_relax();",
            "for (;;) { if (!(vcpu->arch.sie_block->prog0c & PROG_IN_SIE)) break; cpu_relax(); }",
        ),
    ),
    neutral(
        "s390-same-request-helper",
        "s390",
        "helper",
        Above(
            S390,
            "kvm_s390_vcpu_request",
            "static void prog20_set(struct kvm_vcpu *vcpu, int bits)\n{\n"
            "\tatomic_or(bits, &vcpu->arch.sie_block->prog20);\n}",
        ),
        Replace(
            S390,
            "kvm_s390_vcpu_request",
            "atomic_or(PROG_REQUEST, &vcpu->arch.sie_block->prog20);",
            "prog20_set(vcpu, PROG_REQUEST);",
        ),
    ),
    neutral(
        "s390-same-broadcast-renamed",
        "s390",
        "rename",
        *(
            Replace(S390, function, "kvm_s390_sync_request_broadcast(", "kvm_s390_ask_all(")
            for function in (
                "kvm_s390_sync_request_broadcast",
                "kvm_s390_vm_start_migration",
                "kvm_s390_vm_stop_migration",
                "kvm_arch_crypto_set_masks",
                "kvm_arch_crypto_clear_masks",
            )
        ),
        renamed=(("kvm_s390_ask_all", "kvm_s390_sync_request_broadcast"),),
    ),
)

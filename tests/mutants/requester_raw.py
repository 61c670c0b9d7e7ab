"""Mutants that go past the request API, or break what it promises: KICK013."""

from __future__ import annotations

from kernel_edits import KVM_MAIN, VMX, X86, Above, Edit, Replace

from mutants.model import Mutant
from mutants.spelling import (
    ARM,
    BOOKE,
    DIRTY_RING,
    HOST_H,
    LOONG_MMU,
    MIPS_VZ,
    RISCV_VMID,
    S390_H,
    VGIC,
    request,
)


def raw(
    identity: str,
    architecture: str,
    functions: tuple[str, ...],
    edits: tuple[Edit, ...],
    why: str,
    operator: str = "re-point",
) -> Mutant:
    """A mutant for KICK013."""
    return Mutant(identity, "KICK013", architecture, functions, operator, edits, why)


def bit(kind: str, vcpu: str = "vcpu", call: str = "set_bit") -> str:
    """A bit operation on the requests, masked as the API does it."""
    return f"{call}(KVM_REQ_{kind} & KVM_REQUEST_MASK, (void *)&{vcpu}->requests);"


HFLAGS = "vcpu->arch.hflags = 0;"
PREFIX = "REFRESH_GUEST_PREFIX"
BYPASS = "set_bit() has no write barrier before it: the state of the request may be seen after the request"
FLAGS = "the flags above the mask make it a bit far behind the word: the request itself is never set"
FLAGLESS = "raw and unmasked it works only as long as nobody gives the request a flag, and has no barrier"
STUCK = "kvm_request_pending() stays true, so every entry is abandoned and the guest never runs again"

PAST_THE_API = (
    raw(
        "arm64-013-raw-irq",
        "arm64",
        ("vcpu_interrupt_line",),
        (Replace(ARM, "vcpu_interrupt_line", request("IRQ_PENDING"), bit("IRQ_PENDING")),),
        BYPASS,
    ),
    raw(
        "x86-013-raw-nmi",
        "x86",
        ("kvm_inject_nmi",),
        (Replace(X86, "kvm_inject_nmi", request("NMI"), bit("NMI")),),
        BYPASS,
    ),
    raw(
        "x86-013-raw-alias",
        "x86",
        ("vmx_deliver_interrupt",),
        (
            Replace(
                VMX,
                "vmx_deliver_interrupt",
                request("EVENT"),
                "u64 *bits = &vcpu->requests; set_bit(KVM_REQ_EVENT & KVM_REQUEST_MASK, (void *)bits);",
            ),
        ),
        BYPASS,
        "hide",
    ),
    raw(
        "x86-013-raw-zero",
        "x86",
        ("kvm_vcpu_reset",),
        (
            Replace(
                X86, "kvm_vcpu_reset", "vcpu->arch.hflags = 0;", "vcpu->arch.hflags = 0; vcpu->requests = 0;"
            ),
        ),
        "requests that other threads made of the vCPU, and kicked it for, are thrown away",
    ),
    raw(
        "riscv-013-raw-unmasked",
        "riscv",
        ("kvm_riscv_gstage_vmid_update",),
        (
            Replace(
                RISCV_VMID,
                "kvm_riscv_gstage_vmid_update",
                request("UPDATE_HGATP", "v"),
                "set_bit(KVM_REQ_UPDATE_HGATP, (void *)&v->requests);",
            ),
        ),
        FLAGLESS,
    ),
    raw(
        "loongarch-013-raw-unmasked",
        "loongarch",
        ("kvm_map_page",),
        (
            Replace(
                LOONG_MMU,
                "kvm_map_page",
                request("TLB_FLUSH"),
                "set_bit(KVM_REQ_TLB_FLUSH, (void *)&vcpu->requests);",
            ),
        ),
        FLAGS,
    ),
    raw(
        "powerpc-013-not-atomic",
        "powerpc",
        ("kvmppc_set_tsr_bits",),
        (
            Replace(
                BOOKE,
                "kvmppc_set_tsr_bits",
                request("PENDING_TIMER"),
                "vcpu->requests |= BIT(KVM_REQ_PENDING_TIMER & KVM_REQUEST_MASK);",
            ),
        ),
        "the write is not atomic: a request that another thread makes at the same time is lost",
    ),
    raw(
        "s390-013-raw-prefix",
        "s390",
        ("kvm_s390_set_prefix",),
        (
            Replace(
                S390_H, "kvm_s390_set_prefix", request("REFRESH_GUEST_PREFIX"), bit("REFRESH_GUEST_PREFIX")
            ),
        ),
        BYPASS,
    ),
    raw(
        "mips-013-raw-check",
        "mips",
        ("kvm_vz_check_requests",),
        (
            Replace(
                MIPS_VZ,
                "kvm_vz_check_requests",
                "if (kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu)) {",
                "if (vcpu->requests & BIT(KVM_REQ_TLB_FLUSH & KVM_REQUEST_MASK)) { "
                + bit("TLB_FLUSH", call="clear_bit"),
            ),
        ),
        "clear_bit() has no barrier behind it: the state of a request made again may be read too early",
    ),
    raw(
        "arm64-013-raw-helper",
        "arm64",
        ("vgic_kick_vcpus", "vgic_set_request"),
        (
            Above(
                VGIC,
                "vgic_kick_vcpus",
                "static inline void vgic_set_request(unsigned long nr, struct kvm_vcpu *v)\n{\n"
                "\t__set_bit(nr, (unsigned long *)&v->requests);\n}",
            ),
            Replace(
                VGIC,
                "vgic_kick_vcpus",
                request("IRQ_PENDING"),
                "vgic_set_request(KVM_REQ_IRQ_PENDING & KVM_REQUEST_MASK, vcpu);",
            ),
        ),
        "__set_bit() is not atomic: a request that another thread makes at the same time is lost",
        "hide",
    ),
    raw(
        "x86-013-raw-dirty-ring",
        "x86",
        ("kvm_dirty_ring_check_request",),
        (
            Replace(
                DIRTY_RING,
                "kvm_dirty_ring_check_request",
                "kvm_check_request(KVM_REQ_DIRTY_RING_SOFT_FULL, vcpu)",
                "test_and_clear_bit(KVM_REQ_DIRTY_RING_SOFT_FULL, (void *)&vcpu->requests)",
            ),
        ),
        FLAGLESS,
    ),
)

THE_API = (
    raw(
        "x86-013-make-unmasked",
        "x86",
        ("__kvm_make_request",),
        (Replace(HOST_H, "__kvm_make_request", "set_bit(req & KVM_REQUEST_MASK,", "set_bit(req,"),),
        FLAGS,
        "weaken",
    ),
    raw(
        "riscv-013-test-unmasked",
        "riscv",
        ("kvm_test_request",),
        (Replace(HOST_H, "kvm_test_request", "test_bit(req & KVM_REQUEST_MASK,", "test_bit(req,"),),
        "requests with flags are set in one place and looked for in another",
        "weaken",
    ),
    raw(
        "arm64-013-clear-unmasked",
        "arm64",
        ("kvm_clear_request",),
        (Replace(HOST_H, "kvm_clear_request", "clear_bit(req & KVM_REQUEST_MASK,", "clear_bit(req,"),),
        STUCK,
        "weaken",
    ),
    raw(
        "x86-013-no-action-kept",
        "x86",
        ("kvm_make_vcpu_request",),
        (
            Replace(
                KVM_MAIN,
                "kvm_make_vcpu_request",
                "if (likely(!(req & KVM_REQUEST_NO_ACTION))) __kvm_make_request(req, vcpu);",
                "__kvm_make_request(req, vcpu);",
            ),
        ),
        "KVM_REQ_OUTSIDE_GUEST_MODE has no bit of its own: it is logged as the one whose number is 0",
        "delete",
    ),
    raw(
        "x86-013-no-action-made",
        "x86",
        ("kvm_arch_sync_dirty_log",),
        (
            Replace(
                X86,
                "kvm_arch_sync_dirty_log",
                "kvm_vcpu_kick(vcpu);",
                f"{{ {request('OUTSIDE_GUEST_MODE')} kvm_vcpu_kick(vcpu); }}",
            ),
        ),
        "a request that asks for no action is logged, as the one whose number is 0",
        "re-point",
    ),
    raw(
        "arm64-013-no-action-made",
        "arm64",
        ("vgic_kick_vcpus",),
        (
            Replace(
                VGIC,
                "vgic_kick_vcpus",
                request("IRQ_PENDING"),
                "__kvm_make_request(KVM_REQ_OUTSIDE_GUEST_MODE, vcpu);",
            ),
        ),
        "logged as KVM_REQ_TLB_FLUSH, which arm64 never clears: " + STUCK,
        "re-point",
    ),
)


MUTANTS = (*PAST_THE_API, *THE_API)

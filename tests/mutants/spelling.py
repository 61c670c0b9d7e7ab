"""Where things stand in the kernel, and short ways to spell edits of them."""

from __future__ import annotations

from kernel_edits import Edit, Replace

from mutants.model import Neutral

HOST_H = "include/linux/kvm_host.h"
ASYNC_PF = "virt/kvm/async_pf.c"
DIRTY_RING = "virt/kvm/dirty_ring.c"

LAPIC = "arch/x86/kvm/lapic.c"
XEN = "arch/x86/kvm/xen.c"
HYPERV = "arch/x86/kvm/hyperv.c"
I8259 = "arch/x86/kvm/i8259.c"
MMU = "arch/x86/kvm/mmu/mmu.c"
SEV = "arch/x86/kvm/svm/sev.c"
AVIC = "arch/x86/kvm/svm/avic.c"
VMX_NESTED = "arch/x86/kvm/vmx/nested.c"

ARM = "arch/arm64/kvm/arm.c"
PSCI = "arch/arm64/kvm/psci.c"
ARM_NESTED = "arch/arm64/kvm/nested.c"
ARM_PMU = "arch/arm64/kvm/pmu-emul.c"
VGIC = "arch/arm64/kvm/vgic/vgic.c"
VGIC_V4 = "arch/arm64/kvm/vgic/vgic-v4.c"
VGIC_MMIO_V3 = "arch/arm64/kvm/vgic/vgic-mmio-v3.c"

RISCV = "arch/riscv/kvm/vcpu.c"
RISCV_AIA = "arch/riscv/kvm/aia.c"
RISCV_HSM = "arch/riscv/kvm/vcpu_sbi_hsm.c"
RISCV_IMSIC = "arch/riscv/kvm/aia_imsic.c"
RISCV_SBI = "arch/riscv/kvm/vcpu_sbi.c"
RISCV_TLB = "arch/riscv/kvm/tlb.c"
RISCV_VMID = "arch/riscv/kvm/vmid.c"

LOONG = "arch/loongarch/kvm/vcpu.c"
LOONG_EXIT = "arch/loongarch/kvm/exit.c"
LOONG_MMU = "arch/loongarch/kvm/mmu.c"

MIPS = "arch/mips/kvm/mips.c"
MIPS_VZ = "arch/mips/kvm/vz.c"

PPC = "arch/powerpc/kvm/powerpc.c"
BOOKE = "arch/powerpc/kvm/booke.c"
E500 = "arch/powerpc/kvm/e500_emulate.c"
BOOK3S = "arch/powerpc/kvm/book3s.c"
BOOK3S_HV = "arch/powerpc/kvm/book3s_hv.c"
BOOK3S_PR = "arch/powerpc/kvm/book3s_pr.c"
XICS = "arch/powerpc/kvm/book3s_xics.c"
XIVE = "arch/powerpc/kvm/book3s_xive.c"

S390 = "arch/s390/kvm/kvm-s390.c"
S390_H = "arch/s390/kvm/kvm-s390.h"
VSIE = "arch/s390/kvm/vsie.c"

KICK = "kvm_vcpu_kick(vcpu);"
WAKE = "kvm_vcpu_wake_up(vcpu);"


def request(kind: str, vcpu: str = "vcpu") -> str:
    """The statement that makes a request of this kind."""
    return f"kvm_make_request(KVM_REQ_{kind}, {vcpu});"


def swap(path: str, function: str, first: str, second: str) -> Replace:
    """Two statements, one right behind the other, change places."""
    return Replace(path, function, f"{first} {second}", f"{second}\n\t{first}")


def drop(path: str, function: str, statement: str, count: int = 1) -> Replace:
    """A statement goes; an empty one stays, so that an if or a loop around it keeps a body."""
    return Replace(path, function, statement, ";", count)


def silent(kvm: str, kind: str) -> str:
    """A loop that makes a request of all the vCPUs and kicks none."""
    return (
        f"{{ struct kvm_vcpu *each; unsigned long at; "
        f"kvm_for_each_vcpu(at, each, {kvm}) {request(kind, 'each')} }}"
    )


def neutral(
    identity: str,
    architecture: str,
    operator: str,
    *edits: Edit,
    why: str = "the same steps in the same order, spelled in another way",
    renamed: tuple[tuple[str, str], ...] = (),
) -> Neutral:
    """An edit without meaning."""
    return Neutral(identity, architecture, operator, edits, why, renamed)

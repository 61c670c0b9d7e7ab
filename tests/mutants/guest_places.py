"""Where the vCPU's side of the protocol stands in 6.12: files, functions, the lines that edits meet."""

from __future__ import annotations

KVM_HOST = "include/linux/kvm_host.h"
KVM_MAIN = "virt/kvm/kvm_main.c"

X86 = "arch/x86/kvm/x86.c"
X86_RUN = "vcpu_enter_guest"
X86_MODE = "smp_store_release(&vcpu->mode, IN_GUEST_MODE);"
X86_IRQ = "local_irq_disable(); /* Store vcpu->apicv_active before vcpu->mode. */"
X86_PIR = (
    "if (kvm_lapic_enabled(vcpu)) kvm_x86_call(sync_pir_to_irr)(vcpu); if (kvm_vcpu_exit_request(vcpu)) {"
)
X86_TEST = "if (kvm_vcpu_exit_request(vcpu)) {"
X86_TIMING = "guest_timing_enter_irqoff();"
X86_AGAIN = "run_flags = 0; /* Note,"
X86_ABORT = "vcpu->mode = OUTSIDE_GUEST_MODE; smp_wmb(); local_irq_enable(); preempt_enable();"
X86_EXIT = "vcpu->mode = OUTSIDE_GUEST_MODE; smp_wmb(); /* * Sync xfd"
VMX = "arch/x86/kvm/vmx/vmx.c"
SVM = "arch/x86/kvm/svm/svm.c"
MMU = "arch/x86/kvm/mmu/mmu.c"

ARM = "arch/arm64/kvm/arm.c"
ARM_RUN = "kvm_arch_vcpu_ioctl_run"
ARM_MODE = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
ARM_IRQ = "local_irq_disable(); kvm_vgic_flush_hwstate(vcpu);"
ARM_TIMING = "guest_timing_enter_irqoff();"
ARM_DEBUG = "kvm_arm_setup_debug(vcpu);"
ARM_ENTER = "ret = kvm_arm_vcpu_enter_exit(vcpu);"
ARM_OUTSIDE = "smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE);"
ARM_ABORT = f"{ARM_OUTSIDE} local_irq_enable(); preempt_enable(); continue;"
ARM_EXIT = f"{ARM_OUTSIDE} /* * We must ensure that any pending"

RISCV = "arch/riscv/kvm/vcpu.c"
RISCV_RUN = "kvm_arch_vcpu_ioctl_run"
RISCV_MODE = "vcpu->mode = IN_GUEST_MODE;"
RISCV_IRQ = "local_irq_disable(); /* * Ensure we set mode"
RISCV_SANITIZE = "kvm_riscv_local_tlb_sanitize(vcpu);"
RISCV_ENTER = "kvm_riscv_vcpu_enter_exit(vcpu);"
RISCV_OUTSIDE = "vcpu->mode = OUTSIDE_GUEST_MODE;"
RISCV_ABORT = f"{RISCV_OUTSIDE} local_irq_enable(); preempt_enable();"
RISCV_EXIT = f"{RISCV_OUTSIDE} vcpu->stat.exits++;"

SRCU_UNLOCK = "kvm_vcpu_srcu_read_unlock(vcpu);"
SRCU_MB = "smp_mb__after_srcu_read_unlock();"

LOONGARCH = "arch/loongarch/kvm/vcpu.c"
LOONGARCH_RUN = "kvm_arch_vcpu_ioctl_run"
LOONGARCH_PRE = "kvm_pre_enter_guest"
LOONGARCH_EXITED = "kvm_handle_exit"
LOONGARCH_MODE = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
LOONGARCH_OUTSIDE = "smp_store_mb(vcpu->mode, OUTSIDE_GUEST_MODE);"

MIPS = "arch/mips/kvm/mips.c"
MIPS_RUN = "kvm_arch_vcpu_ioctl_run"
MIPS_EXITED = "__kvm_mips_handle_exit"
MIPS_MODE = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
MIPS_OUTSIDE = "vcpu->mode = OUTSIDE_GUEST_MODE;"
VZ = "arch/mips/kvm/vz.c"
VZ_RUN = "kvm_vz_vcpu_run"
VZ_REENTER = "kvm_vz_vcpu_reenter"

POWERPC = "arch/powerpc/kvm/powerpc.c"
PREPARE = "kvmppc_prepare_to_enter"
PPC_MODE = "vcpu->mode = IN_GUEST_MODE;"
PPC_OUTSIDE = "vcpu->mode = OUTSIDE_GUEST_MODE;"
CORE_PREPARE = "kvmppc_core_prepare_to_enter"
BOOKE = "arch/powerpc/kvm/booke.c"
BOOKE_RUN = "kvmppc_vcpu_run"
BOOKE_EXITED = "kvmppc_handle_exit"
PR = "arch/powerpc/kvm/book3s_pr.c"
PR_RUN = "kvmppc_vcpu_run_pr"
PR_EXITED = "kvmppc_handle_exit_pr"
HV = "arch/powerpc/kvm/book3s_hv.c"
HV_RUN = "kvmhv_run_single_vcpu"

S390 = "arch/s390/kvm/kvm-s390.c"
VSIE = "arch/s390/kvm/vsie.c"

# The functions that hold the guest entry: a finding about what is wrong when the guest
# is entered may stand there too.
ENTRIES = {
    "x86": ("vmx_vcpu_run", "vmx_vcpu_enter_exit", "svm_vcpu_run", "svm_vcpu_enter_exit"),
    "arm64": ("kvm_arm_vcpu_enter_exit",),
    "riscv": ("kvm_riscv_vcpu_enter_exit",),
    "loongarch": (LOONGARCH_RUN, LOONGARCH_EXITED),
    "mips": ("kvm_mips_vcpu_enter_exit", VZ_RUN, "kvm_mips_handle_exit"),
    "powerpc": (BOOKE_RUN, BOOKE_EXITED, PR_RUN, PR_EXITED),
}

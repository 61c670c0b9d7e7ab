"""KICK001, KICK002 and KICK003 in places where the other tests of the kernel do not edit."""

from __future__ import annotations

from kernel_edits import Above, Edit, Replace

from mutants.guest_places import (
    BOOKE,
    CORE_PREPARE,
    KVM_HOST,
    KVM_MAIN,
    LOONGARCH,
    LOONGARCH_EXITED,
    LOONGARCH_PRE,
    LOONGARCH_RUN,
    MIPS_EXITED,
    MIPS_RUN,
    POWERPC,
    PPC_MODE,
    PR_EXITED,
    PR_RUN,
    PREPARE,
    RISCV,
    RISCV_EXIT,
    RISCV_OUTSIDE,
    RISCV_RUN,
    SVM,
    VMX,
    VZ,
    VZ_REENTER,
    VZ_RUN,
    X86,
    X86_RUN,
    X86_TEST,
)
from mutants.model import Mutant

EXITING = "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"
TO_EXITING = f"if (vcpu->mode == IN_GUEST_MODE) {EXITING}"
UNGUARDED = (
    "With no request pending nothing stops the entry, and the guest runs with a mode that no kick acts on."
)
SELF = "The vCPU's own request sends no IPI and comes behind the last test: the guest runs with it pending."
ARM_DEBUG = "arch/arm64/kvm/debug.c"
RISCV_TLB = "arch/riscv/kvm/tlb.c"


def mutant(name: str, operator: str, functions: tuple[str, ...], *edits: Edit, why: str) -> Mutant:
    """The mutant called ``name``: architecture, rule, the rest."""
    architecture, rule, _ = name.split("-", 2)
    return Mutant(name, rule.upper(), architecture, functions, operator, edits, why)


TRANSITIONS = (
    mutant(
        "x86-kick001-exiting-for-a-posted-interrupt",
        "weaken",
        ("vmx_sync_pir_to_irr",),
        Replace(VMX, "vmx_sync_pir_to_irr", "kvm_make_request(KVM_REQ_EVENT, vcpu);", TO_EXITING),
        why="The mode goes to EXITING with no request made: a test of the requests alone lets it in.",
    ),
    mutant(
        "x86-kick001-helper-in-a-header",
        "split",
        ("kvm_vcpu_exit_self",),
        Above(
            KVM_HOST,
            "kvm_vcpu_exiting_guest_mode",
            f"static inline void kvm_vcpu_exit_self(struct kvm_vcpu *vcpu)\n{{\n\t{TO_EXITING}\n}}",
        ),
        Replace(
            SVM,
            "pre_svm_run",
            "vmcb_mark_all_dirty(svm->vmcb);",
            "vmcb_mark_all_dirty(svm->vmcb); kvm_vcpu_exit_self(vcpu);",
        ),
        why=UNGUARDED,
    ),
    mutant(
        "x86-kick001-kick-of-oneself-in-a-helper",
        "hide",
        ("kvm_vcpu_kick_self",),
        Above(
            KVM_MAIN,
            "kvm_vcpu_kick",
            f"static void kvm_vcpu_kick_self(struct kvm_vcpu *vcpu)\n{{\n\t{TO_EXITING}\n}}",
        ),
        Replace(KVM_MAIN, "kvm_vcpu_kick", TO_EXITING, "kvm_vcpu_kick_self(vcpu);"),
        why=UNGUARDED,
    ),
    mutant(
        "riscv-kick001-exiting-for-an-interrupt",
        "weaken",
        ("kvm_riscv_vcpu_flush_interrupts",),
        Replace(
            RISCV, "kvm_riscv_vcpu_flush_interrupts", "csr->hvip |= val;", f"csr->hvip |= val; {TO_EXITING}"
        ),
        why="riscv's last test does not read the mode: the guest runs with EXITING, no kick sends an IPI.",
    ),
    mutant(
        "arm64-kick001-guard-with-or",
        "invert",
        ("kvm_arm_setup_debug",),
        Replace(
            ARM_DEBUG,
            "kvm_arm_setup_debug",
            "kvm_arm_setup_mdcr_el2(vcpu);",
            "kvm_arm_setup_mdcr_el2(vcpu); if (kvm_request_pending(vcpu) || vcpu->guest_debug) { "
            f"{TO_EXITING} }}",
        ),
        why=UNGUARDED,
    ),
    mutant(
        "loongarch-kick001-guard-the-wrong-way",
        "invert",
        ("kvm_late_check_requests",),
        Replace(
            LOONGARCH,
            "kvm_late_check_requests",
            "kvm_own_pmu(vcpu);",
            f"kvm_own_pmu(vcpu); if (!kvm_request_pending(vcpu) && vcpu->mode == IN_GUEST_MODE) {EXITING}",
        ),
        why=UNGUARDED,
    ),
)


SELF_REQUESTS = (
    mutant(
        "x86-kick002-flush-for-a-new-asid",
        "split",
        ("pre_svm_run", "svm_vcpu_run", X86_RUN),
        Replace(
            SVM,
            "pre_svm_run",
            "new_asid(svm, sd);",
            "{ new_asid(svm, sd); kvm_make_request(KVM_REQ_TLB_FLUSH_CURRENT, vcpu); }",
        ),
        why=SELF,
    ),
    mutant(
        "x86-kick002-pmu-event-at-the-msr-switch",
        "split",
        ("atomic_switch_perf_msrs", "vmx_vcpu_run", X86_RUN),
        Replace(
            VMX,
            "atomic_switch_perf_msrs",
            "intel_pmu_cross_mapped_check(pmu);",
            "{ intel_pmu_cross_mapped_check(pmu); kvm_make_request(KVM_REQ_PMU, &vmx->vcpu); }",
        ),
        why=SELF,
    ),
    mutant(
        "x86-kick002-event-while-the-timer-is-awaited",
        "split",
        ("__kvm_wait_lapic_expire", "kvm_wait_lapic_expire", "vmx_vcpu_run", "svm_vcpu_run", X86_RUN),
        Replace(
            "arch/x86/kvm/lapic.c",
            "__kvm_wait_lapic_expire",
            "adjust_lapic_timer_advance(vcpu, guest_tsc - tsc_deadline);",
            "adjust_lapic_timer_advance(vcpu, guest_tsc - tsc_deadline); "
            "kvm_make_request(KVM_REQ_EVENT, vcpu);",
        ),
        why=SELF,
    ),
    mutant(
        "arm64-kick002-steal-time-at-the-fpu-flush",
        "split",
        ("kvm_arch_vcpu_ctxflush_fp", "kvm_arch_vcpu_ioctl_run"),
        Replace(
            "arch/arm64/kvm/fpsimd.c",
            "kvm_arch_vcpu_ctxflush_fp",
            "*host_data_ptr(fp_owner) = FP_STATE_FREE;",
            "{ *host_data_ptr(fp_owner) = FP_STATE_FREE; kvm_make_request(KVM_REQ_RECORD_STEAL, vcpu); }",
        ),
        why=SELF,
    ),
    mutant(
        "riscv-kick002-fence-for-a-new-cpu",
        "split",
        ("kvm_riscv_local_tlb_sanitize", RISCV_RUN),
        Replace(
            RISCV_TLB,
            "kvm_riscv_local_tlb_sanitize",
            "kvm_riscv_local_hfence_gvma_vmid_all(vmid);",
            "kvm_riscv_local_hfence_gvma_vmid_all(vmid); kvm_make_request(KVM_REQ_FENCE_I, vcpu);",
        ),
        why=SELF,
    ),
    mutant(
        "loongarch-kick002-steal-time-before-the-entry",
        "move",
        (LOONGARCH_RUN,),
        Replace(
            LOONGARCH,
            LOONGARCH_RUN,
            "trace_kvm_enter(vcpu);",
            "kvm_make_request(KVM_REQ_STEAL_UPDATE, vcpu); trace_kvm_enter(vcpu);",
        ),
        why=SELF,
    ),
    mutant(
        "loongarch-kick002-pmu-given-up-before-the-next-entry",
        "move",
        (LOONGARCH_EXITED, "kvm_lose_pmu"),
        Replace(LOONGARCH, LOONGARCH_EXITED, "kvm_lose_pmu(vcpu);", ""),
        Replace(LOONGARCH, LOONGARCH_EXITED, "trace_kvm_reenter(vcpu);", "kvm_lose_pmu(vcpu);"),
        why="kvm_lose_pmu() makes KVM_REQ_PMU behind the test: the guest runs without its PMU.",
    ),
    mutant(
        "mips-kick002-flush-for-a-new-guest-id",
        "hide",
        ("kvm_vz_vcpu_load_tlb", VZ_RUN, VZ_REENTER, MIPS_RUN, MIPS_EXITED),
        Replace(
            VZ,
            "kvm_vz_vcpu_load_tlb",
            "kvm_vz_get_new_guestid(cpu, vcpu);",
            "kvm_vz_get_new_guestid(cpu, vcpu); kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);",
        ),
        why="kvm_vz_vcpu_load_tlb() runs behind the only look at the requests before the guest.",
    ),
    mutant(
        "powerpc-kick002-exception-delivery-not-looked-at",
        "delete",
        (CORE_PREPARE, "kvmppc_booke_irqprio_deliver", PREPARE),
        Replace(
            BOOKE,
            CORE_PREPARE,
            "if (kvm_request_pending(vcpu)) { /* Exception delivery raised request; start over */ "
            "return 1; }",
            "",
        ),
        why="Delivering an exception may make KVM_REQ_EPR_EXIT, behind the caller's test of the requests.",
    ),
)

AGAIN = """
static fastpath_t svm_vcpu_run_again(struct kvm_vcpu *vcpu, u64 run_flags)
{
	fastpath_t fastpath;

	do {
		fastpath = svm_vcpu_run(vcpu, run_flags);
	} while (fastpath == EXIT_FASTPATH_REENTER_GUEST);
	return fastpath;
}
"""
VZ_FAST = """
static void kvm_vz_vcpu_reenter_fast(struct kvm_vcpu *vcpu)
{
	kvm_vz_vcpu_load_tlb(vcpu, smp_processor_id());
}
"""
UNTESTED = (
    mutant(
        "x86-kick003-no-test-for-nested-guests",
        "branch",
        (X86_RUN,),
        Replace(X86, X86_RUN, X86_TEST, "if (!is_guest_mode(vcpu) && kvm_vcpu_exit_request(vcpu)) {"),
        why="A nested guest is entered with whatever requests came before the write of the mode.",
    ),
    mutant(
        "x86-kick003-svm-runs-again-by-itself",
        "re-point",
        ("svm_vcpu_run_again", "svm_vcpu_run", "svm_vcpu_enter_exit", X86_RUN),
        Above(SVM, "svm_hardware_setup", AGAIN),
        Replace(
            SVM,
            "svm_hardware_setup",
            "svm_x86_ops.vcpu_blocking = NULL;",
            "svm_x86_ops.vcpu_run = svm_vcpu_run_again; svm_x86_ops.vcpu_blocking = NULL;",
        ),
        why="A fast exit's handler may make a request, and the loop enters the guest again without a look.",
    ),
    mutant(
        "riscv-kick003-second-entry-without-a-test",
        "branch",
        (RISCV_RUN, "kvm_riscv_vcpu_enter_exit"),
        Replace(
            RISCV,
            RISCV_RUN,
            RISCV_EXIT,
            f"{RISCV_OUTSIDE} if (csr_read(CSR_SCAUSE) == (CAUSE_IRQ_FLAG | IRQ_S_SOFT)) {{ "
            "smp_store_mb(vcpu->mode, IN_GUEST_MODE); kvm_riscv_vcpu_enter_exit(vcpu); "
            f"{RISCV_OUTSIDE} }} vcpu->stat.exits++;",
        ),
        why="A request made while the mode was OUTSIDE sent no IPI, and the second entry does not look.",
    ),
    mutant(
        "loongarch-kick003-test-only-with-a-pmu",
        "branch",
        (LOONGARCH_PRE, LOONGARCH_RUN, LOONGARCH_EXITED),
        Replace(
            LOONGARCH,
            LOONGARCH_PRE,
            "if (kvm_request_pending(vcpu) || xfer_to_guest_mode_work_pending()) {",
            "if ((vcpu->arch.aux_inuse & KVM_LARCH_PMU) && "
            "(kvm_request_pending(vcpu) || xfer_to_guest_mode_work_pending())) {",
        ),
        why="Without the PMU in use only two kinds of request are consumed before the guest.",
    ),
    mutant(
        "mips-kick003-re-entry-re-pointed",
        "re-point",
        (MIPS_EXITED, "kvm_mips_handle_exit", "kvm_vz_vcpu_reenter_fast"),
        Above(VZ, "kvm_mips_emulation_init", VZ_FAST),
        Replace(
            VZ,
            "kvm_mips_emulation_init",
            "pr_info(",
            "kvm_vz_callbacks.vcpu_reenter = kvm_vz_vcpu_reenter_fast; pr_info(",
        ),
        why="The new callback consumes no request, and every exit goes back through it.",
    ),
    mutant(
        "powerpc-kick003-requests-read-above-the-mode",
        "swap",
        (PREPARE, PR_RUN, PR_EXITED),
        Replace(POWERPC, PREPARE, PPC_MODE, f"bool pending = kvm_request_pending(vcpu); {PPC_MODE}"),
        Replace(POWERPC, PREPARE, "if (kvm_request_pending(vcpu)) {", "if (pending) {"),
        why="The requester saw OUTSIDE and sends no IPI; book3s_pr looks at the requests nowhere else.",
    ),
)

MUTANTS = (*TRANSITIONS, *SELF_REQUESTS, *UNTESTED)

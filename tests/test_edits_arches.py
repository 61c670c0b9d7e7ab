"""The run loops of the other architectures, edited as the x86 one is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from kernel_edits import Above, Edit, Replace, assert_as_before, assert_fault, check, spread

OTHER = "kvm_get_vcpu(vcpu->kvm, 0)"
SOME = "static bool some_request(struct kvm_vcpu *v)\n{\n\treturn kvm_check_request(KVM_REQ_UNBLOCK, v);\n}"
PENDING = (
    "static bool any_request(struct kvm_vcpu *v)\n{\n\tif (kvm_request_pending(v))\n\t\treturn true;\n"
    "\treturn false;\n}"
)
POKE = "static void poke_self(struct kvm_vcpu *v)\n{\n\tkvm_make_request(KVM_REQ_UNBLOCK, v);\n}"
KICK = "kvm_vcpu_kick(vcpu);"
REQUEST = "kvm_make_request(KVM_REQ_UNBLOCK, vcpu);"


def faulty(
    kernel: Path, architecture: str, edits: Iterable[Edit], rule: str, function: str, *besides: str
) -> None:
    """The edits bring this rule, in or through this function, and no other but perhaps ``besides``."""
    assert_fault(check(kernel, edits, architecture), rule, function, besides=besides)


# ---- arm64

ARM = "arch/arm64/kvm/arm.c"
ARM_RUN = "kvm_arch_vcpu_ioctl_run"
ARM_EXIT = "kvm_vcpu_exit_request"
ARM_MODE = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
ARM_IF = "if (ret <= 0 || kvm_vcpu_exit_request(vcpu, &ret)) {"
ARM_RETURN = "return kvm_request_pending(vcpu) || xfer_to_guest_mode_work_pending();"
ARM_ENTER = "ret = kvm_arm_vcpu_enter_exit(vcpu);"


def arm(pattern: str | re.Pattern[str], replacement: str) -> Replace:
    """An edit of arm64's run loop."""
    return Replace(ARM, ARM_RUN, pattern, replacement)


def arm_exit(replacement: str) -> Replace:
    """What arm64's kvm_vcpu_exit_request ends with."""
    return Replace(ARM, ARM_EXIT, ARM_RETURN, replacement)


ARM_UNTESTED = [
    pytest.param([arm(ARM_IF, "if (ret <= 0) {")], id="deleted"),
    pytest.param([arm(ARM_IF, "if (ret <= 0 || !kvm_vcpu_exit_request(vcpu, &ret)) {")], id="sense-turned"),
    pytest.param([arm(ARM_IF, "if (ret <= 0 && kvm_vcpu_exit_request(vcpu, &ret)) {")], id="and"),
    pytest.param(
        [arm(ARM_IF, "if (ret <= 0 || (kvm_vcpu_exit_request(vcpu, &ret) && vcpu->arch.pause)) {")],
        id="and-inside-or",
    ),
    pytest.param(
        [
            arm(ARM_MODE, f"bool out = kvm_vcpu_exit_request(vcpu, &ret); {ARM_MODE}"),
            arm(ARM_IF, "if (ret <= 0 || out) {"),
        ],
        id="before-the-mode",
    ),
    pytest.param([arm(ARM_MODE, ""), arm(ARM_ENTER, f"{ARM_MODE} {ARM_ENTER}")], id="mode-behind-the-test"),
    pytest.param(
        [Above(ARM, ARM_RUN, SOME), arm(ARM_IF, "if (ret <= 0 || some_request(vcpu)) {")],
        id="some-kinds-only",
    ),
    pytest.param(
        [arm(ARM_IF, f"if (ret <= 0 || kvm_vcpu_exit_request({OTHER}, &ret)) {{")], id="another-vcpu"
    ),
    pytest.param([arm(ARM_IF, "kvm_vcpu_exit_request(vcpu, &ret); if (ret < 0) {")], id="result-thrown-away"),
]
ARM_HELPER_BROKEN = [
    pytest.param([arm_exit("return xfer_to_guest_mode_work_pending();")], id="helper-drops-it"),
    pytest.param(
        [arm_exit("return kvm_request_pending(vcpu) && xfer_to_guest_mode_work_pending();")], id="helper-and"
    ),
    pytest.param([arm_exit("return !kvm_request_pending(vcpu);")], id="helper-not"),
    pytest.param([arm_exit("return kvm_check_request(KVM_REQ_SLEEP, vcpu);")], id="helper-consumes-one-kind"),
]
ARM_SELF = [
    pytest.param([arm(ARM_ENTER, f"{REQUEST} {ARM_ENTER}")], ARM_RUN, id="request"),
    pytest.param([arm(ARM_ENTER, f"{KICK} {ARM_ENTER}")], ARM_RUN, id="kick"),
    pytest.param(
        [Above(ARM, ARM_RUN, POKE), arm(ARM_ENTER, f"poke_self(vcpu); {ARM_ENTER}")], "poke_self", id="deep"
    ),
    pytest.param(
        [
            Replace(
                ARM,
                "kvm_arm_vcpu_enter_exit",
                "guest_state_enter_irqoff();",
                f"guest_state_enter_irqoff(); {KICK}",
            )
        ],
        "kvm_arm_vcpu_enter_exit",
        id="in-enter-exit",
    ),
]
ARM_HARMLESS = [
    pytest.param(
        [arm(ARM_IF, "bool out = ret <= 0 || kvm_vcpu_exit_request(vcpu, &ret); if (out) {")], id="bool"
    ),
    pytest.param(
        [arm(ARM_IF, "bool out = ret <= 0; if (!out) out = kvm_vcpu_exit_request(vcpu, &ret); if (out) {")],
        id="bool-in-two-steps",
    ),
    pytest.param([arm(ARM_IF, "if (kvm_vcpu_exit_request(vcpu, &ret) || ret <= 0) {")], id="other-order"),
    pytest.param([arm(ARM_IF, "if (!(ret > 0 && !kvm_vcpu_exit_request(vcpu, &ret))) {")], id="de-morgan"),
    pytest.param(
        [Above(ARM, ARM_RUN, PENDING), arm(ARM_IF, "if (ret <= 0 || any_request(vcpu)) {")],
        id="another-helper",
    ),
    pytest.param([arm(ARM_IF, f"{REQUEST} {KICK} {ARM_IF}")], id="request-before-the-test"),
    pytest.param([arm(ARM_IF, f"{ARM_IF} {REQUEST} {KICK}")], id="request-on-the-way-out"),
    pytest.param([arm(ARM_ENTER, f"kvm_vcpu_kick({OTHER}); {ARM_ENTER}")], id="kick-of-another-vcpu"),
    pytest.param([arm(ARM_MODE, "vcpu->mode = IN_GUEST_MODE; smp_mb();")], id="store-and-barrier"),
    pytest.param(
        [arm_exit("if (kvm_request_pending(vcpu)) return true; return xfer_to_guest_mode_work_pending();")],
        id="helper-in-ifs",
    ),
]


@pytest.mark.parametrize("edits", ARM_UNTESTED)
def test_arm64_entry_without_a_test(kernel: Path, edits: list[Edit]) -> None:
    faulty(kernel, "arm64", edits, "KICK003", ARM_RUN)


@pytest.mark.parametrize("edits", ARM_HELPER_BROKEN)
def test_arm64_entry_with_a_broken_helper(kernel: Path, edits: list[Edit]) -> None:
    faulty(kernel, "arm64", edits, "KICK003", ARM_RUN)


@pytest.mark.parametrize(("edits", "function"), ARM_SELF)
def test_arm64_self_request_behind_the_test(kernel: Path, edits: list[Edit], function: str) -> None:
    faulty(kernel, "arm64", edits, "KICK002", function)


@pytest.mark.parametrize(("version", "edits"), spread(ARM_HARMLESS))
def test_arm64_rewrites(kernels: dict[str, Path], version: str, edits: list[Edit]) -> None:
    assert_as_before(check(kernels[version], edits, "arm64"))


# ---- riscv

RISCV = "arch/riscv/kvm/vcpu.c"
RISCV_RUN = "kvm_arch_vcpu_ioctl_run"
RISCV_MODE = "vcpu->mode = IN_GUEST_MODE;"
RISCV_TEST = "kvm_request_pending(vcpu) ||"
RISCV_ENTER = "kvm_riscv_vcpu_enter_exit(vcpu);"
VMID = "kvm_riscv_gstage_vmid_ver_changed(&vcpu->kvm->arch.vmid) ||"


def riscv(pattern: str | re.Pattern[str], replacement: str) -> Replace:
    """An edit of riscv's run loop."""
    return Replace(RISCV, RISCV_RUN, pattern, replacement)


RISCV_UNTESTED = [
    pytest.param([riscv(RISCV_TEST, "")], id="deleted"),
    pytest.param([riscv(RISCV_TEST, "!kvm_request_pending(vcpu) ||")], id="sense-turned"),
    pytest.param([riscv(RISCV_TEST, "kvm_request_pending(vcpu) &&")], id="and"),
    pytest.param([riscv(VMID, VMID.replace("||", "&&"))], id="and-first"),
    pytest.param(
        [
            riscv(RISCV_MODE, f"bool out = kvm_request_pending(vcpu); {RISCV_MODE}"),
            riscv(RISCV_TEST, "out ||"),
        ],
        id="before-the-mode",
    ),
    pytest.param(
        [riscv(RISCV_MODE, ""), riscv(RISCV_ENTER, f"{RISCV_MODE} {RISCV_ENTER}")], id="mode-behind-the-test"
    ),
    pytest.param(
        [Above(RISCV, RISCV_RUN, SOME), riscv(RISCV_TEST, "some_request(vcpu) ||")], id="some-kinds-only"
    ),
    pytest.param([riscv(RISCV_TEST, f"kvm_request_pending({OTHER}) ||")], id="another-vcpu"),
    pytest.param([riscv(RISCV_TEST, "kvm_test_request(KVM_REQ_SLEEP, vcpu) ||")], id="one-kind"),
    pytest.param([riscv(RISCV_TEST, "(kvm_request_pending(vcpu), false) ||")], id="result-thrown-away"),
]
RISCV_SELF = [
    pytest.param([riscv(RISCV_ENTER, f"{REQUEST} {RISCV_ENTER}")], RISCV_RUN, id="request"),
    pytest.param([riscv(RISCV_ENTER, f"{KICK} {RISCV_ENTER}")], RISCV_RUN, id="kick"),
    pytest.param(
        [Above(RISCV, RISCV_RUN, POKE), riscv(RISCV_ENTER, f"poke_self(vcpu); {RISCV_ENTER}")],
        "poke_self",
        id="deep",
    ),
    pytest.param(
        [
            Replace(
                RISCV,
                "kvm_riscv_vcpu_enter_exit",
                "guest_state_enter_irqoff();",
                f"guest_state_enter_irqoff(); {KICK}",
            )
        ],
        "kvm_riscv_vcpu_enter_exit",
        id="in-enter-exit",
    ),
]
RISCV_HARMLESS = [
    pytest.param([riscv(RISCV_TEST, "READ_ONCE(vcpu->requests) ||")], id="read-once"),
    pytest.param([Above(RISCV, RISCV_RUN, PENDING), riscv(RISCV_TEST, "any_request(vcpu) ||")], id="helper"),
    pytest.param(
        [riscv(VMID, f"kvm_request_pending(vcpu) || {VMID}"), riscv(f"{VMID} {RISCV_TEST}", VMID)], id="order"
    ),
    pytest.param([riscv(RISCV_ENTER, f"kvm_vcpu_kick({OTHER}); {RISCV_ENTER}")], id="kick-of-another-vcpu"),
    pytest.param([riscv(RISCV_MODE, f"{REQUEST} {RISCV_MODE} {KICK}")], id="request-before-the-test"),
    pytest.param([riscv(RISCV_MODE, "smp_store_mb(vcpu->mode, IN_GUEST_MODE);")], id="store-mb"),
]


@pytest.mark.parametrize("edits", RISCV_UNTESTED)
def test_riscv_entry_without_a_test(kernel: Path, edits: list[Edit]) -> None:
    faulty(kernel, "riscv", edits, "KICK003", RISCV_RUN)


@pytest.mark.parametrize(("edits", "function"), RISCV_SELF)
def test_riscv_self_request_behind_the_test(kernel: Path, edits: list[Edit], function: str) -> None:
    faulty(kernel, "riscv", edits, "KICK002", function)


@pytest.mark.parametrize(("version", "edits"), spread(RISCV_HARMLESS))
def test_riscv_rewrites(kernels: dict[str, Path], version: str, edits: list[Edit]) -> None:
    assert_as_before(check(kernels[version], edits, "riscv"))


# ---- loongarch, which 6.1 does not have

LOONG = "arch/loongarch/kvm/vcpu.c"
PRE_ENTER = "kvm_pre_enter_guest"
LOONG_IF = "if (kvm_request_pending(vcpu) || xfer_to_guest_mode_work_pending()) {"
LOONG_MODE = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
LOONG_OUT = "smp_store_mb(vcpu->mode, OUTSIDE_GUEST_MODE); local_irq_enable(); ret = -EAGAIN;"
LOONG_ENTER = "trace_kvm_enter(vcpu);"


def loong(pattern: str | re.Pattern[str], replacement: str, function: str = PRE_ENTER) -> Replace:
    """An edit of what loongarch does before an entry."""
    return Replace(LOONG, function, pattern, replacement)


LOONG_UNTESTED = [
    # The true side takes the mode back and goes into the guest all the same: `continue`
    # looks at the condition of the do-while, and ret still says RESUME_GUEST.
    pytest.param([loong("ret = -EAGAIN;", "continue;")], id="continue-leaves-the-loop"),
    pytest.param([loong("ret = -EAGAIN;", ";")], id="no-error"),
    pytest.param([loong("ret = -EAGAIN;", "ret = RESUME_GUEST;")], id="resumes"),
    pytest.param([loong(LOONG_IF, "if (xfer_to_guest_mode_work_pending()) {")], id="deleted"),
    pytest.param([loong(LOONG_IF, LOONG_IF.replace("kvm_", "!kvm_", 1))], id="sense-turned"),
    pytest.param([loong(LOONG_IF, LOONG_IF.replace("||", "&&"))], id="and"),
    pytest.param(
        [
            loong(LOONG_MODE, f"bool out = kvm_request_pending(vcpu); {LOONG_MODE}"),
            loong(LOONG_IF, "if (out || xfer_to_guest_mode_work_pending()) {"),
        ],
        id="before-the-mode",
    ),
    pytest.param(
        [loong(LOONG_MODE, ""), loong("} while (ret", f"{LOONG_MODE} }} while (ret")],
        id="mode-behind-the-test",
    ),
    pytest.param(
        [Above(LOONG, PRE_ENTER, SOME), loong(LOONG_IF, "if (some_request(vcpu)) {")], id="some-kinds-only"
    ),
    pytest.param([loong(LOONG_IF, f"if (kvm_request_pending({OTHER})) {{")], id="another-vcpu"),
    pytest.param([loong(LOONG_OUT, "")], id="goes-in-all-the-same"),
    pytest.param([loong(LOONG_OUT, "ret = RESUME_GUEST;")], id="goes-in-with-resume-guest"),
]
LOONG_SELF = [
    pytest.param([loong("} while (ret", f"{REQUEST} }} while (ret")], PRE_ENTER, id="request-before-both"),
    pytest.param(
        [loong(LOONG_ENTER, f"{KICK} {LOONG_ENTER}", "kvm_arch_vcpu_ioctl_run")],
        "kvm_arch_vcpu_ioctl_run",
        id="kick-before-the-first-entry",
    ),
    pytest.param(
        [loong("trace_kvm_reenter(vcpu);", f"trace_kvm_reenter(vcpu); {REQUEST}", "kvm_handle_exit")],
        "kvm_handle_exit",
        id="request-before-the-re-entry",
    ),
    pytest.param(
        [
            Above(LOONG, "kvm_handle_exit", POKE),
            loong("trace_kvm_reenter(vcpu);", "trace_kvm_reenter(vcpu); poke_self(vcpu);", "kvm_handle_exit"),
        ],
        "poke_self",
        id="deep-before-the-re-entry",
    ),
]
LOONG_HARMLESS = [
    pytest.param(
        [
            loong(
                LOONG_IF,
                "bool out = kvm_request_pending(vcpu); if (out || xfer_to_guest_mode_work_pending()) {",
            )
        ],
        id="bool",
    ),
    pytest.param(
        [Above(LOONG, PRE_ENTER, PENDING), loong(LOONG_IF, "if (any_request(vcpu) || need_resched()) {")],
        id="helper",
    ),
    pytest.param([loong("ret = -EAGAIN;", "ret = -EINTR;")], id="another-error"),
    pytest.param([loong(LOONG_IF, f"{REQUEST} {LOONG_IF}")], id="request-before-the-test"),
    pytest.param([loong("ret = -EAGAIN;", f"ret = -EAGAIN; {REQUEST}")], id="request-on-the-way-back"),
    pytest.param(
        [loong(LOONG_ENTER, f"kvm_vcpu_kick({OTHER}); {LOONG_ENTER}", "kvm_arch_vcpu_ioctl_run")],
        id="kick-of-another-vcpu",
    ),
    pytest.param(
        [
            loong(
                "local_irq_disable(); return ret;",
                f"local_irq_disable(); {REQUEST} return ret;",
                "kvm_handle_exit",
            )
        ],
        id="request-on-the-way-to-the-host",
    ),
]


@pytest.mark.parametrize("edits", LOONG_UNTESTED)
def test_loongarch_entry_without_a_test(kernels: dict[str, Path], edits: list[Edit]) -> None:
    # Where a pending request does not keep the vCPU out, its own KVM_REQ_PMU gets lost too.
    faulty(kernels["6.12"], "loongarch", edits, "KICK003", PRE_ENTER, "KICK002")


@pytest.mark.parametrize(("edits", "function"), LOONG_SELF)
def test_loongarch_self_request_behind_the_test(
    kernels: dict[str, Path], edits: list[Edit], function: str
) -> None:
    faulty(kernels["6.12"], "loongarch", edits, "KICK002", function)


@pytest.mark.parametrize("edits", LOONG_HARMLESS)
def test_loongarch_rewrites(kernels: dict[str, Path], edits: list[Edit]) -> None:
    assert_as_before(check(kernels["6.12"], edits, "loongarch"))


LOONG_ENTRIES = [
    pytest.param("kvm_arch_vcpu_ioctl_run", LOONG_ENTER, id="first"),
    pytest.param("kvm_handle_exit", "trace_kvm_reenter(vcpu);", id="again"),
]


@pytest.mark.parametrize(("function", "place"), LOONG_ENTRIES)
def test_loongarch_is_entered_in_two_places(kernels: dict[str, Path], function: str, place: str) -> None:
    """A mode write that only one of them has before it is found there."""
    faulty(
        kernels["6.12"], "loongarch", [loong(place, f"{place} {LOONG_MODE}", function)], "KICK003", function
    )


# ---- mips, through its table of callbacks

MIPS = "arch/mips/kvm/mips.c"
VZ = "arch/mips/kvm/vz.c"
VZ_RUN = "kvm_vz_vcpu_run"
VZ_AGAIN = "kvm_vz_vcpu_reenter"
VZ_CHECK = "kvm_vz_check_requests"
FIRST_CALL = "kvm_vz_check_requests(vcpu, cpu);"
AGAIN_CALL = "preserve_guest_tlb = kvm_vz_check_requests(vcpu, cpu);"
CONSUME = "if (kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu)) {"
VZ_ENTER = "r = vcpu->arch.vcpu_run(vcpu);"
VZ_MODE = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
IOCTL = "kvm_arch_vcpu_ioctl_run"
EXITED = "__kvm_mips_handle_exit"

MIPS_UNTESTED = [
    pytest.param([Replace(VZ, VZ_RUN, FIRST_CALL, "")], VZ_RUN, id="first-deleted"),
    pytest.param(
        [Replace(VZ, VZ_RUN, FIRST_CALL, f"if (cpu) {FIRST_CALL}")], VZ_RUN, id="first-on-a-condition"
    ),
    pytest.param(
        [Above(VZ, VZ_RUN, SOME), Replace(VZ, VZ_RUN, FIRST_CALL, "some_request(vcpu);")],
        VZ_RUN,
        id="first-some-kinds",
    ),
    pytest.param(
        [
            Replace(MIPS, IOCTL, VZ_MODE, ""),
            Replace(VZ, VZ_RUN, VZ_ENTER, f"{VZ_MODE} {VZ_ENTER}"),
        ],
        VZ_RUN,
        id="first-before-the-mode",
    ),
    pytest.param(
        [Replace(VZ, VZ_RUN, FIRST_CALL, f"kvm_vz_check_requests({OTHER}, cpu);")],
        VZ_RUN,
        id="first-another-vcpu",
    ),
    pytest.param(
        [Replace(VZ, VZ_AGAIN, AGAIN_CALL, "preserve_guest_tlb = 0;")], EXITED, id="re-entry-deleted"
    ),
    pytest.param(
        [Replace(VZ, VZ_AGAIN, AGAIN_CALL, f"preserve_guest_tlb = cpu ? 0 : {AGAIN_CALL.split('= ')[1]}")],
        EXITED,
        id="re-entry-on-a-condition",
    ),
    pytest.param(
        [
            Above(VZ, VZ_AGAIN, SOME),
            Replace(VZ, VZ_AGAIN, AGAIN_CALL, "preserve_guest_tlb = some_request(vcpu);"),
        ],
        EXITED,
        id="re-entry-some-kinds",
    ),
    pytest.param(
        [Replace(MIPS, EXITED, "kvm_mips_callbacks->vcpu_reenter(vcpu);", "")],
        EXITED,
        id="re-entry-callback-deleted",
    ),
    pytest.param(
        [
            Replace(
                MIPS,
                EXITED,
                f"{VZ_MODE} kvm_mips_callbacks->vcpu_reenter(vcpu);",
                f"kvm_mips_callbacks->vcpu_reenter(vcpu); {VZ_MODE}",
            )
        ],
        EXITED,
        id="re-entry-before-the-mode",
    ),
]
MIPS_BOTH = [
    pytest.param(
        [Replace(VZ, VZ_CHECK, "if (!kvm_request_pending(vcpu))", "if (kvm_request_pending(vcpu))")],
        id="sense-turned",
    ),
    pytest.param(
        [
            Replace(
                VZ, VZ_CHECK, CONSUME, "if (cpu_has_guestid && kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu)) {"
            )
        ],
        id="and",
    ),
    pytest.param([Replace(VZ, VZ_CHECK, CONSUME, "if (cpu_has_guestid) {")], id="deleted"),
    pytest.param(
        [
            Replace(VZ, VZ_CHECK, CONSUME, "if (kvm_check_request(KVM_REQ_UNBLOCK, vcpu)) {"),
            # Still a kind that the architecture handles, but not behind the write.
            Replace(MIPS, IOCTL, "lose_fpu(1);", "lose_fpu(1); kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu);"),
        ],
        id="another-kind",
    ),
    pytest.param(
        [Replace(VZ, VZ_CHECK, CONSUME, "if (kvm_test_request(KVM_REQ_TLB_FLUSH, vcpu)) {")], id="only-read"
    ),
]
MIPS_SELF = [
    pytest.param([Replace(VZ, VZ_RUN, VZ_ENTER, f"{REQUEST} {VZ_ENTER}")], VZ_RUN, id="first-request"),
    pytest.param([Replace(VZ, VZ_RUN, VZ_ENTER, f"{KICK} {VZ_ENTER}")], VZ_RUN, id="first-kick"),
    pytest.param(
        [Above(VZ, VZ_RUN, POKE), Replace(VZ, VZ_RUN, VZ_ENTER, f"poke_self(vcpu); {VZ_ENTER}")],
        "poke_self",
        id="first-deep",
    ),
    pytest.param(
        [
            Replace(
                MIPS, EXITED, "callbacks->vcpu_reenter(vcpu);", f"callbacks->vcpu_reenter(vcpu); {REQUEST}"
            )
        ],
        EXITED,
        id="re-entry-request",
    ),
    pytest.param(
        [
            Replace(
                VZ, VZ_AGAIN, "kvm_vz_vcpu_load_tlb(vcpu, cpu);", f"kvm_vz_vcpu_load_tlb(vcpu, cpu); {KICK}"
            )
        ],
        VZ_AGAIN,
        id="re-entry-kick-in-the-callback",
    ),
]
MIPS_HARMLESS = [
    pytest.param(
        [Replace(VZ, VZ_CHECK, "if (!kvm_request_pending(vcpu)) return 0;", "")], id="consumed-without-a-look"
    ),
    pytest.param([Replace(VZ, VZ_RUN, FIRST_CALL, f"(void){FIRST_CALL}")], id="cast"),
    pytest.param(
        [
            Above(
                VZ,
                VZ_RUN,
                "static void look(struct kvm_vcpu *v, int c)\n{\n\tkvm_vz_check_requests(v, c);\n}",
            ),
            Replace(VZ, VZ_RUN, FIRST_CALL, "look(vcpu, cpu);"),
        ],
        id="another-helper",
    ),
    pytest.param([Replace(VZ, VZ_RUN, FIRST_CALL, f"{REQUEST} {FIRST_CALL}")], id="request-before-the-check"),
    pytest.param(
        [Replace(VZ, VZ_RUN, VZ_ENTER, f"kvm_vcpu_kick({OTHER}); {VZ_ENTER}")], id="kick-of-another-vcpu"
    ),
    pytest.param([Replace(VZ, VZ_RUN, VZ_ENTER, f"{VZ_ENTER} {REQUEST}")], id="request-after-the-exit"),
]


@pytest.mark.parametrize(("edits", "function"), MIPS_UNTESTED)
def test_mips_entry_without_a_test(kernel: Path, edits: list[Edit], function: str) -> None:
    faulty(kernel, "mips", edits, "KICK003", function)


@pytest.mark.parametrize("edits", MIPS_BOTH)
def test_mips_check_that_both_entries_share(kernel: Path, edits: list[Edit]) -> None:
    found = check(kernel, edits, "mips")
    assert_fault(found, "KICK003", VZ_RUN)
    assert_fault(found, "KICK003", EXITED)


@pytest.mark.parametrize(("edits", "function"), MIPS_SELF)
def test_mips_self_request_behind_the_check(kernel: Path, edits: list[Edit], function: str) -> None:
    faulty(kernel, "mips", edits, "KICK002", function)


@pytest.mark.parametrize(("version", "edits"), spread(MIPS_HARMLESS))
def test_mips_rewrites(kernels: dict[str, Path], version: str, edits: list[Edit]) -> None:
    assert_as_before(check(kernels[version], edits, "mips"))


# ---- powerpc, through the value that prepare_to_enter returns

PPC = "arch/powerpc/kvm/powerpc.c"
PR = "arch/powerpc/kvm/book3s_pr.c"
BOOKE = "arch/powerpc/kvm/booke.c"
PREPARE = "kvmppc_prepare_to_enter"
PPC_IF = "if (kvm_request_pending(vcpu)) {"
PPC_MODE = "vcpu->mode = IN_GUEST_MODE;"


def ppc(pattern: str | re.Pattern[str], replacement: str) -> Replace:
    """An edit of kvmppc_prepare_to_enter."""
    return Replace(PPC, PREPARE, pattern, replacement)


PPC_UNTESTED = [
    pytest.param([ppc(PPC_IF, "if (0) {")], id="deleted"),
    pytest.param([ppc(PPC_IF, "if (!kvm_request_pending(vcpu)) {")], id="sense-turned"),
    pytest.param([ppc(PPC_IF, "if (kvm_request_pending(vcpu) && need_resched()) {")], id="and"),
    pytest.param(
        [ppc(PPC_MODE, f"bool out = kvm_request_pending(vcpu); {PPC_MODE}"), ppc(PPC_IF, "if (out) {")],
        id="before-the-mode",
    ),
    pytest.param(
        [ppc(PPC_MODE, ""), ppc("guest_enter_irqoff();", f"{PPC_MODE} guest_enter_irqoff();")],
        id="mode-behind-the-test",
    ),
    pytest.param([Above(PPC, PREPARE, SOME), ppc(PPC_IF, "if (some_request(vcpu)) {")], id="some-kinds-only"),
    pytest.param([ppc(PPC_IF, f"if (kvm_request_pending({OTHER})) {{")], id="another-vcpu"),
    pytest.param(
        [ppc("if (r > 0) continue; break;", "if (r > 0) continue; return 1;")], id="returns-1-all-the-same"
    ),
    pytest.param([ppc("if (r > 0) continue; break;", "")], id="goes-on-all-the-same"),
]
IF_RET = "if (ret <= 0) goto out;"
IF_S = "if (s <= 0)"
# As booke's does; book3s_pr's own returns nothing but 1, so that "< 0" is no weaker there.
PR_MAY_RETURN_0 = Replace(
    PR, "kvmppc_core_check_requests_pr", "return r;", "if (need_resched()) r = 0; return r;"
)
PPC_CALLERS = [
    pytest.param([Replace(PR, "kvmppc_vcpu_run_pr", IF_RET, "")], "kvmppc_vcpu_run_pr", id="run_pr-ignored"),
    pytest.param(
        [Replace(PR, "kvmppc_vcpu_run_pr", "ret <= 0", "ret > 0")],
        "kvmppc_vcpu_run_pr",
        id="run_pr-sense-turned",
    ),
    pytest.param(
        [PR_MAY_RETURN_0, Replace(PR, "kvmppc_vcpu_run_pr", "ret <= 0", "ret < 0")],
        "kvmppc_vcpu_run_pr",
        id="run_pr-weaker",
    ),
    pytest.param(
        [Replace(PR, "kvmppc_handle_exit_pr", f"{IF_S} r = s; else {{", "{")],
        "kvmppc_handle_exit_pr",
        id="handle_exit_pr-ignored",
    ),
    pytest.param(
        [Replace(PR, "kvmppc_handle_exit_pr", IF_S, "if (s > 0)")],
        "kvmppc_handle_exit_pr",
        id="handle_exit_pr-sense-turned",
    ),
    pytest.param(
        [PR_MAY_RETURN_0, Replace(PR, "kvmppc_handle_exit_pr", IF_S, "if (s < 0)")],
        "kvmppc_handle_exit_pr",
        id="handle_exit_pr-weaker",
    ),
    pytest.param(
        [Replace(BOOKE, "kvmppc_vcpu_run", f"{IF_S} {{ ret = s; goto out; }}", "")],
        "kvmppc_vcpu_run",
        id="booke-run-ignored",
    ),
    pytest.param(
        [Replace(BOOKE, "kvmppc_vcpu_run", IF_S, "if (s > 0)")],
        "kvmppc_vcpu_run",
        id="booke-run-sense-turned",
    ),
    pytest.param(
        [Replace(BOOKE, "kvmppc_vcpu_run", IF_S, "if (s < 0)")], "kvmppc_vcpu_run", id="booke-run-weaker"
    ),
    pytest.param(
        [
            Replace(
                BOOKE,
                "kvmppc_handle_exit",
                f"{IF_S} r = (s << 2) | RESUME_HOST | (r & RESUME_FLAG_NV); else {{",
                "{",
            )
        ],
        "kvmppc_handle_exit",
        id="booke-handle_exit-ignored",
    ),
    pytest.param(
        [Replace(BOOKE, "kvmppc_handle_exit", IF_S, "if (s > 0)")],
        "kvmppc_handle_exit",
        id="booke-handle_exit-sense-turned",
    ),
    pytest.param(
        [Replace(BOOKE, "kvmppc_handle_exit", IF_S, "if (s < 0)")],
        "kvmppc_handle_exit",
        id="booke-handle_exit-weaker",
    ),
]
FIX_EE = "kvmppc_fix_ee_before_entry();"
PPC_SELF = [
    pytest.param(
        [Replace(PR, "kvmppc_vcpu_run_pr", FIX_EE, f"{FIX_EE} {REQUEST}")], "kvmppc_vcpu_run_pr", id="run_pr"
    ),
    pytest.param(
        [Replace(PR, "kvmppc_handle_exit_pr", FIX_EE, f"{FIX_EE} {KICK}")],
        "kvmppc_handle_exit_pr",
        id="handle_exit_pr",
    ),
    pytest.param(
        [Replace(BOOKE, "kvmppc_vcpu_run", FIX_EE, f"{FIX_EE} {KICK}")], "kvmppc_vcpu_run", id="booke-run"
    ),
    pytest.param(
        [Replace(BOOKE, "kvmppc_handle_exit", FIX_EE, f"{FIX_EE} {REQUEST}")],
        "kvmppc_handle_exit",
        id="booke-handle_exit",
    ),
    pytest.param(
        [ppc("guest_enter_irqoff();", f"guest_enter_irqoff(); {REQUEST}")], PREPARE, id="prepare_to_enter"
    ),
]
PPC_HARMLESS = [
    pytest.param([ppc(PPC_IF, "bool out = kvm_request_pending(vcpu); if (out) {")], id="bool"),
    pytest.param([Above(PPC, PREPARE, PENDING), ppc(PPC_IF, "if (any_request(vcpu)) {")], id="helper"),
    pytest.param([ppc("while (true) {", "for (;;) {")], id="for-instead-of-while"),
    pytest.param([ppc("return 1;", "r = 1; return r;")], id="value-in-a-local"),
    pytest.param([Replace(PR, "kvmppc_vcpu_run_pr", "ret <= 0", "ret < 1")], id="run_pr-below-1"),
    pytest.param([Replace(PR, "kvmppc_vcpu_run_pr", "ret <= 0", "!(ret > 0)")], id="run_pr-negated"),
    pytest.param([Replace(PR, "kvmppc_handle_exit_pr", IF_S, "if (s != 1)")], id="handle_exit_pr-not-1"),
    pytest.param(
        [Replace(BOOKE, "kvmppc_handle_exit", IF_S, "if (!(s > 0))")], id="booke-handle_exit-negated"
    ),
    pytest.param([Replace(PR, "kvmppc_vcpu_run_pr", "ret <= 0", "ret < 0")], id="run_pr-0-never-comes"),
    pytest.param(
        [Replace(PR, "kvmppc_handle_exit_pr", IF_S, "if (s < 0)")], id="handle_exit_pr-0-never-comes"
    ),
    pytest.param([ppc(PPC_IF, f"{REQUEST} {PPC_IF}")], id="request-before-the-test"),
    pytest.param(
        [Replace(PR, "kvmppc_vcpu_run_pr", FIX_EE, f"{FIX_EE} kvm_vcpu_kick({OTHER});")],
        id="kick-of-another-vcpu",
    ),
]


@pytest.mark.parametrize("edits", PPC_UNTESTED)
def test_powerpc_prepare_to_enter_without_a_test(kernel: Path, edits: list[Edit]) -> None:
    faulty(kernel, "powerpc", edits, "KICK003", PREPARE)


@pytest.mark.parametrize(("edits", "function"), PPC_CALLERS)
def test_powerpc_caller_and_the_value_returned(kernel: Path, edits: list[Edit], function: str) -> None:
    # What kvmppc_core_prepare_to_enter() requested is lost too where -EINTR does not keep the vCPU out.
    faulty(kernel, "powerpc", edits, "KICK003", function, "KICK002")


@pytest.mark.parametrize(("edits", "function"), PPC_SELF)
def test_powerpc_self_request_behind_the_test(kernel: Path, edits: list[Edit], function: str) -> None:
    faulty(kernel, "powerpc", edits, "KICK002", function)


@pytest.mark.parametrize(("version", "edits"), spread(PPC_HARMLESS))
def test_powerpc_rewrites(kernels: dict[str, Path], version: str, edits: list[Edit]) -> None:
    assert_as_before(check(kernels[version], edits, "powerpc"))

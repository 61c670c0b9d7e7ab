"""x86: the exit-request tests, what may come after them, and rewrites without meaning."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kernel_edits import SVM, VMX, X86, Above, Edit, Replace, assert_as_before, assert_fault, check, spread

from kicklint.base import Severity

RUN = "vcpu_enter_guest"
EXIT_TEST = "kvm_vcpu_exit_request"
SYNC = r"(if \(kvm_lapic_enabled\(vcpu\)\)\s+\w+\((?:kvm_x86_)?sync_pir_to_irr\)\(vcpu\);)"
FIRST = r"(if \(kvm_vcpu_exit_request\(vcpu\)\) \{[^{}]*\})"
LOOP = r"(if \(unlikely\(kvm_vcpu_exit_request\(vcpu\)\)\) \{[^{}]*\})"
ENTER = re.compile(r"(exit_fastpath = \w+\((?:kvm_x86_)?vcpu_run\)\(vcpu, run_flags\);)")
MODE = "smp_store_release(&vcpu->mode, IN_GUEST_MODE);"
IF_FIRST = "if (kvm_vcpu_exit_request(vcpu)) {"
IF_LOOP = "if (unlikely(kvm_vcpu_exit_request(vcpu))) {"
PENDING = (
    "return vcpu->mode == EXITING_GUEST_MODE || kvm_request_pending(vcpu) || "
    "xfer_to_guest_mode_work_pending();"
)
OTHER = "kvm_get_vcpu(vcpu->kvm, 0)"


def run(pattern: str | re.Pattern[str], replacement: str) -> Replace:
    """An edit of vcpu_enter_guest."""
    return Replace(X86, RUN, pattern, replacement)


def before_entry(text: str) -> Replace:
    """``text`` in front of the call that runs the guest."""
    return run(ENTER, rf"{text}\n\t\t\1")


# ---- the self-request behind the test

BELOW = [
    pytest.param(run(re.compile(rf"{SYNC}\s+{LOOP}"), r"\2\n\n\t\t\1"), id="in-the-loop"),
    pytest.param(run(re.compile(rf"{SYNC}\s+{FIRST}"), r"\2\n\n\t\1"), id="before-the-loop"),
]


@pytest.mark.parametrize("edit", BELOW)
def test_sync_pir_to_irr_below_the_test(kernel: Path, edit: Edit) -> None:
    found = check(kernel, [edit], "x86")
    assert_fault(found, "KICK002", RUN, "vmx_sync_pir_to_irr")
    (fault,) = [each for each in found if each.rule == "KICK002" and "vmx_sync_pir_to_irr" in each.functions]
    assert any(
        function == "vmx_sync_pir_to_irr" and "KVM_REQ_EVENT" in message for function, message in fault.trail
    )
    assert any(function == RUN and "sync_pir_to_irr" in message for function, message in fault.trail)


# ---- the tests themselves

MISSING = [
    pytest.param([run(re.compile(LOOP), "")], id="loop-deleted"),
    pytest.param([run(IF_LOOP, "if (unlikely(!kvm_vcpu_exit_request(vcpu))) {")], id="loop-sense-turned"),
    pytest.param(
        [run(IF_LOOP, "if (!unlikely(kvm_vcpu_exit_request(vcpu))) {")], id="loop-sense-turned-outside"
    ),
    pytest.param(
        [run(IF_LOOP, "if (unlikely(kvm_vcpu_exit_request(vcpu)) && kvm_lapic_enabled(vcpu)) {")],
        id="loop-and",
    ),
    pytest.param(
        [run(IF_LOOP, "if (kvm_lapic_enabled(vcpu) && unlikely(kvm_vcpu_exit_request(vcpu))) {")],
        id="loop-and-first",
    ),
    pytest.param(
        [run(re.compile(rf"{LOOP}"), r"if (kvm_lapic_enabled(vcpu)) { \1 }")], id="loop-inside-another-if"
    ),
    pytest.param(
        [
            run(
                "exit_fastpath = EXIT_FASTPATH_EXIT_HANDLED; break;",
                "exit_fastpath = EXIT_FASTPATH_EXIT_HANDLED;",
            )
        ],
        id="loop-without-break",
    ),
    pytest.param(
        [run("exit_fastpath = EXIT_FASTPATH_EXIT_HANDLED; break;", "continue;")], id="loop-continues-instead"
    ),
    pytest.param([run(IF_LOOP, "kvm_vcpu_exit_request(vcpu); if (0) {")], id="loop-result-thrown-away"),
    pytest.param([run(IF_LOOP, f"if (unlikely(kvm_vcpu_exit_request({OTHER}))) {{")], id="loop-another-vcpu"),
    pytest.param(
        [
            run(re.compile(rf"(run_flags = 0;\s+if \(req_immediate_exit.*?){LOOP}", re.DOTALL), r"\1"),
            run(
                "guest_timing_enter_irqoff();",
                "guest_timing_enter_irqoff(); bool out = kvm_vcpu_exit_request(vcpu);",
            ),
            run("run_flags = 0; /* Note,", "if (out) break; run_flags = 0; /* Note,"),
        ],
        id="loop-bool-from-before-the-loop",
    ),
    pytest.param([run(re.compile(FIRST), "")], id="first-deleted"),
    pytest.param([run(IF_FIRST, "if (!kvm_vcpu_exit_request(vcpu)) {")], id="first-sense-turned"),
    pytest.param(
        [run(IF_FIRST, "if (kvm_vcpu_exit_request(vcpu) && kvm_lapic_enabled(vcpu)) {")], id="first-and"
    ),
    pytest.param(
        [run(IF_FIRST, "if (kvm_lapic_enabled(vcpu) && kvm_vcpu_exit_request(vcpu)) {")], id="first-and-first"
    ),
    pytest.param([run(re.compile(FIRST), r"if (req_immediate_exit) { \1 }")], id="first-inside-another-if"),
    pytest.param([run(IF_FIRST, f"if (kvm_vcpu_exit_request({OTHER})) {{")], id="first-another-vcpu"),
    pytest.param(
        [run(IF_FIRST, "if (kvm_check_request(KVM_REQ_EVENT, vcpu)) {")], id="first-consumes-one-kind-only"
    ),
    pytest.param(
        [run(IF_FIRST, "if (kvm_test_request(KVM_REQ_EVENT, vcpu)) {")], id="first-tests-one-kind-only"
    ),
    pytest.param(
        [run(MODE, f"bool out = kvm_vcpu_exit_request(vcpu); {MODE}"), run(IF_FIRST, "if (out) {")],
        id="first-stale-bool",
    ),
    pytest.param(
        [
            run("bool req_immediate_exit = false;", "bool req_immediate_exit = false; int out;"),
            run(MODE, f"out = kvm_vcpu_exit_request(vcpu) ? 1 : 0; {MODE}"),
            run(IF_FIRST, "if (out != 0) {"),
        ],
        id="first-stale-int",
    ),
    pytest.param(
        [run(re.compile(rf"{re.escape(MODE)}(.*?){FIRST}", re.DOTALL), rf"\2\n\t{MODE}\1")],
        id="first-before-the-mode",
    ),
    pytest.param([run(IF_FIRST, f"{IF_FIRST} {MODE} }} if (0) {{")], id="first-goes-in-all-the-same"),
]


@pytest.mark.parametrize("edits", MISSING)
def test_an_exit_request_test_that_is_none(kernel: Path, edits: list[Edit]) -> None:
    assert_fault(check(kernel, edits, "x86"), "KICK003", RUN)


BROKEN = [
    pytest.param(
        "return vcpu->mode == EXITING_GUEST_MODE || xfer_to_guest_mode_work_pending();", id="dropped"
    ),
    pytest.param(PENDING.replace("||", "&&"), id="and"),
    pytest.param(PENDING.replace("|| kvm", "&& kvm"), id="first-and"),
    pytest.param(PENDING.replace("|| xfer", "&& xfer"), id="second-and"),
    pytest.param(PENDING.replace("return ", "return !(").replace(";", ");"), id="not"),
    pytest.param(
        PENDING.replace("kvm_request_pending(vcpu)", "!kvm_request_pending(vcpu)"), id="not-pending"
    ),
    pytest.param(
        "kvm_request_pending(vcpu); return xfer_to_guest_mode_work_pending();", id="result-thrown-away"
    ),
    pytest.param("return false;", id="constant"),
    pytest.param(PENDING.replace("pending(vcpu)", f"pending({OTHER})"), id="another-vcpu"),
    pytest.param("if (kvm_request_pending(vcpu)) return false; return true;", id="ifs-turned"),
]


@pytest.mark.parametrize(("version", "text"), spread(BROKEN))
def test_the_exit_request_helper_is_read_not_believed(
    kernels: dict[str, Path], version: str, text: str
) -> None:
    found = check(kernels[version], [Replace(X86, EXIT_TEST, PENDING, text)], "x86")
    assert_fault(found, "KICK003", RUN)


# ---- requests and kicks by the thread itself, behind the last test

KICK = "kvm_vcpu_kick(vcpu);"
REQUEST = "kvm_make_request(KVM_REQ_EVENT, vcpu);"
ONE_DEEP = Above(X86, RUN, f"static void poke_self(struct kvm_vcpu *vcpu)\n{{\n\t{KICK}\n}}")
TWO_DEEP = Above(
    X86, RUN, "static void poke_later(struct kvm_vcpu *v)\n{\n\tif (v->arch.apic)\n\t\tpoke_self(v);\n}"
)
VMX_ENTRY = "vmx->fail = __vmx_vcpu_run("

SELF = [
    pytest.param([before_entry(KICK)], RUN, id="kick"),
    pytest.param([before_entry(REQUEST)], RUN, id="request"),
    pytest.param(
        [before_entry(f"if (kvm_lapic_enabled(vcpu)) {{ {REQUEST} }}")], RUN, id="request-on-a-condition"
    ),
    pytest.param(
        [before_entry("struct kvm_vcpu *self = vcpu; kvm_vcpu_kick(self);")], RUN, id="kick-by-alias"
    ),
    pytest.param(
        [before_entry("kvm_vcpu_kick(kvm_get_running_vcpu());")], RUN, id="kick-of-the-running-vcpu"
    ),
    pytest.param([ONE_DEEP, before_entry("poke_self(vcpu);")], "poke_self", id="one-deep"),
    pytest.param([ONE_DEEP, TWO_DEEP, before_entry("poke_later(vcpu);")], "poke_self", id="two-deep"),
    pytest.param(
        [run("run_flags = 0; /* Note,", f"{REQUEST} run_flags = 0; /* Note,")],
        RUN,
        id="request-on-the-back-edge",
    ),
    pytest.param(
        [run("guest_timing_enter_irqoff();", f"{KICK} guest_timing_enter_irqoff();")], RUN, id="early"
    ),
    pytest.param(
        [Replace(VMX, "vmx_vcpu_run", "vmx_vcpu_enter_exit(", f"{KICK} vmx_vcpu_enter_exit(")],
        "vmx_vcpu_run",
        id="kick-in-vmx_vcpu_run",
    ),
    pytest.param(
        [Replace(VMX, "vmx_vcpu_run", "vmx_vcpu_enter_exit(", f"{REQUEST} vmx_vcpu_enter_exit(")],
        "vmx_vcpu_run",
        id="request-in-vmx_vcpu_run",
    ),
    pytest.param(
        [Replace(VMX, "vmx_vcpu_enter_exit", VMX_ENTRY, f"{REQUEST} {VMX_ENTRY}")],
        "vmx_vcpu_enter_exit",
        id="request-in-vmx_vcpu_enter_exit",
    ),
    pytest.param(
        [Replace(SVM, "svm_vcpu_run", "svm_vcpu_enter_exit(", f"{KICK} svm_vcpu_enter_exit(")],
        "svm_vcpu_run",
        id="kick-in-svm_vcpu_run",
    ),
    pytest.param(
        [Replace(SVM, "svm_vcpu_run", "svm_vcpu_enter_exit(", f"{REQUEST} svm_vcpu_enter_exit(")],
        "svm_vcpu_run",
        id="request-in-svm_vcpu_run",
    ),
    pytest.param(
        [Replace(SVM, "svm_vcpu_enter_exit", "amd_clear_divider();", f"amd_clear_divider(); {REQUEST}")],
        "svm_vcpu_enter_exit",
        id="request-in-svm_vcpu_enter_exit",
    ),
    pytest.param(
        [run("run_flags |= KVM_RUN_FORCE_IMMEDIATE_EXIT;", "")], RUN, id="forced-exit-removed-request-stays"
    ),
    pytest.param(
        [before_entry(f"kvm_make_request(KVM_REQ_EVENT, {OTHER}); {KICK}")], RUN, id="other-vcpu-and-self"
    ),
    pytest.param([before_entry("kvm_make_all_cpus_request(vcpu->kvm, KVM_REQ_EVENT);")], RUN, id="all-vcpus"),
]


@pytest.mark.parametrize(("edits", "function"), SELF)
def test_a_self_request_behind_the_last_test(kernel: Path, edits: list[Edit], function: str) -> None:
    assert_fault(
        check(kernel, edits, "x86"), "KICK002", RUN if function == "poke_self" else function, function
    )


def test_a_mode_change_behind_the_last_test(kernel: Path) -> None:
    """It is a self-kick, and an unguarded transition of its own besides."""
    found = check(kernel, [before_entry("vcpu->mode = EXITING_GUEST_MODE;")], "x86")
    assert {(each.rule, each.function) for each in found} == {
        ("KICK001", "kvm_vcpu_kick"),
        ("KICK001", RUN),
        ("KICK002", RUN),
    }
    assert {each.severity for each in found} == {Severity.ERROR}


# ---- what is harmless

OTHER_DEEP = Above(X86, RUN, "static void poke(struct kvm_vcpu *v)\n{\n\tkvm_vcpu_kick(v);\n}")
BREAK = re.compile(r"(if \(likely\(exit_fastpath != EXIT_FASTPATH_REENTER_GUEST\)\))\s+break;")
HANDLED = "exit_fastpath = EXIT_FASTPATH_EXIT_HANDLED;"

HARMLESS = [
    pytest.param([before_entry(f"kvm_vcpu_kick({OTHER});")], id="kick-of-another-vcpu"),
    pytest.param([before_entry(f"kvm_make_request(KVM_REQ_EVENT, {OTHER});")], id="request-of-another-vcpu"),
    pytest.param(
        [before_entry(f"struct kvm_vcpu *other = {OTHER}; kvm_vcpu_kick(other);")],
        id="kick-of-another-in-a-local",
    ),
    pytest.param([OTHER_DEEP, before_entry(f"poke({OTHER});")], id="helper-kicks-another-vcpu"),
    pytest.param([run(HANDLED, f"{HANDLED} {KICK} {REQUEST}")], id="request-on-the-way-out-of-the-loop"),
    pytest.param([run(BREAK, rf"\1 {{ {REQUEST} break; }}")], id="request-after-an-exit"),
    pytest.param(
        [run(IF_FIRST, f"{IF_FIRST} {REQUEST} {KICK}")], id="request-on-the-way-out-before-the-loop"
    ),
    pytest.param([before_entry(f"if (req_int_win) {{ {REQUEST} break; }}")], id="request-and-no-entry"),
    pytest.param([run(MODE, f"{REQUEST} {MODE}")], id="request-before-the-mode"),
    pytest.param([run(IF_FIRST, f"{REQUEST} {KICK} {IF_FIRST}")], id="request-before-the-first-test"),
    pytest.param([run(IF_LOOP, f"{REQUEST} {KICK} {IF_LOOP}")], id="request-before-the-test-in-the-loop"),
    pytest.param(
        [before_entry(f"{REQUEST} run_flags |= KVM_RUN_FORCE_IMMEDIATE_EXIT;")],
        id="forced-exit-with-the-request",
    ),
    pytest.param(
        [run(re.compile(rf"{SYNC}\s+{LOOP}"), r"\1 \2 \1 \2")], id="sync-below-a-test-and-another-test"
    ),
]


@pytest.mark.parametrize(("version", "edits"), spread(HARMLESS))
def test_what_is_harmless_is_not_found(kernels: dict[str, Path], version: str, edits: list[Edit]) -> None:
    assert_as_before(check(kernels[version], edits, "x86"))


ASK = Above(X86, RUN, "static bool stay_out(struct kvm_vcpu *v)\n{\n\treturn kvm_vcpu_exit_request(v);\n}")
ASK_LONG = Above(
    X86,
    RUN,
    "static int stay_out(struct kvm_vcpu *v)\n{\n\tint r = 0;\n\n"
    "\tif (kvm_vcpu_exit_request(v))\n\t\tr = -EAGAIN;\n\treturn r;\n}",
)
ENTERING = Above(X86, RUN, f"static void announce(struct kvm_vcpu *vcpu)\n{{\n\t{MODE}\n}}")
ABORT = (
    "vcpu->mode = OUTSIDE_GUEST_MODE; smp_wmb(); local_irq_enable(); preempt_enable(); "
    "kvm_vcpu_srcu_read_lock(vcpu); r = 1;"
)
NO_MEANING = [
    pytest.param([run(IF_FIRST, "bool out = kvm_vcpu_exit_request(vcpu); if (out) {")], id="bool"),
    pytest.param(
        [run(IF_LOOP, "bool out; out = kvm_vcpu_exit_request(vcpu); if (unlikely(out)) {")],
        id="bool-in-the-loop",
    ),
    pytest.param([run(IF_FIRST, "int out = !!kvm_vcpu_exit_request(vcpu); if (out == 1) {")], id="int"),
    pytest.param([run(IF_FIRST, "bool on = !kvm_vcpu_exit_request(vcpu); if (!on) {")], id="negated-bool"),
    pytest.param(
        [
            run(re.compile(FIRST), "if (kvm_vcpu_exit_request(vcpu)) goto keep_out;"),
            run("cancel_injection: if", f"keep_out: {ABORT} cancel_injection: if"),
        ],
        id="goto",
    ),
    pytest.param([ASK, run(IF_FIRST, "if (stay_out(vcpu)) {")], id="test-in-a-helper"),
    pytest.param([ASK, run(IF_LOOP, "if (stay_out(vcpu)) {")], id="test-in-a-helper-in-the-loop"),
    pytest.param([ASK_LONG, run(IF_FIRST, "r = stay_out(vcpu); if (r) {")], id="helper-with-a-return-code"),
    pytest.param([ASK_LONG, run(IF_FIRST, "if (stay_out(vcpu) < 0) {")], id="helper-with-a-negative-code"),
    pytest.param([ENTERING, run(MODE, "announce(vcpu);")], id="mode-in-a-helper"),
    pytest.param([run(MODE, "WRITE_ONCE(vcpu->mode, IN_GUEST_MODE);")], id="mode-by-write-once"),
    pytest.param([run(MODE, "smp_store_mb(vcpu->mode, IN_GUEST_MODE);")], id="mode-by-store-mb"),
    pytest.param([run(IF_FIRST, f"kvm_lapic_enabled(vcpu); r = 0; {IF_FIRST} r = 0;")], id="more-statements"),
    pytest.param(
        [
            run(MODE, "struct kvm_vcpu *self = vcpu; smp_store_release(&self->mode, IN_GUEST_MODE);"),
            run(IF_FIRST, "if (kvm_vcpu_exit_request(self)) {"),
            run(IF_LOOP, "if (kvm_vcpu_exit_request(self)) {"),
        ],
        id="another-name-for-the-vcpu",
    ),
    pytest.param(
        [run(re.compile(LOOP), f"if (!kvm_vcpu_exit_request(vcpu)) ; else {{ {HANDLED} break; }}")],
        id="if-else",
    ),
    pytest.param(
        [
            run(
                re.compile(LOOP + r"\s+run_flags = 0;"),
                f"if (!kvm_vcpu_exit_request(vcpu)) {{ run_flags = 0; }} else {{ {HANDLED} break; }}",
            )
        ],
        id="turned-with-else",
    ),
    pytest.param([run(IF_FIRST, "if (kvm_vcpu_exit_request(vcpu) || req_int_win) {")], id="or"),
    pytest.param([run(IF_FIRST, "if (req_int_win || kvm_vcpu_exit_request(vcpu)) {")], id="or-first"),
    pytest.param([run(IF_FIRST, "if (WARN_ON_ONCE(kvm_vcpu_exit_request(vcpu))) {")], id="warn-on-once"),
    pytest.param(
        [
            Replace(
                X86,
                EXIT_TEST,
                PENDING,
                "if (vcpu->mode == EXITING_GUEST_MODE) return true; "
                "if (kvm_request_pending(vcpu)) return true; "
                "return xfer_to_guest_mode_work_pending();",
            )
        ],
        id="helper-in-ifs",
    ),
    pytest.param(
        [
            Replace(
                X86,
                EXIT_TEST,
                PENDING,
                "bool out = false; if (kvm_request_pending(vcpu)) { out = true; } else { "
                "if (vcpu->mode == EXITING_GUEST_MODE) out = true; } return out;",
            )
        ],
        id="helper-with-nested-ifs",
    ),
    pytest.param(
        [
            Replace(
                X86,
                EXIT_TEST,
                PENDING,
                "return READ_ONCE(vcpu->requests) || xfer_to_guest_mode_work_pending();",
            )
        ],
        id="helper-reads-requests",
    ),
    pytest.param(
        [Replace(X86, EXIT_TEST, PENDING, "return kvm_request_pending(vcpu) ? true : need_resched();")],
        id="helper-with-a-conditional",
    ),
    pytest.param(
        [Replace(X86, EXIT_TEST, PENDING, "return !(!kvm_request_pending(vcpu) && !need_resched());")],
        id="helper-by-de-morgan",
    ),
    pytest.param([run("for (;;) {", "while (1) {")], id="while-instead-of-for"),
    pytest.param(
        [
            run(
                re.compile(FIRST),
                "if (!req_int_win) { if (kvm_vcpu_exit_request(vcpu)) goto keep_out; } "
                "else if (kvm_vcpu_exit_request(vcpu)) goto keep_out;",
            ),
            run("cancel_injection: if", f"keep_out: {ABORT} cancel_injection: if"),
        ],
        id="tested-on-both-branches",
    ),
    pytest.param(
        [
            run(
                re.compile(FIRST),
                r"switch (kvm_vcpu_exit_request(vcpu)) { case true: \1 break; default: break; }",
            )
        ],
        id="case-true",
    ),
    pytest.param(
        [run(re.compile(FIRST), r"switch (kvm_vcpu_exit_request(vcpu)) { case 0: break; default: \1 }")],
        id="case-0",
    ),
    pytest.param([run(re.compile(FIRST), r"do { \1 } while (0);")], id="do-while-0"),
]


@pytest.mark.parametrize(("version", "edits"), spread(NO_MEANING))
def test_a_rewrite_without_meaning_changes_nothing(
    kernels: dict[str, Path], version: str, edits: list[Edit]
) -> None:
    assert_as_before(check(kernels[version], edits, "x86"))

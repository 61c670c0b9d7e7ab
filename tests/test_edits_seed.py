"""The seed's self-kick with its patch taken out, guarded in many spellings, and guarded wrongly.

The write is in generic code, which is judged once in each world; riscv's is a small one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_edits import KVM_MAIN, SEED_WARNING, Above, Edit, Replace, assert_as_before, check, spread

WORLD = "riscv"
TEST = "if (vcpu->mode == IN_GUEST_MODE)"
WRITE = "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"
BOTH = f"{TEST} {WRITE}"
OWN = "if (vcpu == __this_cpu_read(kvm_running_vcpu)) {"
REVIEWER = "if (vcpu->mode == IN_GUEST_MODE && !WARN_ON_ONCE(!kvm_request_pending(vcpu)))"


def kick(pattern: str, replacement: str) -> Replace:
    """An edit of kvm_vcpu_kick."""
    return Replace(KVM_MAIN, "kvm_vcpu_kick", pattern, replacement)


def helper(text: str) -> Above:
    """A function in front of kvm_vcpu_kick."""
    return Above(KVM_MAIN, "kvm_vcpu_kick", text)


# The branch that the seed patch added.
TAKEN_OUT = kick(f"{OWN} {BOTH} goto out; }}", "")


@pytest.mark.parametrize("world", ["riscv", "x86"])
def test_without_the_seed_patch_nothing_is_found(kernel: Path, world: str) -> None:
    assert check(kernel, [TAKEN_OUT], world) == []


@pytest.mark.parametrize("world", ["riscv", "x86"])
def test_with_the_reviewers_guard_nothing_is_found(kernel: Path, world: str) -> None:
    assert check(kernel, [kick(TEST, REVIEWER)], world) == []


GUARDS = [
    pytest.param([kick(BOTH, f"if (kvm_request_pending(vcpu)) {{ {BOTH} }}")], id="outer-if"),
    pytest.param([kick(BOTH, f"{TEST} {{ if (kvm_request_pending(vcpu)) {WRITE} }}")], id="inner-if"),
    pytest.param(
        [kick(BOTH, f"{TEST} {{ if (!kvm_request_pending(vcpu)) goto out; {WRITE} }}")], id="early-goto"
    ),
    pytest.param(
        [kick(BOTH, f"if (!kvm_request_pending(vcpu)) {{ put_cpu(); return; }} {BOTH}")], id="early-return"
    ),
    pytest.param(
        [
            kick(
                BOTH,
                f"bool due = kvm_request_pending(vcpu); if (vcpu->mode == IN_GUEST_MODE && due) {WRITE}",
            )
        ],
        id="bool-just-before",
    ),
    pytest.param(
        [
            kick(
                BOTH,
                f"{{ int wanted; wanted = !!kvm_request_pending(vcpu); {TEST} {{ if (wanted) {WRITE} }} }}",
            )
        ],
        id="int-assigned-just-before",
    ),
    pytest.param(
        [
            helper(
                "static inline bool self_wanted(struct kvm_vcpu *v)\n{\n\treturn kvm_request_pending(v);\n}"
            ),
            kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && self_wanted(vcpu))"),
        ],
        id="helper-tests",
    ),
    pytest.param(
        [
            helper(
                "static bool self_idle(struct kvm_vcpu *v)\n"
                "{\n\tif (kvm_request_pending(v))\n\t\treturn false;\n\treturn true;\n}"
            ),
            kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && !WARN_ON_ONCE(self_idle(vcpu)))"),
        ],
        id="helper-tests-the-other-way",
    ),
    pytest.param(
        [
            helper(
                "static inline bool self_exit(struct kvm_vcpu *v)\n"
                "{\n\treturn v->mode == IN_GUEST_MODE && kvm_request_pending(v);\n}"
            ),
            kick(TEST, "if (self_exit(vcpu))"),
        ],
        id="helper-tests-mode-and-request",
    ),
    pytest.param(
        [
            helper(f"static void self_leave(struct kvm_vcpu *vcpu)\n{{\n\t{WRITE}\n}}"),
            kick(BOTH, "if (vcpu->mode == IN_GUEST_MODE && kvm_request_pending(vcpu)) self_leave(vcpu);"),
        ],
        id="helper-writes-caller-tests",
    ),
    pytest.param(
        [kick(BOTH, f"if (vcpu->mode != IN_GUEST_MODE || !kvm_request_pending(vcpu)) ; else {WRITE}")],
        id="negated-with-else",
    ),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && !WARN_ON(!kvm_request_pending(vcpu)))")], id="warn-on"
    ),
    pytest.param(
        [kick(BOTH, f"if (WARN_ON_ONCE(!kvm_request_pending(vcpu))) goto out; {BOTH}")],
        id="warn-on-once-goto",
    ),
    pytest.param(
        [
            kick(
                TEST,
                'if (vcpu->mode == IN_GUEST_MODE && !WARN_ONCE(!kvm_request_pending(vcpu), "no request"))',
            )
        ],
        id="warn-once",
    ),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && likely(kvm_request_pending(vcpu)))")], id="likely"
    ),
    pytest.param([kick(BOTH, f"if (unlikely(!kvm_request_pending(vcpu))) goto out; {BOTH}")], id="unlikely"),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && READ_ONCE(vcpu->requests))")], id="read-once"
    ),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && READ_ONCE(vcpu->requests) != 0)")],
        id="read-once-compared",
    ),
    pytest.param(
        [
            kick(
                BOTH,
                "struct kvm_vcpu *self = vcpu; if (self->mode == IN_GUEST_MODE && kvm_request_pending(self)) "
                "WRITE_ONCE(self->mode, EXITING_GUEST_MODE);",
            )
        ],
        id="alias",
    ),
    pytest.param(
        [kick(BOTH, f"if (kvm_request_pending(vcpu) && vcpu->mode == IN_GUEST_MODE) {WRITE}")], id="first"
    ),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && kvm_request_pending(vcpu) == true)")], id="compared"
    ),
    pytest.param(
        [kick(TEST, "if (!(vcpu->mode != IN_GUEST_MODE || !kvm_request_pending(vcpu)))")], id="de-morgan"
    ),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE ? kvm_request_pending(vcpu) : false)")], id="conditional"
    ),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && kvm_test_request(KVM_REQ_UNBLOCK, vcpu))")],
        id="one-kind",
    ),
    pytest.param([kick(BOTH, f"kvm_make_request(KVM_REQ_UNBLOCK, vcpu); {BOTH}")], id="made-just-before"),
]


@pytest.mark.parametrize(("version", "edits"), spread(GUARDS))
def test_a_guard_in_another_spelling_is_one(
    kernels: dict[str, Path], version: str, edits: list[Edit]
) -> None:
    assert check(kernels[version], edits, WORLD) == []


def test_the_atomic_transition_needs_no_guard(kernel: Path) -> None:
    atomic = kick(BOTH, "cmpxchg(&vcpu->mode, IN_GUEST_MODE, EXITING_GUEST_MODE);")
    assert check(kernel, [atomic], WORLD) == []


NO_GUARDS = [
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && !kvm_request_pending(vcpu))")], id="wrong-polarity"
    ),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && WARN_ON_ONCE(!kvm_request_pending(vcpu)))")],
        id="wrong-polarity-warn-on",
    ),
    pytest.param([kick(BOTH, f"if (kvm_request_pending(vcpu)) goto out; {BOTH}")], id="wrong-polarity-goto"),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && kvm_request_pending(kvm_get_vcpu(vcpu->kvm, 0)))")],
        id="another-vcpu",
    ),
    pytest.param(
        [
            kick(
                BOTH,
                "struct kvm_vcpu *other = kvm_get_vcpu(vcpu->kvm, 0); "
                f"if (vcpu->mode == IN_GUEST_MODE && kvm_request_pending(other)) {WRITE}",
            )
        ],
        id="another-vcpu-in-a-local",
    ),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE || kvm_request_pending(vcpu))")], id="joined-with-or"
    ),
    pytest.param(
        [kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && (me == 0 || kvm_request_pending(vcpu)))")],
        id="or-inside-and",
    ),
    pytest.param([kick(BOTH, f"WARN_ON_ONCE(!kvm_request_pending(vcpu)); {BOTH}")], id="result-thrown-away"),
    pytest.param([kick(BOTH, f"(void)kvm_request_pending(vcpu); {BOTH}")], id="result-cast-to-void"),
    pytest.param([kick(BOTH, f"kvm_request_pending(vcpu); {BOTH}")], id="bare-call"),
    pytest.param([kick(BOTH, f"if (!kvm_request_pending(vcpu)) me = 0; {BOTH}")], id="arms-join"),
    pytest.param(
        [kick(BOTH, f"if (kvm_request_pending(vcpu)) {{ me = 0; }} {BOTH}")], id="write-behind-the-if"
    ),
    pytest.param(
        [
            kick(
                BOTH,
                "{ bool wanted = kvm_request_pending(vcpu); wanted = true; "
                f"if (vcpu->mode == IN_GUEST_MODE && wanted) {WRITE} }}",
            )
        ],
        id="bool-overwritten",
    ),
    pytest.param(
        [
            kick(
                BOTH,
                f"if (kvm_request_pending(vcpu)) {{ kvm_check_request(KVM_REQ_UNBLOCK, vcpu); {BOTH} }}",
            )
        ],
        id="consumed-in-between",
    ),
    pytest.param(
        [kick(BOTH, f"if (kvm_request_pending(vcpu)) {{ WRITE_ONCE(vcpu->requests, 0); {BOTH} }}")],
        id="all-consumed-in-between",
    ),
    pytest.param(
        [
            helper(
                "static inline bool self_wanted(struct kvm_vcpu *v)\n{\n\treturn !kvm_request_pending(v);\n}"
            ),
            kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && self_wanted(vcpu))"),
        ],
        id="helper-of-wrong-polarity",
    ),
    pytest.param(
        [
            helper(
                "static bool self_wanted(struct kvm_vcpu *v)\n{\n\tkvm_request_pending(v);\n\treturn true;\n}"
            ),
            kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && self_wanted(vcpu))"),
        ],
        id="helper-throws-result-away",
    ),
    pytest.param([kick(WRITE, "vcpu->mode = EXITING_GUEST_MODE;")], id="plain-write"),
    pytest.param([kick(WRITE, "smp_store_mb(vcpu->mode, EXITING_GUEST_MODE);")], id="store-mb"),
    pytest.param([kick(TEST, "if (vcpu->mode == IN_GUEST_MODE && me >= 0)")], id="another-condition"),
]


@pytest.mark.parametrize(("version", "edits"), spread(NO_GUARDS))
def test_what_is_no_guard_is_found(kernels: dict[str, Path], version: str, edits: list[Edit]) -> None:
    found = check(kernels[version], edits, WORLD)
    assert found == [SEED_WARNING]
    assert "EXITING_GUEST_MODE" in found[0].line


UNGUARDED_HELPERS = [
    pytest.param(
        [
            helper(f"static void self_leave(struct kvm_vcpu *vcpu)\n{{\n\t{WRITE}\n}}"),
            kick(BOTH, f"{TEST} self_leave(vcpu);"),
        ],
        id="no-caller-tests",
    ),
    pytest.param(
        [
            helper(f"static void self_leave(struct kvm_vcpu *vcpu)\n{{\n\t{WRITE}\n}}"),
            kick(BOTH, "if (kvm_request_pending(vcpu)) self_leave(vcpu); else self_leave(vcpu);"),
        ],
        id="one-of-two-calls-tested",
    ),
]


@pytest.mark.parametrize("edits", UNGUARDED_HELPERS)
def test_a_write_in_a_helper_that_not_every_caller_guards(kernel: Path, edits: list[Edit]) -> None:
    (found,) = check(kernel, edits, WORLD)
    assert (found.rule, found.path) == ("KICK001", KVM_MAIN)
    assert {"kvm_vcpu_kick", "self_leave"} & found.functions


def test_the_edits_start_from_the_finding(kernel: Path) -> None:
    """An edit without meaning leaves it, so the other tests start from where they think they do."""
    assert_as_before(check(kernel, [kick(BOTH, f"{{ {BOTH} }}")], WORLD))

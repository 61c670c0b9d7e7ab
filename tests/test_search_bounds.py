"""What is said of a search that is given up because there is too much to run."""

from __future__ import annotations

import pytest
from fixture_trees import report_on, tree_of

HELPERS = 12
LAST = """\
#include <linux/kvm_host.h>
extern int __toy_enter_guest(struct kvm_vcpu *vcpu);
static void toy_step0(struct kvm_vcpu *vcpu)
{
	kvm_make_request(KVM_REQ_UNBLOCK, vcpu);
}
"""
STEP = """\
static void toy_step{number}(struct kvm_vcpu *vcpu)
{{
	toy_step{below}(vcpu);
}}
"""
RUN = """\
int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu)
{{
	local_irq_disable();
	smp_store_mb(vcpu->mode, IN_GUEST_MODE);
	if (!kvm_request_pending(vcpu)) {{
		toy_step{last}(vcpu);
		__toy_enter_guest(vcpu);
	}}
	vcpu->mode = OUTSIDE_GUEST_MODE;
	local_irq_enable();
	return 0;
}}
"""


def test_only_where_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """One finding says that a search was cut short, not one for each function that was left out."""
    steps = [STEP.format(number=each, below=each - 1) for each in range(1, HELPERS)]
    tree = tree_of("".join((LAST, *steps, RUN.format(last=HELPERS - 1))))
    assert not [each for each in report_on(tree).findings if each.rule == "KICK000"]
    monkeypatch.setattr("kicklint.typestate.simulate._MAX_RUNS", HELPERS // 2)
    found = [each.function for each in report_on(tree).findings if each.rule == "KICK000"]
    assert found == ["kvm_arch_vcpu_ioctl_run"]


CIRCLE = 7
AROUND = """\
static void toy_around{number}(struct kvm_vcpu *vcpu)
{{
	if (vcpu->cpu == {number}) {{
		kvm_make_request(KVM_REQ_UNBLOCK, vcpu);
		return;
	}}
{calls}}}
"""
DECLARED = "static void toy_around{number}(struct kvm_vcpu *vcpu);\n"
ENOUGH = 100


def test_functions_that_all_call_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recursion is run as long as it finds something new, and no part of it anew for each other one."""
    declared = [DECLARED.format(number=each) for each in range(CIRCLE)]
    called = "".join(f"\tif (vcpu->cpu > {each})\n\t\ttoy_around{each}(vcpu);\n" for each in range(CIRCLE))
    around = [AROUND.format(number=each, calls=called) for each in range(CIRCLE)]
    first = STEP.format(number=1, below="").replace("toy_step(", "toy_around0(")
    tree = tree_of("".join((LAST, *declared, *around, first, RUN.format(last=1))))
    monkeypatch.setattr("kicklint.typestate.simulate._MAX_RUNS", ENOUGH)
    assert not [each for each in report_on(tree).findings if each.rule == "KICK000"]

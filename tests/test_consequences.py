"""Of one fault that several rules see, the one that names it is reported."""

from __future__ import annotations

from fixture_trees import found_in, report_on, tree_of

BOTH = frozenset({"KICK008", "KICK009", "KICK010"})
TEXT = """\
#include <linux/kvm_host.h>
extern int __toy_enter_guest(struct kvm_vcpu *vcpu);
static void toy_tell(struct kvm_vcpu *vcpu)
{
	kvm_vcpu_kick(vcpu);
	kvm_make_request(KVM_REQ_UNBLOCK, vcpu);
}
void toy_tell_all(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;
	kvm_for_each_vcpu(i, vcpu, kvm)
		toy_tell(vcpu);
}
void toy_kick_all(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;
	kvm_for_each_vcpu(i, vcpu, kvm)
		kvm_vcpu_kick(vcpu);
}
int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu)
{
	kvm_check_request(KVM_REQ_UNBLOCK, vcpu);
	local_irq_disable();
	smp_store_mb(vcpu->mode, IN_GUEST_MODE);
	if (!kvm_request_pending(vcpu))
		__toy_enter_guest(vcpu);
	vcpu->mode = OUTSIDE_GUEST_MODE;
	local_irq_enable();
	return 0;
}
"""
KICK = 5
BARE_KICK = 20


def test_one_fault_is_told_once() -> None:
    """A kick before its request is no kick without one, and no request without a kick."""
    tree = tree_of(TEXT)
    assert found_in(report_on(tree, BOTH)) == {("KICK008", KICK), ("KICK009", BARE_KICK)}


def test_alone_the_rule_reports_it() -> None:
    """Nothing is left out in favour of a rule that was not asked."""
    alone = found_in(report_on(tree_of(TEXT), frozenset({"KICK009"})))
    assert alone == {("KICK009", KICK), ("KICK009", BARE_KICK)}

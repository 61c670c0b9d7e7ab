"""A proof is worth something where what it looks at was understood, wherever else something was not."""

from __future__ import annotations

import pytest
from fixture_trees import report_on, tree_of

TEXT = """\
#include <linux/kvm_host.h>
extern int __toy_enter_guest(struct kvm_vcpu *vcpu);
void toy_kick_itself(struct kvm_vcpu *vcpu)
{{
	if (kvm_get_running_vcpu() == vcpu)
		vcpu->mode = EXITING_GUEST_MODE;
	else
		kvm_vcpu_kick(vcpu);
}}
void toy_not_understood(struct kvm_vcpu *vcpu)
{{
	{damaged}(vcpu;
}}
int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu)
{{
	kvm_check_request(KVM_REQ_UNBLOCK, vcpu);
	local_irq_disable();
	smp_store_mb(vcpu->mode, IN_GUEST_MODE);
	if (!kvm_vcpu_exit_request(vcpu) && !kvm_request_pending(vcpu))
		__toy_enter_guest(vcpu);
	vcpu->mode = OUTSIDE_GUEST_MODE;
	local_irq_enable();
	return 0;
}}
"""


@pytest.mark.parametrize("select", [(), ("KICK001",)], ids=["all", "one"])
@pytest.mark.parametrize(
    ("damaged", "level"), [("kvm_request_pending", "error"), ("smp_mb__after_atomic", "warning")]
)
def test_what_was_not_understood(damaged: str, level: str, select: tuple[str, ...]) -> None:
    """Of KICK001: a test of the requests is what its proof goes by, a barrier is not."""
    report = report_on(tree_of(TEXT.format(damaged=damaged)), frozenset(select))
    assert [each.severity for each in report.findings if each.rule == "KICK001"] == [level]
    not_understood = [each.function for each in report.findings if each.rule == "KICK000"]
    assert not_understood == ([] if select else ["toy_not_understood"])

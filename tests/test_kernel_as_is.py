"""Both kernels as they are: of the first rules the seed's finding and no other, in all architectures.

What the other rules find is in ``tests/ecosystem``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_edits import KVM_MAIN, SEED_WARNING, Above, Edit, EditError, Replace, Whole, check, edited


def test_the_kernel_has_the_seeds_finding_and_no_other(kernel: Path) -> None:
    found = check(kernel, ())
    assert found == [SEED_WARNING]
    (seed,) = found
    assert seed.line == "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"
    assert "no request test (kvm_request_pending()) guards it" in seed.message
    assert "a later exit-request test was proven on every way to the guest" in seed.message
    assert any("no test has shown that a request is pending" in step for step in seed.missing)


NO_EDITS = [
    pytest.param(Replace(KVM_MAIN, "kvm_vcpu_kick", "no such text", ""), "0 times, not 1", id="no-match"),
    pytest.param(Replace(KVM_MAIN, "kvm_vcpu_kick", "vcpu", "v"), "times, not 1", id="many-matches"),
    pytest.param(Replace(KVM_MAIN, "kvm_vcpu_kick", "goto out;", "goto  out;", 2), "not 2", id="too-few"),
    pytest.param(Replace(KVM_MAIN, "kvm_vcpu_kick", "goto out;", "goto out;"), "changes nothing", id="same"),
    pytest.param(Replace(KVM_MAIN, "no_such_function", "vcpu", "v"), "0 definitions", id="no-function"),
    pytest.param(Above(KVM_MAIN, "no_such_function", "int x;"), "0 definitions", id="nothing-below"),
    pytest.param(Whole(KVM_MAIN, "int x;"), "is there already", id="no-new-file"),
]


@pytest.mark.parametrize(("edit", "why"), NO_EDITS)
def test_an_edit_that_does_not_match_raises(kernel: Path, edit: Edit, why: str) -> None:
    with pytest.raises(EditError, match=why):
        edited(kernel, [edit])


def test_an_edit_changes_its_own_function_only(kernel: Path) -> None:
    edit = Replace(KVM_MAIN, "kvm_vcpu_kick", "if (vcpu->mode == IN_GUEST_MODE)", "if (true)")
    before = (kernel / KVM_MAIN).read_bytes()
    after = edited(kernel, [edit]).read(KVM_MAIN)
    assert after.count(b"if (true)") == before.count(b"if (true)") + 1
    assert after.replace(b"if (true)", b"if (vcpu->mode == IN_GUEST_MODE)", 1) == before
    assert (kernel / KVM_MAIN).read_bytes() == before

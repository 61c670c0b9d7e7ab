"""What was found for one kernel is taken over for another only where a run would find the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fixture_trees import DEMO

import kicklint.typestate.simulate
from kicklint.engine.escalation import WorldResult
from kicklint.engine.run import run_world
from kicklint.engine.sources import Sources
from kicklint.rulebook import load_rulebook
from kicklint.source import DirectoryTree, OverlayTree, SourceTree
from kicklint.typestate.sharing import Shared

RUN = "arch/riscv/kvm/vcpu.c"
HEADER = "#include <linux/kvm_host.h>\n"
# Two files that are never linked together, since both define demo_rival(), and what goes with either of them.
RIVALS = {
    "arch/riscv/kvm/rival_a.c": "void demo_rival(struct kvm_vcpu *vcpu)\n{\n\tdemo_common(vcpu);\n}\n",
    "arch/riscv/kvm/rival_b.c": """void demo_rival(struct kvm_vcpu *vcpu)
{
	demo_common(vcpu);
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	kvm_vcpu_kick(vcpu);
}
""",
    "arch/riscv/kvm/common.c": """void demo_common(struct kvm_vcpu *vcpu)
{
	kvm_vcpu_kick(vcpu);
	kvm_make_request(KVM_REQ_EVENT, vcpu);
}
""",
    "arch/riscv/kvm/either.c": """void demo_either(struct kvm_vcpu *vcpu)
{
	demo_rival(vcpu);
	demo_common(vcpu);
}
""",
}


def judged(
    monkeypatch: pytest.MonkeyPatch, tree: SourceTree, architecture: str, rules: set[str], shares: bool
) -> tuple[WorldResult, list[str]]:
    """What ``rules`` say of one architecture of ``tree``, and the functions that were run for it."""
    run: list[str] = []
    made = kicklint.typestate.simulate.CallRun

    def counted(*args: object) -> object:
        run.append(str(getattr(args[1], "function", "")))
        return untyped(*args)

    untyped: Callable[..., object] = made
    with monkeypatch.context() as patched:
        patched.setattr(kicklint.typestate.simulate, "CallRun", counted)
        if not shares:
            patched.setattr(Shared, "find", lambda *_: ())
        return run_world(architecture, load_rulebook(), Sources(tree), frozenset(rules)), run


def test_rivals_share_what_neither_of_them_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = DirectoryTree(DEMO)
    tree = OverlayTree(demo, {path: (HEADER + text).encode() for path, text in RIVALS.items()})
    rules = {"KICK008", "KICK009"}
    alone, all_runs = judged(monkeypatch, tree, "riscv", rules, shares=False)
    together, runs = judged(monkeypatch, tree, "riscv", rules, shares=True)
    assert together == alone
    assert any(draft.finding.rule == "KICK008" and "common.c" in draft.key[1].path for draft in alone.drafts)
    common, either = (f"arch/riscv/kvm/{name}.c:2:demo_{name}" for name in ("common", "either"))
    assert all_runs.count(common) == 2 * runs.count(common)
    # The one that calls a rival is another function in each of the two kernels.
    assert all_runs.count(either) == runs.count(either) == 2


@pytest.mark.kernel
@pytest.mark.parametrize("architecture", ["powerpc", "x86"])
def test_sharing_changes_no_result_on_kernels(
    monkeypatch: pytest.MonkeyPatch, kernels: dict[str, Path], architecture: str
) -> None:
    tree = DirectoryTree(kernels["6.12"])
    rules = {"KICK002", "KICK008", "KICK013"}
    alone, all_runs = judged(monkeypatch, tree, architecture, rules, shares=False)
    together, runs = judged(monkeypatch, tree, architecture, rules, shares=True)
    assert together == alone
    assert len(runs) < len(all_runs)

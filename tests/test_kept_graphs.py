"""What was parsed and lowered for one tree may be used for the next, and changes no report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fixture_trees import DEMO
from kernel_edits import edited
from mutants.bench import gathered

import kicklint.engine.lowering
from kicklint.engine.analysis import AnalysisRequest, analyse_tree
from kicklint.engine.sources import Parsed
from kicklint.source import DirectoryTree, OverlayTree, SourceTree

HOST = "include/linux/kvm_host.h"
ARCH = "arch/riscv/include/asm/kvm_host.h"
RUN = "arch/riscv/kvm/vcpu.c"
IRQ = "arch/riscv/kvm/irq.c"
MAIN = "virt/kvm/kvm_main.c"

# Path, what is replaced, by what: each one changes what functions of other files mean, or where they stand.
EDITS = {
    "nothing": (RUN, "", ""),
    "a header's lines move": (HOST, "struct kvm;\n", "struct kvm;\n\nstruct nothing;\n\n"),
    "the lines of called functions move": (
        IRQ,
        "static int demo_posted_sync",
        "\n\n\nstatic int demo_posted_sync",
    ),
    "a test sees nothing": (HOST, "READ_ONCE(vcpu->requests) != 0", "0"),
    "a test is hidden in a macro": (
        HOST,
        "static inline bool kvm_request_pending",
        "#define demo_pending(v) (READ_ONCE((v)->requests) != 0)\nstatic inline bool kvm_request_pending",
    ),
    "a test fails to look": (RUN, "|| kvm_request_pending(vcpu) ||", "||"),
    "an operation is another's": (IRQ, ".sync_irqs = demo_injected_sync", ".sync_irqs = demo_posted_sync"),
    "an operation is gone": (IRQ, ".sync_irqs = demo_posted_sync,", ""),
    "an operation does less": (IRQ, "kvm_make_request(KVM_REQ_EVENT, vcpu);\n\tkvm_vcpu_kick(vcpu);", ""),
    "a helper does less": (RUN, "if (vector >= 0)\n", "if (vector >= 0)\n\t\tkvm_vcpu_kick(vcpu);\n\telse\n"),
    "a name is a macro now": (
        HOST,
        "struct kvm;\n",
        "#define demo_sync_irqs(v) kvm_vcpu_kick(v)\nstruct kvm;\n",
    ),
    "a mode has another number": (HOST, "OUTSIDE_GUEST_MODE,\n", "OUTSIDE_GUEST_MODE = 4,\n"),
}


def edited_demo(name: str) -> SourceTree:
    """The demo tree without the test of its fast path, so that all before it matters, and edited."""
    demo = DirectoryTree(DEMO)
    run = demo.read(RUN).decode()
    assert "if (unlikely(demo_exit_request(vcpu)))" in run
    weak = run.replace("if (unlikely(demo_exit_request(vcpu)))", "if (need_resched())")
    tree = OverlayTree(demo, {RUN: weak.encode()})
    path, old, new = EDITS[name]
    text = tree.read(path).decode()
    assert old in text
    return OverlayTree(tree, {path: text.replace(old, new, 1).encode()})


def test_reports_are_the_same_whatever_was_kept() -> None:
    request = AnalysisRequest(DEMO)
    parsed: Parsed = {}
    fresh = {name: analyse_tree(edited_demo(name), request) for name in EDITS}
    assert len({report.findings for report in fresh.values()}) > 2  # the edits do something
    for name in (*EDITS, *reversed(EDITS)):
        assert analyse_tree(edited_demo(name), request, parsed) == fresh[name], name


def test_what_did_not_change_is_not_lowered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lowered: list[str] = []
    build = kicklint.engine.lowering.build_graph

    def counted(*args: object) -> object:
        lowered.append(str(getattr(args[0], "path", "")))
        return untyped(*args)

    untyped: Callable[..., object] = build
    monkeypatch.setattr(kicklint.engine.lowering, "build_graph", counted)
    request = AnalysisRequest(DEMO)
    parsed: Parsed = {}
    analyse_tree(edited_demo("nothing"), request, parsed)
    assert lowered
    lowered.clear()
    analyse_tree(edited_demo("nothing"), request, parsed)
    assert not lowered
    analyse_tree(edited_demo("an operation is gone"), request, parsed)
    assert set(lowered) == {IRQ}


@pytest.mark.kernel
def test_kept_graphs_change_no_report_on_edited_kernels(kernels: dict[str, Path]) -> None:
    root = kernels["6.12"]
    cases = [each for each in gathered() if each.architecture == "riscv"][::4][:10]
    request = AnalysisRequest(root, architectures=("riscv",))
    parsed: Parsed = {}
    for case in cases:
        tree = edited(root, case.edits)
        assert analyse_tree(tree, request, parsed) == analyse_tree(tree, request), case.id

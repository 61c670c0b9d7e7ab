"""Which generic files an architecture builds: by small build files of our own, and by the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixture_trees import DEMO

from kicklint.engine.analysis import AnalysisRequest, analyse_tree
from kicklint.source import DirectoryTree, OverlayTree, SourceTree, left_out

MAKEFILE = """\
KVM ?= ../../../virt/kvm

kvm-y := $(KVM)/kvm_main.o
kvm-$(CONFIG_HAVE_KVM_RING) += $(KVM)/ring.o \\
                               $(KVM)/ring_user.o
kvm-$(CONFIG_HAVE_KVM_POOL) += $(KVM)/pool.o
kvm-$(CONFIG_KVM_SHELF) += $(KVM)/pool.o $(KVM)/shelf.o
kvm-$(CONFIG_FROM_ELSEWHERE) += $(KVM)/elsewhere.o
"""
KCONFIG = """\
config HAVE_KVM_RING
       bool

config HAVE_KVM_RING_WEAK
       bool
       select HAVE_KVM_RING
       help
         For those that order nothing by themselves.

config HAVE_KVM_POOL
       bool

config KVM_SHELF
       bool "A shelf"
"""


def tree_with(own: str, makefile: str = MAKEFILE, own_makefile: str = "") -> SourceTree:
    files = {
        "virt/kvm/Makefile.kvm": makefile,
        "virt/kvm/Kconfig": KCONFIG,
        "arch/riscv/kvm/Kconfig": own,
        "arch/riscv/kvm/Makefile": own_makefile,
    }
    return OverlayTree(DirectoryTree(DEMO), {path: text.encode() for path, text in files.items()})


SOURCE = 'source "virt/kvm/Kconfig"\n\nconfig KVM\n\ttristate "KVM"\n'
RING = {"virt/kvm/ring.c", "virt/kvm/ring_user.c"}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        # pool.c is built for the shelf, too, which a person may ask for; elsewhere.c for what nobody knows.
        (SOURCE, RING),
        (SOURCE + "\tselect HAVE_KVM_RING\n", set()),
        (SOURCE + "\tselect HAVE_KVM_RING_WEAK if MMU\n", set()),
        (SOURCE + "\timply HAVE_KVM_RING\n", set()),
        (SOURCE + "\tdepends on HAVE_KVM_RING\n", RING),
        # An architecture that does not take the generic symbols in says nothing about them.
        ("config KVM\n\tbool\n", set()),
        ("", set()),
    ],
)
def test_what_is_never_built(own: str, expected: set[str]) -> None:
    assert left_out(tree_with(own), "riscv") == expected


def test_what_an_architecture_names_itself_is_built() -> None:
    named = tree_with(SOURCE, own_makefile="kvm-y += $(KVM)/ring.o\n")
    assert left_out(named, "riscv") == {"virt/kvm/ring_user.c"}


def test_a_tree_without_build_files_builds_everything() -> None:
    assert left_out(DirectoryTree(DEMO), "riscv") == frozenset()
    assert left_out(tree_with(SOURCE, makefile=""), "riscv") == frozenset()


def test_the_kernels(kernels: dict[str, Path]) -> None:
    # By arch/*/kvm/Kconfig: in 6.1 only x86 has the ring of dirty pages, in 6.12 arm64 and LoongArch, too.
    for version, having in (("6.1", {"x86"}), ("6.12", {"arm64", "loongarch", "x86"})):
        tree = DirectoryTree(kernels[version])
        found = {each for each in tree.architectures() if "virt/kvm/dirty_ring.c" not in left_out(tree, each)}
        assert found == having
        assert not left_out(tree, "x86")


MAIN = "virt/kvm/kvm_main.c"
MADE = """
#include <linux/kvm_host.h>
#define KVM_REQ_RING_FULL KVM_ARCH_REQ(9)
void demo_ring_push(struct kvm_vcpu *vcpu);
void demo_ring_push(struct kvm_vcpu *vcpu)
{
	kvm_make_request(KVM_REQ_RING_FULL, vcpu);
	kvm_vcpu_kick(vcpu);
}
"""


CALLED = """
#include <linux/kvm_host.h>
int demo_exit_full(struct kvm_vcpu *vcpu)
{
	demo_ring_push(vcpu);
	return 1;
}
"""
TABLED = """
#include <linux/kvm_host.h>
static const struct demo_ring_ops demo_ring = {
	.push = demo_ring_push,
};
"""
BUILT = "\tselect HAVE_KVM_RING\n"


@pytest.mark.parametrize(
    ("select", "user", "guilty"),
    [
        ("", CALLED, False),
        (BUILT, CALLED, True),
        (BUILT, TABLED, True),
        # Generic code that this architecture leaves alone, as the reload of x86's page tables in 5.10.
        (BUILT, "", False),
        (BUILT, CALLED.replace("demo_ring_push", "demo_ring_pull"), False),
    ],
)
def test_a_request_that_is_made_in_generic_code_that_nobody_uses(
    select: str, user: str, guilty: bool
) -> None:
    files = {"virt/kvm/ring.c": MADE.encode(), "arch/riscv/kvm/ring.c": user.encode()}
    report = analyse_tree(
        OverlayTree(tree_with(SOURCE + select), files), AnalysisRequest(DEMO, select=frozenset({"KICK013"}))
    )
    assert any("KVM_REQ_RING_FULL" in each.message for each in report.findings) is guilty

"""Which files a tree offers, and what it says when one cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from kicklint.base import SourceError
from kicklint.source import DirectoryTree, find_tree


def plant(root: Path, *paths: str) -> DirectoryTree:
    for path in paths:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"/* " + path.encode() + b" */\n")
    return DirectoryTree(root)


def test_paths_are_those_of_kvm_and_no_others(tmp_path: Path) -> None:
    ours = (
        "arch/arm64/include/asm/kvm_host.h",
        "arch/arm64/include/uapi/asm/kvm.h",
        "arch/arm64/kvm/hyp/entry.S",
        "arch/arm64/kvm/vgic/vgic.c",
        "include/kvm/arm_vgic.h",
        "include/linux/kvm_host.h",
        "include/trace/events/kvm.h",
        "include/uapi/linux/kvm.h",
        "virt/kvm/arm/arm.c",
        "virt/kvm/kvm_main.c",
    )
    others = (
        "arch/arm64/kernel/setup.c",
        "arch/arm64/include/asm/memory.h",
        "arch/arm64/kvm/Makefile",
        "include/linux/sched.h",
        "include/trace/events/sched.h",
        "virt/lib/irqbypass.c",
        "drivers/kvm/kvm.c",
    )
    assert plant(tmp_path, *ours, *others).paths() == ours


def test_architectures_are_sorted_and_shared_arm_files_add_none(tmp_path: Path) -> None:
    tree = plant(
        tmp_path, "arch/x86/kvm/x86.c", "arch/arm64/kvm/arm.c", "virt/kvm/arm/mmu.c", "arch/sh/mm/m.c"
    )
    assert tree.architectures() == ("arm64", "x86")


def test_a_link_counts_only_when_it_stays_inside(tmp_path: Path) -> None:
    outside = tmp_path / "outside.c"
    outside.write_bytes(b"int secret;\n")
    tree = plant(tmp_path / "tree", "virt/kvm/a.c")
    folder = tree.root / "virt/kvm"
    (folder / "inside.c").symlink_to("a.c")
    (folder / "leaves.c").symlink_to(outside)
    (folder / "circle.c").symlink_to("circle.c")
    (folder / "again").symlink_to(folder, target_is_directory=True)
    assert tree.paths() == ("virt/kvm/a.c", "virt/kvm/inside.c")
    for path in ("virt/kvm/leaves.c", "virt/kvm/circle.c", "../outside.c", str(outside)):
        with pytest.raises(SourceError):
            tree.read(path)


def test_read_gives_the_bytes_and_names_the_path_that_is_missing(tmp_path: Path) -> None:
    tree = plant(tmp_path, "virt/kvm/a.c")
    assert tree.read("virt/kvm/a.c") == b"/* virt/kvm/a.c */\n"
    with pytest.raises(SourceError, match=r"virt/kvm/none\.c"):
        tree.read("virt/kvm/none.c")


def test_a_name_that_no_file_can_have_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        DirectoryTree(tmp_path).read("arch/riscv/" + "k" * 300 + ".c")


def test_find_tree_climbs_to_the_nearest_tree(tmp_path: Path) -> None:
    tree = plant(tmp_path / "linux", "arch/x86/kvm/vmx/vmx.c")
    assert find_tree(tree.root / "arch/x86/kvm/vmx").root == tree.root.resolve()
    assert find_tree(tree.root).root == tree.root.resolve()
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="name a kernel tree"):
        find_tree(tmp_path / "empty")
    with pytest.raises(SourceError):
        find_tree(tmp_path / "absent")

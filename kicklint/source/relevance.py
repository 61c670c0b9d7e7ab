"""Which paths of a kernel tree are KVM's, told from the path alone."""

from __future__ import annotations

import re

_KVM = re.compile(
    r"""(?:virt/kvm/.+
    |arch/[^/]+/kvm/.+
    |arch/[^/]+/include/(?:uapi/)?asm/kvm[^/]*
    |include/linux/kvm[^/]*
    |include/kvm/[^/]+
    |include/uapi/linux/kvm[^/]*
    |include/trace/events/kvm\.h
    )""",
    re.VERBOSE,
)
_ARM = ("virt/kvm/arm/", "include/kvm/arm_")


def is_kvm_code(path: str) -> bool:
    """Whether ``path`` is a C file or header of KVM, as DirectoryTree.paths() has them."""
    return path.endswith((".c", ".h")) and _KVM.fullmatch(path) is not None


def builds_kvm(path: str) -> bool:
    """Whether ``path`` says which of KVM's files are built (see kbuild.py)."""
    return path.endswith(("/Kconfig", "/Makefile", "/Makefile.kvm")) and _KVM.fullmatch(path) is not None


def architecture_of(path: str) -> tuple[str, ...] | None:
    """The architectures that see the KVM file ``path``; None when all do."""
    if path.startswith("arch/"):
        return (path.split("/", 2)[1],)
    return ("arm", "arm64") if path.startswith(_ARM) else None

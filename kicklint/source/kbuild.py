"""Which generic files of KVM an architecture does not build, by the tree's Makefiles and Kconfig.

virt/kvm/Makefile.kvm builds a file where a symbol of virt/kvm/Kconfig is set, and most of these have no
prompt: they are set where the architecture's own Kconfig selects them
(Documentation/kbuild/kconfig-language.rst, makefiles.rst).
"""

from __future__ import annotations

import re

from kicklint.base import SourceError
from kicklint.source.tree import SourceTree

_MAKEFILE, _KCONFIG = "virt/kvm/Makefile.kvm", "virt/kvm/Kconfig"
_OBJECTS = re.compile(r"kvm-(?:y|\$\(CONFIG_(\w+)\))\s*[:+]?=(.*)")
_OBJECT = re.compile(r"(?:\$\(KVM\)|virt/kvm)/(\w+)\.o\b")
_DEFINED = re.compile(r"(?:menu)?config\s+(\w+)")
_SELECTED = re.compile(r"\s+(?:select|imply)\s+(\w+)")
# What a person may set, or what is set by itself.
_SETTABLE = re.compile(r"\s+(?:(?:bool|tristate)\s+[\"'$]|prompt\b|default\b|def_)")


def build_files(architecture: str) -> tuple[str, ...]:
    """The paths of the files that ``left_out`` goes by; not all trees have all."""
    own = f"arch/{architecture}"
    return _MAKEFILE, _KCONFIG, f"{own}/kvm/Makefile", f"{own}/kvm/Kconfig", f"{own}/Kconfig"


def left_out(tree: SourceTree, architecture: str) -> frozenset[str]:
    """The C files of virt/kvm that ``architecture`` never builds.

    None where the tree does not say: a file is left out only when it is built for symbols that are all
    known, and that nobody can set.
    """
    makefile, generic, makes, own, above = (_text(tree, path) for path in build_files(architecture))
    if not makefile or not generic or "virt/kvm/Kconfig" not in own:
        return frozenset()
    wanted: dict[str, set[str]] = {}
    for line in makefile.replace("\\\n", " ").split("\n"):
        match = _OBJECTS.match(line)
        for name in _OBJECT.findall(match[2]) if match else ():
            wanted.setdefault(name, set()).add(match[1] or "" if match else "")
    defined, settable = _symbols(generic, {*_SELECTED.findall(own), *_SELECTED.findall(above)})
    unset = defined - settable
    named = set(_OBJECT.findall(makes))
    return frozenset(
        f"virt/kvm/{name}.c" for name, symbols in wanted.items() if symbols <= unset and name not in named
    )


def _text(tree: SourceTree, path: str) -> str:
    try:
        return tree.read(path).decode("utf-8", "replace")
    except SourceError:
        return ""


def _symbols(text: str, selected: set[str]) -> tuple[set[str], set[str]]:
    """The symbols of a Kconfig, and those of them that can be set where ``selected`` are."""
    selects: dict[str, list[str]] = {}
    settable = set(selected)
    name = ""
    for line in text.split("\n"):
        match = _DEFINED.match(line)
        if match:
            name = match[1]
            selects.setdefault(name, [])
        elif name and _SETTABLE.match(line):
            settable.add(name)
        elif name:
            selects[name] += _SELECTED.findall(line)
    pending = list(settable)
    while pending:
        new = set(selects.get(pending.pop(), ())) - settable
        settable |= new
        pending += new
    return set(selects), settable

"""Edits of real kernel source, by function and pattern, and what kicklint says of them.

An edit that does not match exactly as often as it says raises, so that no test can pass
because the kernel looks different from what its author had in mind. Nothing is written
to the kernel's own tree: what was edited lives in an overlay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from kicklint.base import Finding, Severity, StepKind
from kicklint.engine.analysis import AnalysisRequest, analyse_tree
from kicklint.engine.sources import Parsed
from kicklint.source import DirectoryTree, KeptTree, OverlayTree

Pattern = str | re.Pattern[str]

KVM_MAIN = "virt/kvm/kvm_main.c"
X86 = "arch/x86/kvm/x86.c"
VMX = "arch/x86/kvm/vmx/vmx.c"
SVM = "arch/x86/kvm/svm/svm.c"

# Parsed files by path and content, for all the edits of one test process.
_PARSED: Parsed = {}


class EditError(AssertionError):
    """An edit that did not match as often as it says."""


@dataclass(frozen=True)
class Replace:
    """``pattern`` becomes ``replacement`` in one function, ``count`` times and no more.

    A string stands for itself, except that white space matches any white space; a
    compiled expression is used as it is, and its groups may occur in ``replacement``.
    """

    path: str
    function: str
    pattern: Pattern
    replacement: str
    count: int = 1

    def apply(self, text: str) -> str:
        """The file's text after the edit."""
        start, end = function_extent(text, self.function, self.path)
        expression = self.pattern if isinstance(self.pattern, re.Pattern) else literal(self.pattern)
        found = len(expression.findall(text[start:end]))
        if found != self.count:
            raise EditError(
                f"{self.path}: {self.function}: {found} times, not {self.count}: {expression.pattern}"
            )
        if isinstance(self.pattern, re.Pattern):
            body = expression.sub(self.replacement, text[start:end])
        else:
            body = expression.sub(lambda _: self.replacement, text[start:end])
        if body == text[start:end]:
            raise EditError(f"{self.path}: {self.function}: the edit changes nothing: {expression.pattern}")
        return text[:start] + body + text[end:]


@dataclass(frozen=True)
class Above:
    """``added`` is put in front of the definition of one function."""

    path: str
    function: str
    added: str

    def apply(self, text: str) -> str:
        """The file's text after the edit."""
        start, _ = function_extent(text, self.function, self.path)
        return f"{text[:start]}{self.added.strip()}\n\n{text[start:]}"


@dataclass(frozen=True)
class Whole:
    """A new file."""

    path: str
    added: str

    def apply(self, text: str) -> str:
        """The file's text; there must have been none."""
        if text:
            raise EditError(f"{self.path}: is there already")
        return self.added


Edit = Replace | Above | Whole


def literal(text: str) -> re.Pattern[str]:
    """An expression for ``text`` with any white space where it has some."""
    return re.compile(r"\s+".join(re.escape(word) for word in text.split()))


def function_extent(text: str, name: str, path: str = "") -> tuple[int, int]:
    """From the first line of the definition of ``name`` to behind its closing brace.

    Kernel style is relied on: the definition starts in the first column, and the next
    brace that closes in the first column ends it.
    """
    head = re.compile(rf"^[A-Za-z_][^;{{}}()#=/]*?\b{name}\([^;{{}}]*\)\s*\{{", re.MULTILINE)
    places = list(head.finditer(text))
    if len(places) != 1:
        raise EditError(f"{path}: {len(places)} definitions of {name}")
    end = re.compile(r"^\}", re.MULTILINE).search(text, places[0].end())
    if end is None:
        raise EditError(f"{path}: {name} has no end")
    return places[0].start(), end.end()


@lru_cache(maxsize=4)
def kept(root: Path) -> KeptTree:
    """The tree at ``root``, read once in this process."""
    return KeptTree(DirectoryTree(root))


@dataclass(frozen=True)
class Found:
    """One finding, as far as these tests look at it."""

    rule: str
    function: str
    path: str
    severity: Severity
    message: str = field(compare=False)
    line: str = field(compare=False)
    trail: tuple[tuple[str, str], ...] = field(compare=False)
    missing: tuple[str, ...] = field(compare=False)

    @property
    def functions(self) -> frozenset[str]:
        """The function of the finding and those of its trail."""
        return frozenset({self.function, *(function for function, _ in self.trail)})


def edited(root: Path, edits: Iterable[Edit]) -> OverlayTree:
    """The tree at ``root`` with ``edits`` made one after the other. Raises EditError."""
    base = kept(root)
    texts: dict[str, str] = {}
    known = set(base.paths())
    for edit in edits:
        if edit.path not in texts:
            texts[edit.path] = base.read(edit.path).decode("latin-1") if edit.path in known else ""
        texts[edit.path] = edit.apply(texts[edit.path])
    return OverlayTree(base, {path: text.encode("latin-1") for path, text in texts.items()})


THE_FIRST = frozenset({"KICK000", "KICK001", "KICK002", "KICK003"})


def check(
    root: Path, edits: Iterable[Edit], *architectures: str, select: frozenset[str] = THE_FIRST
) -> list[Found]:
    """What the rules ``select`` find in ``architectures`` (all if none) of ``root`` after ``edits``."""
    tree = edited(root, edits)
    request = AnalysisRequest(root, architectures=architectures, select=select)
    report = analyse_tree(tree, request, _PARSED)
    for path, text in tree.changes.items():
        if text is not None:
            _PARSED.pop((path, text), None)
    lines = {(each.path, each.line): each.text for each in report.excerpts}
    return [_found(each, lines.get((each.span.path, each.span.line), "")) for each in report.findings]


def _found(finding: Finding, line: str) -> Found:
    return Found(
        finding.rule,
        finding.function,
        finding.span.path,
        finding.severity,
        finding.message,
        line.strip(),
        tuple((step.function, step.message) for step in finding.trail),
        tuple(step.message for step in finding.trail if step.kind is StepKind.MISSING),
    )


def spread(params: Sequence[ParameterSet], step: int = 3) -> list[ParameterSet]:
    """``params`` for 6.12, each, and for 6.1, each ``step``-th: what is about C and not about a kernel.

    The kernel's version comes first in each.
    """
    chosen = [("6.12", each) for each in params] + [("6.1", each) for each in params[::step]]
    return [pytest.param(version, *each.values, id=f"{version}-{each.id}") for version, each in chosen]


SEED_WARNING = Found("KICK001", "kvm_vcpu_kick", KVM_MAIN, Severity.WARNING, "", "", (), ())
SEED_ERROR = Found("KICK001", "kvm_vcpu_kick", KVM_MAIN, Severity.ERROR, "", "", (), ())


def assert_as_before(found: list[Found]) -> None:
    """Nothing but what the kernel as it is has."""
    assert found == [SEED_WARNING]


def assert_fault(found: list[Found], rule: str, *functions: str, besides: tuple[str, ...] = ()) -> None:
    """``rule`` was found in or through all of ``functions`` at once, and no other but perhaps ``besides``.

    The kernel's own finding is there as an error now: no later test is proven any more.
    """
    faults = [each for each in found if each.rule != "KICK001"]
    assert [each for each in found if each.rule == "KICK001"] == [SEED_ERROR], found
    assert rule in {each.rule for each in faults} <= {rule, *besides}, faults
    assert all(each.severity is Severity.ERROR for each in faults)
    assert any(each.rule == rule and set(functions) <= each.functions for each in faults), faults
    assert all(each.missing for each in faults), "the trail names what is missing"

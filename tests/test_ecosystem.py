"""Every finding on the real kernels stands in a ledger, with the reason why it is true.

``tests/ecosystem/VERSION.toml`` holds them. ``python tests/test_ecosystem.py --write`` brings the
ledgers up to date: labels and reasons stay, and what is new comes in as "unlabelled",
until somebody has read the kernel.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import conftest
import pytest

from kicklint.base import Finding
from kicklint.engine.analysis import AnalysisRequest, analyse

LEDGERS = Path(__file__).resolve().parent / "ecosystem"
LABELS = ("true", "false", "unlabelled")
UNLABELLED = "unlabelled"
SHORTEST_REASON = 40
_HEAD = """\
# What kicklint reports on Linux {version}, and why each finding is true. `code` is the line.
# `python tests/test_ecosystem.py --write` brings this up to date and keeps labels and reasons.
"""

Key = tuple[str, str, str, str, str]
"""Rule, path, function, fingerprint and severity."""


@dataclass(frozen=True)
class Entry:
    """One finding, and what somebody who has read the kernel says of it."""

    rule: str
    path: str
    function: str
    fingerprint: str
    severity: str
    architectures: tuple[str, ...]
    code: str
    label: str = UNLABELLED
    reason: str = ""

    @property
    def key(self) -> Key:
        return self.rule, self.path, self.function, self.fingerprint, self.severity

    def __str__(self) -> str:
        worlds = ", ".join(self.architectures)
        place = f"{self.path} {self.function}() [{worlds}]"
        return f"{self.rule} ({self.severity}) {place} {self.fingerprint}: {self.code}"


def found_in(tree: Path, jobs: int = 1) -> list[Entry]:
    """What kicklint finds in ``tree``, in the order of the report."""
    report = analyse(AnalysisRequest(tree, jobs=jobs))
    lines = {(each.path, each.line): each.text.strip() for each in report.excerpts}
    return [_entry(each, lines[each.span.path, each.span.line]) for each in report.findings]


def _entry(finding: Finding, code: str) -> Entry:
    return Entry(
        finding.rule,
        finding.span.path,
        finding.function,
        finding.fingerprint,
        finding.severity.value,
        finding.architectures,
        code,
    )


def ledger_path(version: str) -> Path:
    return LEDGERS / f"{version}.toml"


def read_ledger(text: str) -> list[Entry]:
    """The entries of a ledger. A key that is missing, or unknown, raises."""
    entries = tomllib.loads(text).get("finding", [])
    return [Entry(**{**each, "architectures": tuple(each["architectures"])}) for each in entries]


def ledger_text(version: str, entries: Iterable[Entry]) -> str:
    """The ledger's text."""
    parts = [_HEAD.format(version=version)]
    for each in entries:
        parts.append(
            "[[finding]]\n"
            f"rule = {_quoted(each.rule)}\n"
            f"path = {_quoted(each.path)}\n"
            f"function = {_quoted(each.function)}\n"
            f"code = {_quoted(each.code)}\n"
            f"fingerprint = {_quoted(each.fingerprint)}\n"
            f"severity = {_quoted(each.severity)}\n"
            f"architectures = [{', '.join(map(_quoted, each.architectures))}]\n"
            f"label = {_quoted(each.label)}\n"
            f"reason = {_folded(each.reason)}\n"
        )
    return "\n".join(parts)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _folded(text: str) -> str:
    if not text:
        return '""'
    lines = textwrap.wrap(_quoted(text)[1:-1], 106, break_long_words=False, break_on_hyphens=False)
    return '"""\n' + " \\\n".join(lines) + '"""'


def brought_up_to_date(kept: Sequence[Entry], found: Sequence[Entry]) -> list[Entry]:
    """``found`` with the labels and reasons of ``kept``."""
    known: dict[Key, list[Entry]] = {}
    for each in kept:
        known.setdefault(each.key, []).append(each)
    entries = []
    for each in found:
        before = known.get(each.key)
        # Two that are alike to the key keep what was said of them in their order.
        old = before.pop(0) if before else each
        entries.append(replace(each, label=old.label, reason=old.reason))
    return entries


def differences(kept: Sequence[Entry], found: Sequence[Entry]) -> list[str]:
    """What appeared, what vanished, and what is there for other architectures."""
    said = []
    for word, ours, theirs in (("appeared", found, kept), ("vanished", kept, found)):
        rest = Counter(each.key for each in theirs)
        for each in ours:
            if rest[each.key]:
                rest[each.key] -= 1
            else:
                said.append(f"{word}: {each}")
    before: Mapping[Key, Entry] = {each.key: each for each in kept}
    for each in found:
        old = before.get(each.key)
        if old is not None and old.architectures != each.architectures:
            said.append(f"was for {', '.join(old.architectures)}: {each}")
    return said


def complaints(kept: Iterable[Entry]) -> list[str]:
    """What is wrong with the labels and the reasons."""
    said = []
    for each in kept:
        if each.label not in LABELS:
            said.append(f"no label {each.label!r}: {each}")
        elif each.label != "true":
            said.append(f"{each.label}: {each}")
        if len(each.reason) < SHORTEST_REASON:
            said.append(f"reason of fewer than {SHORTEST_REASON} characters: {each}")
    return said


def test_the_findings_are_those_of_the_ledger(kernel: Path) -> None:
    kept = read_ledger(ledger_path(kernel.name).read_text(encoding="utf-8"))
    said = differences(kept, found_in(kernel))
    assert not said, "\n".join(["after a look at each, python tests/test_ecosystem.py --write", *said])


@pytest.mark.parametrize("path", sorted(LEDGERS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_finding_is_true_and_says_why(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    kept = read_ledger(text)
    assert kept
    assert not complaints(kept)
    assert ledger_text(path.stem, kept) == text


SOME = Entry("KICK010", "virt/kvm/a.c", "f", "0123", "warning", ("x86",), 'f("a\\b");', "true", "why " * 40)


def test_a_ledger_reads_as_it_was_written() -> None:
    entries = [replace(SOME, reason=SOME.reason.strip()), replace(SOME, rule="KICK009", reason="")]
    assert read_ledger(ledger_text("6.12", entries)) == entries


def test_what_appears_and_what_vanishes_is_said() -> None:
    error = replace(SOME, severity="error")
    assert differences([SOME], [SOME]) == []
    assert differences([SOME], [error]) == [f"appeared: {error}", f"vanished: {SOME}"]
    assert differences([SOME], [SOME, SOME]) == [f"appeared: {SOME}"]
    wider = replace(SOME, architectures=("riscv", "x86"))
    assert differences([SOME], [wider]) == [f"was for x86: {wider}"]


def test_labels_and_reasons_are_kept_and_new_ones_are_unlabelled() -> None:
    bare = replace(SOME, label=UNLABELLED, reason="")
    new = replace(bare, rule="KICK011")
    gone = replace(SOME, rule="KICK008")
    wider = replace(bare, architectures=("riscv", "x86"))
    assert brought_up_to_date([SOME, gone], [wider, new]) == [
        replace(SOME, architectures=("riscv", "x86")),
        new,
    ]


@pytest.mark.parametrize(
    ("label", "reason", "said"),
    [
        ("true", "long enough to say what happens in which order", ""),
        ("true", "too short", "reason of fewer than 40"),
        ("false", "long enough to say what happens in which order", "false: "),
        (UNLABELLED, "long enough to say what happens in which order", "unlabelled: "),
        ("perhaps", "long enough to say what happens in which order", "no label 'perhaps'"),
    ],
)
def test_labels_other_than_true_and_short_reasons_are_complained_of(
    label: str, reason: str, said: str
) -> None:
    found = complaints([replace(SOME, label=label, reason=reason)])
    assert found == [] if not said else len(found) == 1 and found[0].startswith(said)


def _update(folder: Path, versions: Sequence[str], jobs: int) -> None:
    for version in versions:
        path = ledger_path(version)
        kept = read_ledger(path.read_text(encoding="utf-8")) if path.exists() else []
        entries = brought_up_to_date(kept, found_in(folder / version, jobs))
        path.write_text(ledger_text(version, entries), encoding="utf-8")
        sys.stdout.write("\n".join([*complaints(entries), f"{path.name}: {len(entries)} findings", ""]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", required=True, help="bring the ledgers up to date")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="the number of processes")
    script = conftest._script("kernels")
    _update(script.default_folder(), script.VERSIONS, parser.parse_args().jobs)

"""Findings of single worlds, joined; nothing here needs what finds them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kicklint.base import Finding, Interleaving, Severity, Span

_FINGERPRINT = 16

UNANALYSED = "KICK000"
"""The rule that the engine itself reports."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding before worlds are joined: its key, and the finding without its fingerprint."""

    key: tuple[str, Span, str]
    finding: Finding


def shorter(one: Interleaving | None, other: Interleaving | None) -> Interleaving | None:
    """The better of two interleavings: with no assumption, then with fewer rows; the first of equals."""
    if one is None or other is None:
        return one or other
    return min((one, other), key=lambda each: (bool(each.assumption), len(each.rows)))


def join_worlds(drafts_by_world: list[list[Draft]]) -> list[Finding]:
    """Findings that are the same in several worlds, reported once, the gravest text first."""
    joined: dict[tuple[str, Span, str], Finding] = {}
    for found in drafts_by_world:
        for draft in found:
            before = joined.get(draft.key)
            if before is None:
                joined[draft.key] = draft.finding
                continue
            graver = draft.finding if _rank(draft.finding) > _rank(before) else before
            race = shorter(before.interleaving, draft.finding.interleaving)
            names = tuple(sorted({*before.architectures, *draft.finding.architectures}))
            joined[draft.key] = replace(graver, architectures=names, interleaving=race)
    return sorted(joined.values(), key=lambda each: (each.span, each.rule, each.function))


def _rank(finding: Finding) -> int:
    return {Severity.NOTE: 0, Severity.WARNING: 1, Severity.ERROR: 2}[finding.severity]


def with_fingerprints(findings: list[Finding], lines: Mapping[tuple[str, int], str]) -> tuple[Finding, ...]:
    """``findings`` with fingerprints: rule, path, function and text of the line, white space aside.

    Two findings that would be the same are told apart by their order in the file.
    """
    seen: Counter[str] = Counter()
    done = []
    for finding in findings:
        text = " ".join(lines.get((finding.span.path, finding.span.line), "").split())
        basis = "\0".join((finding.rule, finding.span.path, finding.function, text))
        seen[basis] += 1
        digest = hashlib.sha256(f"{basis}\0{seen[basis]}".encode()).hexdigest()[:_FINGERPRINT]
        done.append(replace(finding, fingerprint=digest))
    return tuple(done)

"""A review as a SARIF log, with the standing of every finding."""

from __future__ import annotations

from dataclasses import replace

from kicklint.base import Excerpt, Finding, Note, Outcome, Report, Review, Severity
from kicklint.render.context import Context
from kicklint.render.sarif import render as render_log


def render(review: Review, context: Context) -> str:
    """The findings of all patches with ``baselineState``; what was not wholly reviewed as notifications."""
    findings: dict[tuple[str, str], Finding] = {}
    excerpts: dict[tuple[str, int], Excerpt] = {}
    notes: list[Note] = []
    names: set[str] = set()
    for patch in review.patches:
        subject = patch.patch.letter.subject or patch.patch.letter.place
        if patch.outcome is Outcome.UNREADABLE:
            notes.append(Note("unreadable-patch", Severity.ERROR, f"{subject}: {patch.reason}"))
        elif patch.outcome is Outcome.HUNKS_ONLY:
            notes.append(
                Note("hunks-only", Severity.WARNING, f"{subject}: only the hunks were seen: {patch.reason}")
            )
        elif patch.base:
            notes.append(Note("compared-with", Severity.NOTE, f"{subject}: compared with {patch.base}"))
        names |= set(patch.architectures)
        excerpts |= {(each.path, each.line): each for each in patch.excerpts}
        for each in patch.judged:
            if each.mended:
                notes.append(
                    Note(
                        "mended-later",
                        Severity.NOTE,
                        f"{subject}: {each.finding.rule} in {each.finding.function}() "
                        f"is removed again by patch {each.mended}",
                    )
                )
                continue
            low = "; low confidence, only the hunks were seen" if each.hunks_only else ""
            found = replace(each.finding, message=f"{each.finding.message}{low}")
            findings.setdefault((found.fingerprint, found.standing.value), found)
    report = Report(
        tuple(sorted(findings.values(), key=lambda each: (each.span, each.rule, each.standing))),
        tuple(notes),
        tuple(sorted(names)),
        excerpts=tuple(excerpts[key] for key in sorted(excerpts)),
        gone=(),
    )
    return render_log(report, context)

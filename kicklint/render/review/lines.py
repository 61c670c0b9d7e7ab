"""For b4's checks: a line a finding, and JSON for its review."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kicklint.base import Judged, Outcome, PatchReview, Review, Severity
from kicklint.render.context import Context
from kicklint.render.document import dump
from kicklint.render.plain import counted, visible


def render_checkpatch(review: Review, context: Context) -> str:
    """``path:line: WARNING: message`` for every finding, as checkpatch --terse --showfile; "" when clean.

    What could not be read is a line, too, since b4 takes silence for success.
    """
    out = []
    for patch in review.patches:
        if patch.outcome is Outcome.UNREADABLE:
            out.append(f"ERROR: kicklint could not read the patch: {visible(patch.reason)}\n")
        elif patch.outcome is Outcome.HUNKS_ONLY and context.strict:
            out.append(f"WARNING: kicklint saw the hunks only: {visible(patch.reason)}\n")
        out += [_terse(each) for each in patch.judged if each.counts]
    return "".join(out)


def _terse(judged: Judged) -> str:
    finding = judged.finding
    kind = "ERROR" if finding.severity is Severity.ERROR else "WARNING"
    low = " (low confidence: only the hunks were seen)" if judged.hunks_only else ""
    place = f"{visible(finding.span.path)}:{finding.span.line}"
    return f"{place}: {kind}: {visible(finding.message)} [{finding.rule}]{low}\n"


def render_b4_json(review: Review, context: Context) -> str:
    """What b4's review check commands give: an array of {tool, status, summary, url, details}.

    It has one entry, since b4 keeps no more than one of a tool for a mail; none where no KVM code
    is touched.
    """
    patches = [each for each in review.patches if each.outcome not in (Outcome.NO_KVM, Outcome.NO_PATCH)]
    return dump([_entry(patches)] if patches else [])


def _entry(patches: Sequence[PatchReview]) -> dict[str, object]:
    several = len(patches) > 1
    unreadable = [each for each in patches if each.outcome is Outcome.UNREADABLE]
    counting = [(patch, each) for patch in patches for each in patch.judged if each.counts]
    hunks = sum(patch.outcome is Outcome.HUNKS_ONLY for patch in patches)
    if unreadable:
        status, summary = "fail", f"could not read the patch: {unreadable[0].reason}"
    elif counting:
        grave = any(_fails(each) for _, each in counting)
        status, summary = "fail" if grave else "warn", counted(len(counting), "new finding")
    elif hunks:
        status, summary = "pass", "nothing found in the hunks; the rest was not seen"
    else:
        status, summary = "pass", "nothing new"
    if several:
        summary = f"{summary}, in {len(patches)} patches"
    details = [_detail(patch, each, several=several) for patch, each in counting]
    said = dict.fromkeys(f"compared with: {patch.base}" for patch in patches if patch.base)
    return {
        "tool": "kicklint",
        "status": status,
        "summary": visible(summary),
        "url": "",
        "details": json.dumps(details, ensure_ascii=False) if details else visible("; ".join(said)),
    }


def _fails(judged: Judged) -> bool:
    return judged.finding.severity is Severity.ERROR and not judged.hunks_only


def _detail(patch: PatchReview, judged: Judged, *, several: bool) -> dict[str, str]:
    """One row of what b4 shows when it is asked for more."""
    finding = judged.finding
    letter = patch.patch.letter
    number = f"{letter.number}/{letter.total} " if several and letter.number else ""
    low = "; low confidence, only the hunks were seen" if judged.hunks_only else ""
    return {
        "status": "fail" if _fails(judged) else "warn",
        "context": f"{number}{finding.rule} {finding.name}",
        "state": finding.severity.value,
        "description": f"{visible(finding.message)}{low}",
        "url": "",
        "srcline": f"{visible(finding.span.path)}:{finding.span.line}",
    }

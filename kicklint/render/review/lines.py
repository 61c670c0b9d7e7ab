"""For b4's checks: a line a finding, and JSON for its review."""

from __future__ import annotations

import json

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
    """The array that b4's review check commands give: tool, status, summary, url, details."""
    return dump([_entry(each) for each in review.patches if _says(each)])


def _says(patch: PatchReview) -> bool:
    return patch.outcome not in (Outcome.NO_KVM, Outcome.NO_PATCH)


def _entry(patch: PatchReview) -> dict[str, object]:
    counting = [each for each in patch.judged if each.counts]
    if patch.outcome is Outcome.UNREADABLE:
        status, summary = "fail", f"could not read the patch: {patch.reason}"
    elif any(each.finding.severity is Severity.ERROR and not each.hunks_only for each in counting):
        status, summary = "fail", counted(len(counting), "new finding")
    elif counting:
        status, summary = "warn", counted(len(counting), "new finding")
    elif patch.outcome is Outcome.HUNKS_ONLY:
        status, summary = "pass", "nothing found in the hunks; the rest was not seen"
    else:
        status, summary = "pass", "nothing new"
    details = [
        {
            "status": "fail" if each.finding.severity is Severity.ERROR else "warn",
            "context": f"{each.finding.rule} {each.finding.name}",
            "state": each.finding.severity.value,
            "description": visible(each.finding.message),
            "url": "",
            "srcline": f"{visible(each.finding.span.path)}:{each.finding.span.line}",
        }
        for each in counting
    ]
    text = json.dumps(details, ensure_ascii=False) if details else f"compared with: {patch.base}"
    return {
        "tool": "kicklint",
        "status": status,
        "summary": visible(summary),
        "url": "",
        "details": visible(text),
    }

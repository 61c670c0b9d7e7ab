"""A review as JSON, whole or a line for each mail of an archive.

Keys keep this order and are always there::

    version   of this format, a number
    tool      {name, version}
    summary   {patches, new, mended, hunksOnly, unreadable}
    patches   [{id, subject, number, place, outcome, base, reason, notTaken, architectures,
                findings: [{standing, rule, name, severity, was, message, path, line, column, endLine,
                            endColumn, function, architectures, fingerprint, confidence,
                            remedy, trail, related, suppression, interleaving, edit, diffLine,
                            cause: {path, hunk, head}, mendedBy}]}]

``outcome`` is reviewed, hunks-only, no-kvm, no-patch or unreadable. ``standing`` is new, known or
fixed. ``was`` is the severity before, where the patch raised it, else null. ``confidence`` is low
where only hunks were seen, else normal. A finding that is waived is there only when all are
asked for, with its ``suppression``. ``diffLine`` is the line of the diff, as it stands there, that
the finding is about. ``mendedBy`` is the number of the later patch that removes it, or null.
"""

from __future__ import annotations

from kicklint.base import Judged, Outcome, PatchReview, Report, Review
from kicklint.render.context import Context
from kicklint.render.document import dump
from kicklint.render.json_report import finding_object
from kicklint.render.plain import Lines

FORMAT_VERSION = 1


def render(review: Review, context: Context) -> str:
    """The review as one JSON object."""
    outcomes = [each.outcome for each in review.patches]
    return dump(
        {
            "version": FORMAT_VERSION,
            "tool": {"name": "kicklint", "version": context.version},
            "summary": {
                "patches": len(review.patches),
                "new": len(review.counting),
                "mended": sum(bool(each.mended) for patch in review.patches for each in patch.new),
                "hunksOnly": outcomes.count(Outcome.HUNKS_ONLY),
                "unreadable": outcomes.count(Outcome.UNREADABLE),
            },
            "patches": [_patch(each, context) for each in review.patches],
        }
    )


def render_line(review: Review, identity: str, context: Context) -> str:
    """One line of JSON for one mail of an archive: its Message-ID, what names it in the archive, its
    subject, the outcome as ``status``, new findings, and why or against what."""
    patch = review.patches[0]
    return dump(
        {
            "id": patch.patch.letter.message_id or identity,
            "mail": identity,
            "subject": patch.patch.letter.subject,
            "status": patch.outcome.value,
            "findings": [_finding(each, patch) for each in patch.judged if each in patch.new],
            "reason": patch.reason or patch.base,
        },
        compact=True,
    )


def _patch(patch: PatchReview, context: Context) -> dict[str, object]:
    letter = patch.patch.letter
    shown = patch.judged if context.everything else patch.new
    return {
        "id": letter.message_id,
        "subject": letter.subject,
        "number": letter.number,
        "place": letter.place,
        "outcome": patch.outcome.value,
        "base": patch.base,
        "reason": patch.reason,
        "notTaken": list(patch.remarks),
        "architectures": list(patch.architectures),
        "findings": [_finding(each, patch) for each in shown],
    }


def _finding(judged: Judged, patch: PatchReview) -> dict[str, object]:
    diff = patch.patch.diff
    cause = judged.cause
    whole = finding_object(judged.finding, Lines(Report((), excerpts=patch.excerpts)), compared=True)
    return {
        "standing": judged.finding.standing.value,
        **{key: value for key, value in whole.items() if key != "standing"},
        "was": judged.was.value if judged.was is not None else None,
        "confidence": "low" if judged.hunks_only else "normal",
        "diffLine": diff[judged.at] if judged.at is not None else None,
        "cause": None
        if cause is None
        else {"path": cause.path, "hunk": cause.hunk, "head": diff[cause.at] if cause.at < len(diff) else ""},
        "mendedBy": judged.mended or None,
    }

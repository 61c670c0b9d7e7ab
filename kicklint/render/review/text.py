"""For people: patch by patch, what it was compared with and what it makes worse."""

from __future__ import annotations

from collections.abc import Iterator

from kicklint.base import Judged, Outcome, PatchReview, Report, Review, Standing
from kicklint.render.context import Context
from kicklint.render.plain import Lines, counted, visible
from kicklint.render.style import Style
from kicklint.render.text import finding_block

_OTHERS = ((Standing.KNOWN, "already there"), (Standing.FIXED, "fixed"))


def render(review: Review, context: Context) -> str:
    """The review as text. ``context.everything`` shows what was there already and what is fixed, too."""
    style = Style(context.colour)
    blocks = ["\n".join(_patch(each, context, style)) + "\n" for each in review.patches]
    if not context.quiet:
        blocks.append(style.strong(_summary(review, context)) + "\n")
    return "\n".join(blocks)


def _patch(patch: PatchReview, context: Context, style: Style) -> Iterator[str]:
    title = patch.patch.letter.subject or patch.patch.letter.place
    yield style.strong(visible(title))
    if patch.outcome in (Outcome.UNREADABLE, Outcome.NO_PATCH, Outcome.NO_KVM):
        yield f"  {style.faint('not reviewed:')} {visible(patch.reason)}"
        return
    yield f"  {style.faint('compared with:')} {visible(patch.base)}"
    if patch.outcome is Outcome.HUNKS_ONLY:
        yield f"  {style.faint('because:')} {visible(patch.reason)}"
    elif not context.quiet:
        for said in patch.remarks:
            yield f"  {style.faint('not taken:')} {visible(said)}"
    lines = Lines(Report((), excerpts=patch.excerpts))
    for each in patch.new:
        yield ""
        yield from finding_block(each.finding, lines, style, context.verbose)
        for said in remarks(each, patch):
            yield f"{'':6} {style.faint('=')} {style.help('review:')} {visible(said)}"
    if not patch.new:
        yield f"  {_nothing(patch)}"
    if context.everything:
        for each in patch.waived:
            yield ""
            yield from finding_block(each.finding, lines, style, context.verbose)
        for standing, name in _OTHERS:
            for each in patch.judged:
                if each.finding.standing is standing:
                    yield ""
                    yield style.strong(f"{name}:")
                    yield from finding_block(each.finding, lines, style, context.verbose)


def _nothing(patch: PatchReview) -> str:
    if patch.outcome is Outcome.HUNKS_ONLY:
        return "nothing found in the hunks; what they do not show was not looked at"
    return "nothing new"


def remarks(judged: Judged, patch: PatchReview) -> Iterator[str]:
    """How the finding came into the patch, one sentence each."""
    if judged.hunks_only:
        yield "low confidence: only the hunks were seen"
    if judged.was is not None:
        yield f"was there before as {judged.was}; the patch makes it {judged.finding.severity}"
    if judged.cause is not None:
        head = patch.patch.diff[judged.cause.at] if judged.cause.at < len(patch.patch.diff) else ""
        shown = head.split("@@")[1].strip() if head.count("@@") >= 2 else ""
        yield f"brought by {judged.cause.path}, hunk {judged.cause.hunk} (@@ {shown} @@)"
    if judged.mended:
        yield f"removed again by patch {judged.mended} of the series, so it does not count"


def _summary(review: Review, context: Context) -> str:
    new = len(review.counting)
    mended = sum(bool(each.mended) for patch in review.patches for each in patch.new)
    parts = [
        f"{counted(new, 'new finding')} in {len(review.patches)} patch{'es' * (len(review.patches) != 1)}"
    ]
    if mended:
        parts.append(f"{mended} removed again later in the series")
    waived = sum(len(patch.waived) for patch in review.patches)
    if waived:
        parts.append(f"{waived} waived")
    standings = [each.finding.standing for patch in review.patches for each in patch.judged]
    if context.everything and Standing.FIXED in standings:
        parts.append(f"{standings.count(Standing.FIXED)} fixed")
    outcomes = [each.outcome for each in review.patches]
    if Outcome.HUNKS_ONLY in outcomes:
        parts.append(f"{outcomes.count(Outcome.HUNKS_ONLY)} seen only in hunks")
    if Outcome.UNREADABLE in outcomes:
        parts.append(f"{outcomes.count(Outcome.UNREADABLE)} not readable")
    return "; ".join(parts) + "."

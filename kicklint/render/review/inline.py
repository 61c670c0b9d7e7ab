"""b4 review's files of inline comments (misc/agent-reviewer.md of b4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kicklint.base import PatchReview, Review
from kicklint.render.context import Context
from kicklint.render.plain import counted, visible
from kicklint.render.review.reply import comment

_HEAD = "diff --git "


def inline_comments(review: Review, context: Context) -> Mapping[str, str]:
    """The files by name: who speaks, a word on the series, and for each patch that has
    findings its whole diff quoted, with the comments below their lines.

    b4 takes what stands in front of the first ``> diff --git`` for a note on the patch, and every
    line that has no ``>`` in front of it for a comment on the line above.
    """
    files = {"identity.txt": "kicklint <kicklint@localhost>\n", "series.txt": _series(review)}
    for number, patch in enumerate(review.patches, 1):
        if patch.new:
            files[f"{patch.patch.letter.number or number:04}.txt"] = _patch(patch, context)
    return files


def _series(review: Review) -> str:
    out = [f"kicklint: {counted(len(review.counting), 'new finding')}", ""]
    for patch in review.patches:
        said = patch.reason if not patch.base else f"compared with {patch.base}"
        out.append(
            f"{visible(patch.patch.letter.subject)}: {counted(len(patch.new), 'finding')}, {visible(said)}"
        )
    return "\n".join(out) + "\n"


def _patch(patch: PatchReview, context: Context) -> str:
    rules = {rule.id: rule for rule in context.rules}
    out = [f"{counted(len(patch.new), 'new finding')} against {visible(patch.base)}", ""]
    for each in patch.new:
        if each.at is None:
            out += [*comment(each, patch, rules.get(each.finding.rule)), ""]
    for change in patch.patch.files:
        end = max([change.at, *(line.at for hunk in change.hunks for line in hunk.lines)])
        if not patch.patch.diff[change.at].startswith(_HEAD):
            out.append(f"> {_HEAD}a/{change.old or change.new} b/{change.new or change.old}")
        for at in range(change.at, end + 1):
            out.append(f"> {patch.patch.diff[at]}")
            for each in patch.new:
                if each.at == at:
                    out += ["", *_unquoted(comment(each, patch, rules.get(each.finding.rule))), ""]
    return "\n".join(out) + "\n"


def _unquoted(lines: Iterable[str]) -> Iterator[str]:
    """``lines``, none of which looks like a quotation."""
    return (f" {line}" if line.startswith(">") else line for line in lines)

"""An answer to the patch as a reviewer would write it. It is written, and never sent."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from kicklint.base import Judged, Patch, PatchReview, Review, Severity, Step, StepKind
from kicklint.render.context import Context
from kicklint.render.interleaving import table
from kicklint.render.plain import visible
from kicklint.render.review.headers import WIDTH, headers
from kicklint.rulebook import RuleInfo

_ABOVE = 5
_MOST_CHAIN = 6
_COLUMN = WIDTH // 2 - 1


def render(review: Review, context: Context) -> str:
    """One mail for each patch that brings something, the next behind an empty line; "" when none does."""
    rules = {rule.id: rule for rule in context.rules}
    return "\n\n".join(_mail(each, rules) for each in review.patches if each.new)


def _mail(patch: PatchReview, rules: dict[str, RuleInfo]) -> str:
    letter = patch.patch.letter
    out = [*headers(letter), ""]
    if letter.sender:
        when = f"On {visible(letter.date)}, " if letter.date else ""
        out += _wrapped(f"{when}{visible(letter.sender)} wrote:")
    out += _body(patch, rules)
    return "\n".join(out).rstrip("\n") + "\n"


def _body(patch: PatchReview, rules: dict[str, RuleInfo]) -> Iterator[str]:
    placed = sorted((each for each in patch.new if each.at is not None), key=lambda each: each.at or 0)
    done = -1
    file = ""
    for at in dict.fromkeys(each.at for each in placed if each.at is not None):
        lines, file, done = quoted(patch.patch, at, done, file)
        yield from lines
        for each in placed:
            if each.at == at:
                yield ""
                yield from comment(each, patch, rules.get(each.finding.rule))
        yield ""
    for each in patch.new:
        if each.at is None:
            yield ""
            yield from comment(each, patch, rules.get(each.finding.rule))


def quoted(patch: Patch, at: int, done: int, file: str) -> tuple[list[str], str, int]:
    """The lines of the diff up to ``at``, cut to what matters, with ``> ``.

    ``done`` is the last line that was quoted before and ``file`` the path of its file.
    """
    change, hunk = next(
        (change, hunk)
        for change, hunk in patch.hunks()
        if hunk.at <= at <= max([hunk.at, *(line.at for line in hunk.lines)])
    )
    out: list[str] = []
    if change.path != file:
        heads = [
            n for n in range(change.at, hunk.at) if patch.diff[n].startswith(("diff --git", "--- ", "+++ "))
        ]
        out += [f"> {_line(patch.diff[n])}" for n in heads] or [f"> {change.path}"]
    if done < hunk.at:
        out.append(f"> {_line(patch.diff[hunk.at])}")
        done = hunk.at
    first = max(done + 1, at - _ABOVE)
    if first > done + 1:
        out.append("> [...]")
    out += [f"> {_line(patch.diff[n])}" for n in range(first, at + 1)]
    return out, change.path, at


def _line(text: str) -> str:
    return "".join(each if each == "\t" or each.isprintable() else visible(each) for each in text)


def comment(judged: Judged, patch: PatchReview, rule: RuleInfo | None) -> Iterator[str]:
    """What a reviewer would ask, in plain text."""
    finding = judged.finding
    where = f"in {finding.function}(), " if finding.function and not _shows(judged, patch) else ""
    yield from _wrapped(f"{_opening(judged)}  {_sentence(where + _told(finding.message))}.")
    chain = _chain(finding.trail)
    if len(chain) > 1:
        yield ""
        yield from _wrapped(f"On the way: {' -> '.join(chain)}.")
    missing = [step.message for step in finding.trail if step.kind is StepKind.MISSING]
    if missing:
        yield ""
        told = dict.fromkeys(_told(each.removeprefix("missing: ")) for each in missing)
        yield from _wrapped(f"As far as I can see, {'; '.join(told)}.")
    shown = _interleaving(judged, rule)
    if shown:
        yield ""
        yield from shown
    if finding.remedy:
        yield ""
        yield from _wrapped(f"Would this do?  {_sentence(_told(finding.remedy))}.")
    for each in _asides(judged):
        yield ""
        yield from _wrapped(each)
    yield ""
    yield from _wrapped(f"(found by kicklint, {finding.rule} {finding.name})")


def _interleaving(judged: Judged, rule: RuleInfo | None) -> Sequence[str]:
    """The two columns that were computed for the finding, else those of its rule's page."""
    if judged.finding.interleaving is not None:
        rows = table(judged.finding.interleaving, _COLUMN)
        return [line for row in rows for line in ([row] if len(row) <= WIDTH else _wrapped(row))]
    text = rule.interleaving.strip("\n") if rule is not None else ""
    return text.expandtabs(8).split("\n") if text.strip() else ()


def _shows(judged: Judged, patch: PatchReview) -> bool:
    """Whether the quoted line is the one that the finding is about."""
    if judged.at is None:
        return False
    texts = {(each.path, each.line): each.text for each in patch.excerpts}
    text = texts.get((judged.finding.span.path, judged.finding.span.line), "")
    return "".join(text.split()) == "".join(patch.patch.diff[judged.at][1:].split())


def _opening(judged: Judged) -> str:
    if judged.finding.severity is Severity.ERROR:
        return "Can't a kick get lost here?"
    return "Is this safe?"


def _told(text: str) -> str:
    """``text`` without what a plain mail has no use for."""
    return visible(" ".join(text.split())).replace("`", "").rstrip(".?")


def _sentence(text: str) -> str:
    """``text`` with a capital at its beginning, unless that is code."""
    return text[:1].upper() + text[1:] if text.split(" ", 1)[0].isalpha() else text


def _chain(trail: Sequence[Step]) -> list[str]:
    found: list[str] = []
    for step in trail:
        name = f"{step.function}()"
        if step.function and (not found or found[-1] != name):
            found.append(name)
    return found if len(found) <= _MOST_CHAIN else [*found[: _MOST_CHAIN - 2], "...", found[-1]]


def _asides(judged: Judged) -> Iterator[str]:
    if judged.was is not None:
        yield f"It was a {judged.was} before this patch."
    if judged.mended:
        yield f"Patch {judged.mended} of the series takes it away again; could it come first?"
    if judged.hunks_only:
        yield "I have only looked at the hunks, so I may miss what the rest of the function does."


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)

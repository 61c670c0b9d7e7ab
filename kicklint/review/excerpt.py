"""A patch judged by its hunks alone, by the rules that an excerpt is enough for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from kicklint.base import Excerpt, FileChange, Finding, Judged, Outcome, Patch, PatchReview, Report, Severity
from kicklint.review.causes import Shown, cause, shown, touches
from kicklint.review.fragments import ShownTree, indented, shown_tree
from kicklint.review.standing import difference
from kicklint.review.worlds import relevant_changes
from kicklint.rulebook import Excerpts, load_rulebook, own_rules, rules_directory
from kicklint.syntax import load_dialect, parse_file

# They do nothing by themselves.
_KEYWORDS = frozenset(
    ("if", "else", "for", "while", "do", "switch", "case", "default", "break", "continue", "return", "goto")
)
# As many bytes are read of a source file; the longest of KVM has some 14,000 lines.
_MOST_BYTES = 2 << 20
_MOST_LINES = 200_000
Analyse = Callable[[ShownTree, frozenset[str]], Report]


@dataclass(frozen=True, slots=True)
class _Stretches:
    """Which lines of the files after the patch stand together in one hunk."""

    where: dict[tuple[str, int], tuple[str, int]]

    def holds(self, finding: Finding) -> bool:
        """Whether the way of ``finding`` leads over no line that is not shown."""
        steps = [step.span for step in finding.trail if step.function == finding.function]
        places = {self.where.get((span.path, span.line)) for span in (finding.span, *steps)}
        return len(places) == 1 and None not in places


def by_hunks(patch: Patch, refused: tuple[str, ...], analyse: Analyse) -> PatchReview:
    """What the hunks of ``patch`` show to be new. Its severity is no more than a warning."""
    large = [each for each in relevant_changes(patch) if _is_large(each)]
    refused = (
        *refused,
        *(f"the change of {each.path} is too large to be judged by its hunks" for each in large),
    )
    small = [each for each in relevant_changes(patch) if each not in large]
    changes = [indented(each) if patch.loose else each for each in small]
    chosen = frozenset(rule.id for rule in load_rulebook().rules if rule.excerpts is not Excerpts.NO)
    sides = _Sides(*(shown_tree(changes, after=after) for after in (False, True)))
    before, after = analyse(sides.before, chosen), analyse(sides.after, chosen)
    lines = shown(patch, {each.path: tuple(hunk.new_start for hunk in each.hunks) for each in changes})
    stretches = _stretches(lines)
    found = difference(before, after, {}, lambda each: touches(each, lines))
    new = [each for each, old in found.new if old is None and stretches.holds(each)]
    judged = [_judged(each, patch, lines) for each in _surely(new, found.fixed, sides)]
    reason = "; ".join(refused) or "there is no tree to compare it with"
    return PatchReview(
        patch,
        Outcome.HUNKS_ONLY,
        "the hunks only",
        reason,
        tuple(judged),
        tuple(_as_sent(after.excerpts, changes)),
        after.architectures,
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """What is shown of the files before and after a patch."""

    before: ShownTree
    after: ShownTree

    def stood(self, finding: Finding) -> bool:
        """Whether what ``finding`` is about was in the file before, there or elsewhere."""
        span = finding.span
        if span.path not in self.before.paths():
            return False
        lines = self.after.read(span.path).split(b"\n")[span.line - 1 : span.end_line]
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return _bare(b"".join(lines)) in _bare(self.before.read(span.path))

    def gains_words(self, finding: Finding) -> bool:
        """Whether the function of ``finding`` has come to mention something that may do what is missing."""
        return bool(_words(self.after, finding) - _words(self.before, finding) - _KEYWORDS)


def _bare(text: bytes) -> bytes:
    return b"".join(text.split())


def _words(tree: ShownTree, finding: Finding) -> set[str]:
    path = finding.span.path
    if path not in tree.paths():
        return set()
    parsed = parse_file(path, tree.read(path), load_dialect(rules_directory() / "dialect.toml", own_rules()))
    return {word for each in parsed.functions if each.name == finding.function for word in each.words}


def _surely(new: Sequence[Finding], gone: Sequence[Finding], sides: _Sides) -> list[Finding]:
    """Of ``new`` what no more than an excerpt proves.

    It is no rewording of one that is ``gone``. By rules that need it, it is about a line that stood there
    before, and all that happened around that is that something was taken away.
    """
    left = Counter((each.rule, each.function) for each in gone)
    weaker = {rule.id: rule.level for rule in load_rulebook().rules if rule.excerpts is Excerpts.WEAKER}
    found = []
    for each in new:
        if left[each.rule, each.function] > 0:
            left[each.rule, each.function] -= 1
        elif each.rule not in weaker or (
            # What is graver than the rule takes more to prove.
            each.severity is weaker[each.rule] and sides.stood(each) and not sides.gains_words(each)
        ):
            found.append(each)
    return found


def _is_large(change: FileChange) -> bool:
    """Whether the hunks of ``change`` hold more than is read of a file, or stand further down than any."""
    size = sum(len(line.text) for hunk in change.hunks for line in hunk.lines)
    return size > _MOST_BYTES or any(
        max(hunk.old_start, hunk.new_start) + len(hunk.lines) > _MOST_LINES for hunk in change.hunks
    )


def _as_sent(excerpts: Sequence[Excerpt], changes: Sequence[FileChange]) -> Iterator[Excerpt]:
    """``excerpts`` without what was put around the hunks to make whole functions of them."""
    texts = {
        (change.path, line.new): line.text
        for change in changes
        for hunk in change.hunks
        for line in hunk.lines
    }
    for each in excerpts:
        yield replace(each, text=texts.get((each.path, each.line), ""))


def _stretches(lines: Shown) -> _Stretches:
    every = {**lines.context, **lines.added}
    return _Stretches({place: (place[0], number) for place, (_, number) in every.items()})


def _judged(finding: Finding, patch: Patch, lines: Shown) -> Judged:
    low = Severity.WARNING if finding.severity is Severity.ERROR else finding.severity
    at, hunk = cause(finding, patch, lines, lambda _rest, _finding: True)
    return Judged(replace(finding, severity=low), at, hunk, hunks_only=True)

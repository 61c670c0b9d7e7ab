"""One series reviewed: a base, the worlds after its patches, and what each of them changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kicklint.base import Finding, Judged, Outcome, Patch, PatchReview, Report, Review, Standing
from kicklint.engine import AnalysisRequest, analyse_edits, analyse_tree, functions_in
from kicklint.engine.sources import Parsed
from kicklint.review.bases import Base, Place, find_base
from kicklint.review.causes import Shown, cause, shown, touches
from kicklint.review.excerpt import by_hunks
from kicklint.review.series import gap
from kicklint.review.standing import Difference, difference
from kicklint.review.worlds import Fitted, MisfitError, fitted, relevant_changes
from kicklint.source import SourceTree, architecture_of, is_kvm_code
from kicklint.store import Store

Progress = Callable[[str, int, int], None]
Verdict = Callable[[Report, SourceTree], Report]
"""What a project has laid down, put to the report on a tree: exclusions and waivers."""
Mend = Callable[[Report, SourceTree, AnalysisRequest], Report]
"""The report on a tree with an edit in each finding for which one was found."""


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """What to compare with, and what to look for: ``architectures`` and ``select`` are all when empty.

    ``everything`` asks for what was there already and what is fixed, too; ``jobs`` is the number of
    processes. ``verdict`` is put to every report before they are compared, ``mend`` to what is new then.
    What is analysed is kept in ``store`` and taken from there.
    """

    place: Place = field(default_factory=Place)
    architectures: tuple[str, ...] = ()
    select: frozenset[str] = frozenset()
    everything: bool = False
    jobs: int = 1
    progress: Progress | None = field(default=None, compare=False)
    verdict: Verdict | None = field(default=None, compare=False)
    mend: Mend | None = field(default=None, compare=False)
    store: Store | None = field(default=None, compare=False)


def review(patches: Sequence[Patch], request: ReviewRequest) -> Review:
    """What each of ``patches``, one series in order, makes worse. Raises SourceError for a named base
    that is not there."""
    relevant = [each for each in patches if relevant_changes(each)]
    gaps = {id(each): gap(patches, number) for number, each in enumerate(patches)}
    found = _Session(relevant, request, gaps).run() if relevant else {}
    return Review(tuple(found.get(id(each)) or _set_aside(each) for each in patches))


def _set_aside(patch: Patch) -> PatchReview:
    """What is to be said of a patch that there is nothing to analyse of."""
    if patch.trouble:
        return PatchReview(patch, Outcome.UNREADABLE, reason=patch.trouble)
    if not patch.files:
        return PatchReview(patch, Outcome.NO_PATCH, reason="there is no patch in it")
    return PatchReview(patch, Outcome.NO_KVM, reason="it touches no KVM code")


class _Session:
    """The worlds of one series, each analysed once."""

    def __init__(self, patches: Sequence[Patch], request: ReviewRequest, gaps: Mapping[int, str]) -> None:
        self.patches = patches
        self.request = request
        self.gaps = gaps
        self.parsed: Parsed = {}
        self.worlds = _worlds(patches, request.architectures)

    def run(self) -> dict[int, PatchReview]:
        base, refused = find_base(self.patches, self.request.place)
        if base is None:
            return {id(each): self._by_hunks(each, refused) for each in self.patches}
        reports = self._reports([base.tree, *(each.tree for each in base.worlds)])
        found = {}
        for number, world in enumerate(base.worlds):
            patch = self.patches[number]
            tree = base.worlds[number - 1].tree if number else base.tree
            change = self._change(patch, tree, world, reports[number], reports[number + 1])
            found[id(patch)] = self._judged(patch, number, base, reports, change, refused)
        for patch in self.patches[len(base.worlds) :]:
            said = "it does not apply upon the patches before it"
            found[id(patch)] = self._by_hunks(patch, (*refused, said))
        return found

    def _by_hunks(self, patch: Patch, refused: tuple[str, ...]) -> PatchReview:
        def analyse(tree: SourceTree, rules: frozenset[str]) -> Report:
            wanted = rules & self.request.select if self.request.select else rules
            return self._report(tree, wanted) if wanted else Report(())

        gap = self.gaps[id(patch)]
        return by_hunks(patch, (*refused, gap) if gap else refused, analyse)

    def _reports(self, trees: Sequence[SourceTree]) -> list[Report]:
        """The reports on ``trees``, the base and what each patch makes of it."""
        reports = analyse_edits(trees, self._asked(trees), whole=self.request.everything)
        return [self._judge(report, tree) for report, tree in zip(reports, trees, strict=True)]

    def _asked(self, trees: Sequence[SourceTree]) -> AnalysisRequest:
        return AnalysisRequest(
            trees[0].root,
            architectures=self._names(trees),
            select=self.request.select,
            jobs=self.request.jobs,
            progress=self.request.progress,
            store=self.request.store,
        )

    def _with_edits(self, report: Report, tree: SourceTree, change: Difference) -> tuple[Report, Difference]:
        """``report`` on ``tree`` with the lines of edits, and ``change`` with the edits in what is new."""
        if self.request.mend is None or not change.new:
            return report, change
        new = replace(report, findings=tuple(each for each, _ in change.new))
        done = self.request.mend(new, tree, self._asked([tree]))
        pairs = zip(done.findings, change.new, strict=True)
        return (
            replace(report, excerpts=done.excerpts),
            replace(change, new=tuple((finding, old) for finding, (_, old) in pairs)),
        )

    def _report(self, tree: SourceTree, select: frozenset[str]) -> Report:
        """The report on a tree of excerpts by the rules of ``select``."""
        names = self._names([tree])
        if not tree.paths() or (tree.architectures() and not names):
            return Report(())
        request = AnalysisRequest(tree.root, architectures=names, select=select)
        return self._judge(analyse_tree(tree, request, self.parsed), tree)

    def _judge(self, report: Report, tree: SourceTree) -> Report:
        return report if self.request.verdict is None else self.request.verdict(report, tree)

    def _names(self, trees: Sequence[SourceTree]) -> tuple[str, ...]:
        """The architectures of ``trees`` that see a change and are asked for."""
        present = sorted({name for tree in trees for name in tree.architectures()})
        return tuple(name for name in present if self.worlds is None or name in self.worlds)

    def _change(
        self, patch: Patch, tree: SourceTree, world: Fitted, before: Report, after: Report
    ) -> Difference:
        """What ``after``, of ``world``, has that ``before``, of ``tree``, had not."""
        lines = shown(patch, world.starts)

        def replaced(old: Finding, new: Finding) -> bool:
            """Whether the function of ``old`` is gone from its file, and that of ``new`` was not there."""
            store = self.request.store
            now = functions_in(world.tree, new.span.path, store)
            return old.function not in now and new.function not in functions_in(tree, old.span.path, store)

        return difference(before, after, _renamed(patch), lambda each: touches(each, lines), replaced)

    def _judged(
        self,
        patch: Patch,
        number: int,
        base: Base,
        reports: Sequence[Report],
        change: Difference,
        refused: tuple[str, ...],
    ) -> PatchReview:
        world = base.worlds[number]
        after, change = self._with_edits(reports[number + 1], world.tree, change)
        lines = shown(patch, world.starts)
        before = base.worlds[number - 1].tree if number else base.tree
        judged = [
            self._new(each, old, patch, lines, before, self._mended(each, number, base, reports))
            for each, old in change.new
        ]
        cut = any(hunk.cut for _, hunk in patch.hunks())
        # What a reply left out is missing on one side only; it mends nothing.
        fixed = () if cut else change.fixed
        judged += [Judged(replace(each, standing=Standing.FIXED)) for each in fixed]
        judged += [Judged(replace(each, standing=Standing.KNOWN)) for each in change.known]
        gap = self.gaps[id(patch)]
        said = base.said if not number else f"{base.said}, and the patches before it"
        said += f"; {gap}" if gap and number else ""
        return PatchReview(
            patch,
            Outcome.REVIEWED,
            said,
            judged=tuple(judged),
            excerpts=after.excerpts,
            architectures=after.architectures,
            remarks=refused,
        )

    def _new(
        self,
        finding: Finding,
        old: Finding | None,
        patch: Patch,
        lines: Shown,
        before: SourceTree,
        mended: int,
    ) -> Judged:
        def remains_without(rest: Patch, wanted: Finding) -> bool:
            try:
                tree = fitted(before, rest, backwards=False).tree
            except MisfitError:
                return True
            # Without the hunk it is there only if the other hunks bring it, in any world that has it.
            request = AnalysisRequest(
                tree.root, architectures=wanted.architectures[:1], select=frozenset({wanted.rule})
            )
            _, report = analyse_edits([before, tree], request)
            return any(
                (each.rule, each.function, each.severity) == (wanted.rule, wanted.function, wanted.severity)
                for each in report.findings
            )

        at, hunk = cause(finding, patch, lines, remains_without)
        return Judged(finding, at, hunk, old.severity if old is not None else None, mended)

    def _mended(self, finding: Finding, number: int, base: Base, reports: Sequence[Report]) -> int:
        """The number of the later patch after which ``finding`` is gone, 0 if it stays."""
        for later in range(number + 2, len(reports)):
            there = [each for each in reports[later].findings if each.fingerprint == finding.fingerprint]
            if not any(each.severity is finding.severity for each in there):
                patch = self.patches[later - 1]
                return patch.letter.number or later
        return 0


def _renamed(patch: Patch) -> Mapping[str, str]:
    return {
        change.old: change.new
        for change in patch.files
        if change.old is not None
        and change.new is not None
        and change.old != change.new
        and not change.copied
    }


def _worlds(patches: Sequence[Patch], wanted: tuple[str, ...]) -> frozenset[str] | None:
    """The architectures that see what is changed; None for all."""
    found: set[str] = set()
    for change in (each for patch in patches for each in relevant_changes(patch)):
        for path in {change.old, change.new}:
            if path is None or not is_kvm_code(path):
                continue
            names = architecture_of(path)
            if names is None:
                return frozenset(wanted) or None
            found |= set(names)
    return frozenset(found & set(wanted) if wanted else found)

"""analyse(tree, scope, rulebook) -> Report: the one place that names all the stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kicklint.base import Excerpt, Finding, Report, SourceError
from kicklint.engine.drafts import join_worlds, with_fingerprints
from kicklint.engine.escalation import WorldResult, escalated
from kicklint.engine.remembered import Remembered
from kicklint.engine.scope import world_paths
from kicklint.rulebook import Rulebook, load_rulebook
from kicklint.source import DirectoryTree, KeptTree, SourceTree, within
from kicklint.store import Store

if TYPE_CHECKING:
    from kicklint.engine.sources import Parsed


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """What to analyse.

    ``scope`` are tree-relative prefixes that findings are reported for (empty: all);
    facts come from the whole tree. ``architectures`` and ``select`` (rule ids) are
    all when empty. ``jobs`` is the number of processes. ``progress`` is called with
    a stage, how much is done and how much there is, and in one process ``arrived`` with
    the report on the worlds that are done whenever another is, the small ones first. What
    worlds say is kept in ``store`` and taken from there.
    """

    tree: Path
    scope: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    select: frozenset[str] = frozenset()
    jobs: int = 1
    progress: Callable[[str, int, int], None] | None = field(default=None, compare=False)
    arrived: Callable[[Report], None] | None = field(default=None, compare=False)
    store: Store | None = field(default=None, compare=False)


def analyse(request: AnalysisRequest, tree: SourceTree | None = None) -> Report:
    """The report on ``request.tree``; ``tree`` is the same where it has been read before.

    Raises SourceError and RulebookError.
    """
    return analyse_tree(tree or DirectoryTree(request.tree), request)


def analyse_tree(tree: SourceTree, request: AnalysisRequest, parsed: Parsed | None = None) -> Report:
    """The report on ``tree``, wherever it is kept (``request.tree`` is not looked at).

    ``parsed`` is used and filled with the files that were parsed, by content, so that
    several trees that share most of their files can be analysed one after the other.
    """
    rulebook = load_rulebook()
    # What is analysed has to be what was looked up, whatever happens to the files meanwhile.
    kept = tree if isinstance(tree, KeptTree) else KeptTree(tree)
    names = architectures(kept, request.architectures)
    known = Remembered(kept, request.select, request.store)
    results = {name: found for name in names if (found := known.find(name)) is not None}
    missing = tuple(name for name in names if name not in results)
    if missing:
        _run(missing, request, known, parsed, results)
    return report_of(request, kept, rulebook, [results[name] for name in names])


def _run(
    names: tuple[str, ...],
    request: AnalysisRequest,
    known: Remembered,
    parsed: Parsed | None,
    results: dict[str, WorldResult],
) -> None:
    """Put what the worlds ``names`` say to the ``results`` of the others."""
    # What analyses takes 150 ms to import: as long as everything else where all is known.
    from kicklint.engine.run import run_world
    from kicklint.engine.sources import Sources
    from kicklint.engine.workers import in_processes

    if request.jobs > 1 and len(names) > 1 and isinstance(known.tree.tree, DirectoryTree):
        work = (request.select, request.store, request.jobs, request.progress)
        results |= in_processes(known.tree, names, *work)
        return
    sources = Sources(known.tree, request.progress, parsed, request.store)
    paths = known.tree.paths()
    by_size = sorted(names, key=lambda name: len(world_paths(paths, name)))
    for number, name in enumerate(by_size if request.arrived is not None else names, 1):
        results[name] = run_world(name, load_rulebook(), sources, request.select)
        sources.leave(name)
        known.keep(results[name])
        if request.progress is not None:
            request.progress("analysing", number, len(names))
        if request.arrived is not None and number < len(names):
            there = [results[each] for each in sorted(results)]
            request.arrived(report_of(request, known.tree, load_rulebook(), there))


def architectures(tree: SourceTree, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The worlds to look at; a tree with generic code only is one world without a name."""
    present = tree.architectures()
    unknown = sorted(set(wanted) - set(present))
    if unknown:
        there = ", ".join(present) or "none"
        raise SourceError(f"no arch/{unknown[0]}/kvm in {tree.root}; architectures there: {there}")
    if not tree.paths():
        raise SourceError(f"{tree.root} holds no KVM source (virt/kvm, arch/*/kvm)")
    return tuple(name for name in present if not wanted or name in wanted) or ("",)


def report_of(
    request: AnalysisRequest, tree: SourceTree, rulebook: Rulebook, results: list[WorldResult]
) -> Report:
    """The report on ``tree`` that ``results``, one for each of its worlds, make together."""
    by_world = [[escalated(draft, rulebook, results) for draft in result.drafts] for result in results]
    findings = [
        finding
        for finding in join_worlds(by_world)
        if (not request.select or finding.rule in request.select)
        and in_scope(finding.span.path, request.scope)
    ]
    excerpts = _excerpts(tree, findings)
    lines = {(each.path, each.line): each.text for each in excerpts}
    notes = dict.fromkeys(
        note
        for result in results
        for note in result.notes
        if note.span is None or in_scope(note.span.path, request.scope)
    )
    files = {path for result in results for path in result.files if path.endswith((".c", ".h"))}
    functions = {key for result in results for key in result.functions}
    return Report(
        findings=with_fingerprints(findings, lines),
        notes=tuple(notes),
        architectures=tuple(result.architecture for result in results if result.architecture),
        files=len(files),
        functions=len(functions),
        excerpts=excerpts,
    )


def in_scope(path: str, scope: tuple[str, ...]) -> bool:
    """Whether ``path`` is one of ``scope``, or below one; an empty scope is everything."""
    return not scope or any(within(path, each) for each in scope)


def _excerpts(tree: SourceTree, findings: list[Finding]) -> tuple[Excerpt, ...]:
    wanted: dict[str, set[int]] = {}
    for finding in findings:
        for span in (
            finding.span,
            *(step.span for step in finding.trail),
            *(each.span for each in finding.related),
            *(row.span for row in (finding.interleaving.rows if finding.interleaving else ())),
        ):
            wanted.setdefault(span.path, set()).add(span.line)
    found = []
    for path in sorted(wanted):
        try:
            lines = tree.read(path).split(b"\n")
        except SourceError:
            continue
        for line in sorted(wanted[path]):
            if line <= len(lines):
                found.append(
                    Excerpt(path, line, lines[line - 1].rstrip(b"\r").decode("utf-8", "surrogateescape"))
                )
    return tuple(found)

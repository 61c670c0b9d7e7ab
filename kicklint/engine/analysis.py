"""analyse(tree, scope, rulebook) -> Report: the one place that names all the stages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kicklint.base import Excerpt, Finding, Note, Report, Severity, SourceError, Span, Step
from kicklint.engine.announced import announced
from kicklint.engine.census import census, reached
from kicklint.engine.escalation import WorldResult, escalated
from kicklint.engine.findings import Draft, drafts, join_worlds, unanalysed, with_fingerprints
from kicklint.engine.inference import announces, open_world
from kicklint.engine.racing import outcome_of
from kicklint.engine.sources import Parsed, Sources
from kicklint.engine.witness import guards, values_learnt
from kicklint.engine.world import World
from kicklint.rulebook import Rulebook, RuleInfo, load_rulebook
from kicklint.source import DirectoryTree, SourceTree, within
from kicklint.typestate import Outcome

# Python's own guard against runaway recursion; the depth of what is walked is
# bounded by the front end and by the simulator, well below this.
_RECURSION_LIMIT = 20_000
UNANALYSED = "KICK000"
"""The rule that the engine itself reports."""


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """What to analyse.

    ``scope`` are tree-relative prefixes that findings are reported for (empty: all);
    facts come from the whole tree. ``architectures`` and ``select`` (rule ids) are
    all when empty. ``jobs`` is the number of processes. ``progress`` is called with
    a stage, how much is done and how much there is.
    """

    tree: Path
    scope: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    select: frozenset[str] = frozenset()
    jobs: int = 1
    progress: Callable[[str, int, int], None] | None = field(default=None, compare=False)


def analyse(request: AnalysisRequest) -> Report:
    """The report on ``request.tree``. Raises SourceError and RulebookError."""
    tree = DirectoryTree(request.tree)
    names = architectures(tree, request.architectures)
    if request.jobs > 1 and len(names) > 1:
        return _report(request, tree, load_rulebook(), _in_processes(request, names))
    return analyse_tree(tree, request)


def analyse_tree(tree: SourceTree, request: AnalysisRequest, parsed: Parsed | None = None) -> Report:
    """The report on ``tree``, wherever it is kept (``request.tree`` is not looked at).

    ``parsed`` is used and filled with the files that were parsed, by content, so that
    several trees that share most of their files can be analysed one after the other.
    """
    rulebook = load_rulebook()
    sources = Sources(tree, request.progress, parsed)
    names = architectures(tree, request.architectures)
    results = [run_world(name, rulebook, sources, request.select) for name in names]
    return _report(request, tree, rulebook, results)


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


def _in_processes(request: AnalysisRequest, names: tuple[str, ...]) -> list[WorldResult]:
    with ProcessPoolExecutor(min(request.jobs, len(names))) as pool:
        done = [pool.submit(_world_of, request.tree, name, request.select) for name in names]
        results = []
        for index, each in enumerate(done):
            results.append(each.result())
            if request.progress is not None:
                request.progress("analysing", index + 1, len(names))
        return results


def _world_of(tree: Path, name: str, select: frozenset[str]) -> WorldResult:
    return run_world(name, load_rulebook(), Sources(DirectoryTree(tree)), select)


def run_world(name: str, rulebook: Rulebook, sources: Sources, select: frozenset[str]) -> WorldResult:
    """Run every rule that is selected, or that a selected one needs, over one world."""
    with _deep_recursion():
        return _run_world(name, rulebook, sources, select)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _run_world(name: str, rulebook: Rulebook, sources: Sources, select: frozenset[str]) -> WorldResult:
    world = open_world(name, rulebook, sources)
    notes = list(sources.notes)
    if world.inferred:
        listed = ", ".join(f"{each}()" for each in world.inferred)
        notes.append(
            Note(
                "inferred-entry",
                Severity.NOTE,
                f"{name}: the guest entry is not known and was inferred: {listed}",
            )
        )
    enters = world.enters()
    blind = not enters and announces(world)
    if blind:
        text = f"{name or 'generic'}: the mode is written IN_GUEST_MODE, but no guest entry was found"
        notes.append(Note("no-guest-entry", Severity.WARNING, text))
    found: list[Draft] = []
    problems = _damaged(world)
    clean: set[str] = set()
    witnesses = {rule.escalation.witness for rule in rulebook.rules if rule.escalation is not None}
    witnessed: list[tuple[str, tuple[Step, ...]]] = []
    for rule in _needed(rulebook, select):
        outcomes = _outcomes(world, rule)
        for outcome in outcomes:
            for function, reason in outcome.problems:
                problems.setdefault(function, reason)
            found += drafts(world, rule, outcome)
            if rule.id in witnesses:
                witnessed.append((rule.id, guards(outcome)))
        for count in rule.census:
            found += census(world, rule, count, reached(outcomes))
        if rule.announced is not None:
            found += announced(world, rule, rule.announced)
        if rule.automaton and not any(outcome.violations for outcome in outcomes):
            clean.add(rule.id)
    if blind:
        clean -= witnesses  # without an entry nothing was proven
    for rule in rulebook.rules:
        if rule.id == UNANALYSED:
            found += unanalysed(world, rule, problems)
            clean |= set() if problems else {rule.id}
    return WorldResult(
        name,
        tuple(found),
        tuple(notes + _file_notes(world)),
        frozenset(clean),
        enters,
        frozenset(world.paths),
        frozenset(world.index.functions),
        tuple(witnessed),
    )


def _outcomes(world: World, rule: RuleInfo) -> list[Outcome]:
    """What the automata of ``rule`` that are for this world say of it, in order."""
    outcomes: list[Outcome] = []
    learnt: tuple[str, frozenset[str]] | None = None
    for automaton in rule.automaton:
        if automaton.architectures and world.architecture not in automaton.architectures:
            continue
        outcome = outcome_of(world, automaton, learnt)
        if automaton.learn:
            known = learnt[1] if learnt is not None else world.unread_flags
            learnt = (automaton.learn, known | values_learnt(outcome, automaton.learn))
        outcomes.append(outcome)
    return outcomes


def _needed(rulebook: Rulebook, select: frozenset[str]) -> list[RuleInfo]:
    wanted = set(select) or {rule.id for rule in rulebook.rules}
    for rule in rulebook.rules:
        if rule.id in wanted and rule.escalation is not None:
            wanted |= set(rule.escalation.unless)
    return [rule for rule in rulebook.rules if rule.id in wanted]


def _damaged(world: World) -> dict[str, str]:
    """The functions that hold an event, or lead to one, and were not understood, with the reason."""
    found = {}
    for key, function in world.index.functions.items():
        if function.damage and world.index.classes[key]:
            found[key] = function.damage[0]
        elif world.index.direct(key):
            problems = world.flow(key).problems
            if problems:
                found[key] = problems[0]
    return found


def _file_notes(world: World) -> list[Note]:
    return [
        Note(
            "damaged-file",
            Severity.WARNING,
            f"{file.path}:{line}: {reason}",
            Span(file.path, line, 1, line, 1),
        )
        for file in world.files
        for line, reason in file.file_damage
    ]


def _report(
    request: AnalysisRequest, tree: SourceTree, rulebook: Rulebook, results: list[WorldResult]
) -> Report:
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

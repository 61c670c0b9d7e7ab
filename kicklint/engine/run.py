"""One world run by every rule that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kicklint.base import Note, Severity, Span, Step
from kicklint.engine.announced import announced
from kicklint.engine.census import census, reached
from kicklint.engine.consequences import without_consequences
from kicklint.engine.drafts import UNANALYSED, Draft
from kicklint.engine.effort import undisturbed
from kicklint.engine.escalation import WorldResult
from kicklint.engine.findings import drafts, unanalysed
from kicklint.engine.inference import announces, open_world
from kicklint.engine.past import Past
from kicklint.engine.racing import outcome_of
from kicklint.engine.sources import Sources
from kicklint.engine.witness import guards, values_learnt
from kicklint.engine.world import World
from kicklint.rulebook import Automaton, Rulebook, RuleInfo
from kicklint.typestate import Outcome, search

_Run = Callable[[World, Automaton, tuple[str, frozenset[str]] | None], Outcome]


def run_world(name: str, rulebook: Rulebook, sources: Sources, select: frozenset[str]) -> WorldResult:
    """Run every rule that is selected, or that a selected one needs, over one world.

    What the store of ``sources`` has of earlier runs is not run again, and what was run is kept there.
    """
    with undisturbed():
        return _run(name, rulebook, sources, select)  # the world is to be gone at the end of this


def _run(name: str, rulebook: Rulebook, sources: Sources, select: frozenset[str]) -> WorldResult:
    past = Past(sources.store, sources.tree.root) if sources.store is not None else None
    sources.flows = past.flows(name) if past is not None else None
    world = open_world(name, rulebook, sources)
    if past is not None:
        past.recall(world, sources)
    result = judged(world, sources, select)
    if past is not None:
        past.keep(world, complete=not select)
    if sources.flows is not None:
        sources.flows.keep()
    return result


def judged(world: World, sources: Sources, select: frozenset[str]) -> WorldResult:
    """What the rules that are selected, or that a selected one needs, say of ``world`` (of ``sources``)."""
    name, rulebook = world.architecture, world.rulebook
    here = frozenset(world.paths)
    notes = [note for note in sources.notes if note.span is None or note.span.path in here]
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
    problems = damaged(world, world.index.functions)
    clean: set[str] = set()
    witnesses = {rule.escalation.witness for rule in rulebook.rules if rule.escalation is not None}
    witnessed: list[tuple[str, tuple[Step, ...]]] = []
    for rule in needed(rulebook, select):
        outcomes = _outcomes(world, rule, outcome_of if rule.id in witnesses else search)
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
        world.history.settle()
    if blind:
        clean -= witnesses  # without an entry nothing was proven
    found = without_consequences(rulebook.rules, found)
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
        here,
        frozenset(world.index.functions),
        tuple(witnessed),
    )


def _outcomes(world: World, rule: RuleInfo, run: _Run) -> list[Outcome]:
    """What the automata of ``rule`` that are for this world say of it, in order.

    What is ``run`` by ``outcome_of`` stays with the world, since others ask for it, too.
    """
    outcomes: list[Outcome] = []
    learnt: tuple[str, frozenset[str]] | None = None
    for automaton in rule.automaton:
        if automaton.architectures and world.architecture not in automaton.architectures:
            continue
        outcome = run(world, automaton, learnt)
        if automaton.learn:
            known = learnt[1] if learnt is not None else world.unread_flags
            learnt = (automaton.learn, known | values_learnt(outcome, automaton.learn))
        outcomes.append(outcome)
    return outcomes


def needed(rulebook: Rulebook, select: frozenset[str]) -> list[RuleInfo]:
    """The rules that are selected (all when none is), and those that they go by."""
    wanted = set(select) or {rule.id for rule in rulebook.rules}
    for rule in rulebook.rules:
        if rule.id in wanted and rule.escalation is not None:
            wanted |= set(rule.escalation.unless)
    return [rule for rule in rulebook.rules if rule.id in wanted]


def damaged(world: World, functions: Iterable[str]) -> dict[str, str]:
    """Those of ``functions`` that hold an event, or lead to one, and were not understood, with the reason."""
    found = {}
    for key in functions:
        function = world.index.functions[key]
        if function.damage and world.index.classes[key]:
            found[key] = function.damage[0]
        elif world.index.direct(key):
            problems = world.problems(key)
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

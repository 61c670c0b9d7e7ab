"""One world run by every rule that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

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
from kicklint.typestate import Machine, Outcome, search

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
    rulebook = world.rulebook
    here = frozenset(world.paths)
    enters = world.enters()
    blind = not enters and announces(world)
    found: list[Draft] = []
    proving = _proving(rulebook)
    heeded = frozenset().union(*(_heeded(rule) for rule in rulebook.rules if rule.id in proving))
    everything = not select or UNANALYSED in select
    problems = damaged(world, world.index.functions, None if everything else heeded)
    doubtful = any(_told(world, key) & heeded for key in problems)
    clean: set[str] = set()
    witnesses = {rule.escalation.witness for rule in rulebook.rules if rule.escalation is not None}
    witnessed: list[tuple[str, tuple[Step, ...]]] = []
    for rule in needed(rulebook, select):
        outcomes = _outcomes(world, rule, outcome_of if rule.id in witnesses else search)
        for outcome in outcomes:
            for function, reason in outcome.problems:
                problems.setdefault(function, reason)
            doubtful |= rule.id in proving and bool(outcome.problems)
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
            found += unanalysed(world, rule, problems) if everything else ()
            clean |= set() if doubtful else {rule.id}
    return WorldResult(
        world.architecture,
        tuple(found),
        tuple(_notes(world, sources, blind)),
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


def _proving(rulebook: Rulebook) -> frozenset[str]:
    """The rules whose proofs are worth something only where what they look at was understood."""
    escalations = [rule.escalation for rule in rulebook.rules if rule.escalation is not None]
    return frozenset(name for each in escalations if UNANALYSED in each.unless for name in each.unless)


def _heeded(rule: RuleInfo) -> frozenset[str]:
    """The kinds of event that the automata of ``rule`` heed."""
    machines = [Machine.of(each) for each in rule.automaton]
    return frozenset().union(*(kinds for each in machines for kinds in each.enabled.values()))


def _told(world: World, function: str) -> AbstractSet[str]:
    """The kinds of event that nothing can be said about where ``function`` was not understood."""
    damage = world.index.functions[function].damage
    return world.index.classes[function] if damage else world.index.direct(function)


def damaged(world: World, functions: Iterable[str], kinds: frozenset[str] | None = None) -> dict[str, str]:
    """Those of ``functions`` that hold an event, or lead to one, and were not understood, with the reason.

    Only for events of ``kinds``, if given: to know takes a graph of every function that may hold one.
    """
    found = {}
    for key in functions:
        told = _told(world, key)
        if not (told if kinds is None else told & kinds):
            continue
        function = world.index.functions[key]
        if function.damage:
            found[key] = function.damage[0]
        else:
            problems = world.problems(key)
            if problems:
                found[key] = problems[0]
    return found


def _notes(world: World, sources: Sources, blind: bool) -> list[Note]:
    """What is to be said of ``world`` beside findings; ``blind`` says that no guest entry was found."""
    name, here = world.architecture, frozenset(world.paths)
    notes = [note for note in sources.notes if note.span is None or note.span.path in here]
    if world.inferred:
        listed = ", ".join(f"{each}()" for each in world.inferred)
        text = f"{name}: the guest entry is not known and was inferred: {listed}"
        notes.append(Note("inferred-entry", Severity.NOTE, text))
    if blind:
        text = f"{name or 'generic'}: the mode is written IN_GUEST_MODE, but no guest entry was found"
        notes.append(Note("no-guest-entry", Severity.WARNING, text))
    return notes + [
        Note(
            "damaged-file",
            Severity.WARNING,
            f"{file.path}:{line}: {reason}",
            Span(file.path, line, 1, line, 1),
        )
        for file in world.files
        for line, reason in file.file_damage
    ]

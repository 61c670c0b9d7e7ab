"""Kinds of request over a whole world: what is made or tested there, and never consumed."""

from __future__ import annotations

from collections.abc import Iterable

from kicklint.base import Finding, Span
from kicklint.engine.drafts import Draft
from kicklint.engine.kinds import Named, named
from kicklint.engine.logged import logged
from kicklint.engine.terminal import terminal
from kicklint.engine.world import World
from kicklint.rulebook import Census, EventKind, RuleInfo
from kicklint.source import left_out
from kicklint.typestate import Outcome

_OF = {"made": EventKind.REQUEST_MAKE, "tested": EventKind.REQUEST_TEST}


def reached(outcomes: Iterable[Outcome]) -> frozenset[tuple[str, int]]:
    """The nodes, with their function, that the automata of ``outcomes`` came to."""
    return frozenset(
        (context.function, node)
        for outcome in outcomes
        for simulator in outcome.simulators
        for context, summary in simulator.summaries.items()
        for node, _ in summary.links
    )


def census(world: World, rule: RuleInfo, count: Census, nodes: frozenset[tuple[str, int]]) -> list[Draft]:
    """One draft for every kind of request that is made or tested (``count.of``) and never consumed.

    It stands at the first place among ``nodes``; one in a file that is not built there is none.
    With ``logged`` there is one for every place where the interface logs a kind that is never to be
    logged.
    """
    if count.of == "logged":
        return [_draft(world, rule, count, *each) for each in logged(world)]
    places: dict[str, list[tuple[Span, str, str]]] = {}
    consumed: set[str] = set()
    tests: list[Named] = []
    unbuilt = left_out(world.tree, world.architecture)
    for each in named(world):
        path = world.path(each.function)
        if each.name and not each.name.startswith(world.lexicon.vocabulary.vcpu.request_prefix):
            continue
        if each.event is EventKind.REQUEST_TEST and each.name:
            tests.append(each)
        if each.event is EventKind.REQUEST_CONSUME:
            consumed.add(each.name)
        elif (
            each.name
            and each.by in nodes
            and each.event is _OF[count.of]
            and path not in unbuilt
            and _used(world, each.function, set())
            and world.request_kind(each.name, path) != "no-action"
        ):
            owner = world.index.functions[each.function].name
            places.setdefault(each.name, []).append((each.span, owner, each.text))
    if not consumed or "" in consumed:
        return []  # what consumes requests is not there, or not known
    left = places.keys() - consumed
    if left:
        left -= terminal(world, (each for each in tests if each.name in left))
    return [_draft(world, rule, count, name, *min(places[name])) for name in sorted(left)]


def _used(world: World, function: str, above: set[str]) -> bool:
    """Whether ``function`` is there for somebody: generic code that nobody in this world calls is not.

    What the architecture defines is, and so is what a table or a header hands out.
    """
    found = world.index.functions[function]
    if found.static or found.path.startswith("arch/"):
        return True
    above.add(function)
    callers = [each for each in world.callers(function) if each not in above]
    return any(_used(world, each, above) for each in callers) or world.address_taken(function)


def _draft(
    world: World, rule: RuleInfo, count: Census, name: str, span: Span, owner: str, text: str
) -> Draft:
    finding = Finding(
        rule=rule.id,
        name=rule.name,
        severity=count.level,
        message=count.message.format(request=name, cause=text),
        span=span,
        function=owner,
        fingerprint="",
        architectures=(world.architecture,) if world.architecture else (),
        remedy=" ".join(rule.fix.split()),
    )
    return Draft((rule.id, span, f"{owner}:{name}"), finding)

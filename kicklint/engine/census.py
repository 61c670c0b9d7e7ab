"""Kinds of request over a whole world: what is made or tested there, and never consumed."""

from __future__ import annotations

from collections.abc import Iterable

from kicklint.base import Finding, Span
from kicklint.engine.findings import Draft
from kicklint.engine.world import World
from kicklint.events import Event
from kicklint.flow import Name
from kicklint.rulebook import Census, EventKind, RuleInfo
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
    """One draft for every kind of request that is never consumed, at the first place among ``nodes``."""
    places: dict[str, list[tuple[Span, str, Event]]] = {}
    consumed: set[str] = set()
    for key in sorted(world.index.functions):
        if not world.index.direct(key) & {*_OF.values(), EventKind.REQUEST_CONSUME}:
            continue
        function = world.index.functions[key]
        if not function.static and key not in world.index.resolve(function.name, ""):
            continue  # the architecture has one of its own
        graph = world.graph(key)
        for node, event in graph.events.items():
            if not isinstance(event.request, Name) or event.request.id in world.parameters(key):
                continue
            name = world.request_name(event.request.id, function.path)
            if not name.startswith(world.lexicon.vocabulary.vcpu.request_prefix):
                continue
            if event.kind is EventKind.REQUEST_CONSUME:
                consumed.add(name)
            elif (
                (key, node) in nodes
                and event.kind is _OF[count.of]
                and world.request_kind(name, function.path) == "logged"
            ):
                places.setdefault(name, []).append((event.span, function.name, event))
    if not consumed:
        return []  # the part of the tree that consumes requests is not there
    found = []
    for name in sorted(places.keys() - consumed):
        span, owner, event = min(places[name], key=lambda each: (each[0], each[1]))
        finding = Finding(
            rule=rule.id,
            name=rule.name,
            severity=count.level,
            message=count.message.format(request=name, cause=event.text),
            span=span,
            function=owner,
            fingerprint="",
            architectures=(world.architecture,) if world.architecture else (),
            remedy=" ".join(rule.fix.split()),
        )
        found.append(Draft((rule.id, span, f"{owner}:{name}"), finding))
    return found

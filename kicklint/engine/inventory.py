"""The inventory of protocol sites: what a reviewer greps for."""

from __future__ import annotations

from kicklint.base import Site
from kicklint.engine.analysis import AnalysisRequest, architectures, in_scope
from kicklint.engine.inference import open_world
from kicklint.engine.sources import Sources
from kicklint.events import Event
from kicklint.flow import Expr, show
from kicklint.rulebook import EventKind, load_rulebook
from kicklint.source import DirectoryTree

_LISTED = frozenset(set(EventKind) - {EventKind.FORCED_EXIT})


def sites(request: AnalysisRequest) -> tuple[Site, ...]:
    """Every site in the scope, sorted by path and line; one that several worlds share is listed once."""
    rulebook = load_rulebook()
    tree = DirectoryTree(request.tree)
    sources = Sources(tree, request.progress, store=request.store)
    found: set[Site] = set()
    for name in architectures(tree, request.architectures):
        world = open_world(name, rulebook, sources)
        for key in sorted(world.index.functions):
            function = world.index.functions[key]
            if not in_scope(function.path, request.scope) or not world.index.direct(key):
                continue
            graph = world.graph(key)
            for node, event in graph.events.items():
                if event.kind in _LISTED and graph.graph.nodes[node].span.path == function.path:
                    found.add(_site(event, function.path, function.name))
    return tuple(sorted(found))


def _site(event: Event, path: str, function: str) -> Site:
    return Site(path, event.span.line, function, event.kind.value, _detail(event), _vcpu(event.subject))


def _detail(event: Event) -> str:
    if event.kind is EventKind.MODE_WRITE:
        value = show(event.value) if event.value is not None else "?"
        change = f"{show(event.expected)} -> {value}" if event.expected is not None else value
        return f"{change} ({event.how})"
    if event.kind is EventKind.MODE_READ:
        return event.how
    if event.request is not None:
        return f"{show(event.request)} ({event.how})"
    return event.how or event.text


def _vcpu(subject: Expr | None) -> str:
    if subject is None:
        return ""
    text = show(subject)
    return text.lstrip("*&") if not text.startswith("%") else "?"

"""The kinds of request that an architecture consumes: what a vCPU has to look for before it enters."""

from __future__ import annotations

from collections.abc import Callable

from kicklint.engine.index import Index
from kicklint.events import EventGraph
from kicklint.flow import Name
from kicklint.rulebook import EventKind, VcpuShape


def required_requests(
    index: Index, graph: Callable[[str], EventGraph], name: Callable[[str, str], str], shape: VcpuShape
) -> frozenset[str]:
    """The kinds that code of the architecture tests and clears, but for those that a vCPU makes of itself.

    ``graph`` gives the event graph of a function, ``name`` the kind that a word in a file means.
    """
    found: set[str] = set()
    for key in sorted(index.functions):
        path = index.functions[key].path
        special = path.startswith(("arch/", "virt/kvm/arm/"))
        if not special or EventKind.REQUEST_CONSUME not in index.direct(key):
            continue
        for event in graph(key).events.values():
            if event.kind is EventKind.REQUEST_CONSUME and isinstance(event.request, Name) and event.forks:
                found.add(name(event.request.id, path))
    kinds = {each for each in found if each.startswith(shape.request_prefix)}
    return frozenset(kinds.difference(shape.own_requests))

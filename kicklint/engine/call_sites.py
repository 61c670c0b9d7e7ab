"""Where a function is called, by name or through a table."""

from __future__ import annotations

from kicklint.engine.world import World


def call_sites(world: World, function: str) -> list[tuple[str, int]]:
    """The calls that may go to ``function``: each caller's identifier and the node, callers in order."""
    return [
        (caller, node)
        for caller in world.callers(function)
        for node, site in world.graph(caller).calls.items()
        if any(target.function == function for target in site.targets)
    ]

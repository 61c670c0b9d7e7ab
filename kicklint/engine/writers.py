"""The functions that write the mode, told from those that only mention one."""

from __future__ import annotations

from collections.abc import Callable, Container

from kicklint.engine.index import Index
from kicklint.events import EventGraph
from kicklint.flow import Call, Name, TableCall
from kicklint.rulebook import EventKind


def mode_writers(
    index: Index, graph_of: Callable[[str], EventGraph], modes: Container[str]
) -> dict[str, set[str]]:
    """For the functions of ``index`` whose words hint at a write of the mode: what they really hold.

    Most of them only compare the mode with a constant; taking them for writers
    would send every rule into everything that calls them.
    """
    write = EventKind.MODE_WRITE
    found: dict[str, set[str]] = {}
    for key in sorted(index.functions):
        hinted = index.direct(key)
        if write not in hinted or index.functions[key].damage:
            continue
        held: set[str] = set()
        graph = graph_of(key)
        for event in graph.events.values():
            if event.kind is write and isinstance(event.value, Name) and event.value.id in modes:
                held |= {write, f"{write}:{event.value.id}"}
            elif event.kind is write:
                held |= {write, f"{write}:*", *(each for each in hinted if each.startswith(f"{write}:"))}
        for node in graph.calls:
            instruction = graph.graph.nodes[node].instruction
            arguments = instruction.args if isinstance(instruction, Call | TableCall) else ()
            handed = {each.id for each in arguments if isinstance(each, Name) and each.id in modes}
            held |= {f"{write}:{mode}" for mode in handed} | ({write} if handed else set())
        found[key] = held
    return found

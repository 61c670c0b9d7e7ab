"""Variables that stand for a vcpu which the code has looked up: not the one whose thread runs it.

A vcpu that comes in as a parameter may be anybody's. One that a function finds for
itself, in a loop over all of them or by its number, is in general another one.
"""

from __future__ import annotations

from kicklint.events import EventGraph, Role
from kicklint.flow import Call, Expr, Name, Store, Temp
from kicklint.rulebook import VcpuShape


def other_vcpus(events: EventGraph, shape: VcpuShape) -> tuple[str, ...]:
    """The variables of one function that stand for a vcpu that it has looked up itself, in order."""
    graph = events.graph
    parameters = {each.name for each in graph.parameters}
    found: dict[str, None] = {}
    for each in graph.locals:
        if each.name in parameters or shape.type not in each.type or "**" in each.type.replace(" ", ""):
            continue
        identity = events.aliases.identity(Name(each.name))
        if identity is None or identity.role is not Role.VCPU or identity.root != each.name:
            continue
        values = [
            node.instruction.value
            for node in graph.nodes
            if isinstance(node.instruction, Store) and node.instruction.place == Name(each.name)
        ]
        if any(_looked_up(value, events, shape) for value in values):
            found[each.name] = None
    return tuple(sorted(found))


def _looked_up(value: Expr, events: EventGraph, shape: VcpuShape) -> bool:
    """Whether ``value`` is found by looking: a loop over vcpus, or a call that finds one."""
    if not isinstance(value, Temp):
        return False
    source = events.aliases.results.get(value.index)
    if not isinstance(source, Call) or shape.type.rpartition("_")[2] not in source.name:
        return False
    if any(word in source.name for word in shape.makers):
        return False
    identities = [events.aliases.identity(each) for each in source.args]
    own = [each for each in identities if each is not None and each.role is Role.VCPU]
    return "for_each" in source.name or not own or all(each.root == "kvm" for each in own)

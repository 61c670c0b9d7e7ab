"""Variables that stand for a vcpu which the code has looked up: not the one whose thread runs it.

A vcpu that comes in as a parameter may be anybody's. One that a function finds for
itself, in a loop over all of them or by its number, is in general another one. So is the one whose
timer or work it is that goes off: that runs wherever it was queued.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kicklint.events import EventGraph, Role
from kicklint.flow import Call, Expr, Name, Store, Temp
from kicklint.rulebook import VcpuShape, Vocabulary

_WORD = re.compile(r"[A-Za-z_]\w*")


def other_vcpus(
    events: EventGraph, vocabulary: Vocabulary, finds: Callable[[str], bool], kicks: bool
) -> tuple[str, ...]:
    """The variables of one function that stand for a vcpu that is not its thread's own, in order.

    ``finds`` tells of a function's name whether it is one that returns a pointer to a vcpu, ``kicks``
    whether the function, or what it calls, may kick or wake one.
    """
    callbacks = (*vocabulary.callbacks, *(vocabulary.pinned if kicks else ()))
    return tuple(sorted({*_found(events, vocabulary.vcpu, finds), *_going_off(events, callbacks)}))


def _going_off(events: EventGraph, callbacks: tuple[str, ...]) -> Iterator[str]:
    """The parameters that are work or a timer inside of a vcpu."""
    for each in events.graph.parameters:
        if "*" in each.type and set(callbacks) & set(_WORD.findall(each.type)):
            yield each.name


def _found(events: EventGraph, shape: VcpuShape, finds: Callable[[str], bool]) -> Iterator[str]:
    graph = events.graph
    parameters = {each.name for each in graph.parameters}
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
        if any(_looked_up(value, events, shape, finds) for value in values):
            yield each.name


def _looked_up(value: Expr, events: EventGraph, shape: VcpuShape, finds: Callable[[str], bool]) -> bool:
    """Whether ``value`` is found by looking: a loop over vcpus, or a call that finds one."""
    if not isinstance(value, Temp):
        return False
    source = events.aliases.results.get(value.index)
    if not isinstance(source, Call) or any(word in source.name for word in shape.makers):
        return False
    if finds(source.name):
        found = events.aliases.identity(value)
        return found is None or found.role is Role.VM
    if shape.type.rpartition("_")[2] not in source.name:
        return False
    if "for_each" in source.name or any(_machine(each, events, shape) for each in source.args):
        return True
    return not any(_may_be_own(each, events, shape) for each in source.args)


def _machine(argument: Expr, events: EventGraph, shape: VcpuShape) -> bool:
    """Whether ``argument`` is a virtual machine, in which something is looked for."""
    identity = events.aliases.identity(argument)
    types = {each.name: each.type for each in (*events.graph.locals, *events.graph.parameters)}
    declared = types.get(argument.id, "") if isinstance(argument, Name) else ""
    return (identity is not None and identity.role is Role.VM) or declared.replace("*", " ").split() == [
        "struct",
        shape.vm,
    ]


def _may_be_own(argument: Expr, events: EventGraph, shape: VcpuShape) -> bool:
    """Whether ``argument`` leads to a vcpu that the code was given, by a pointer."""
    identity = events.aliases.identity(argument)
    if identity is None or identity.role is not Role.VCPU:
        return False
    types = {each.name: each.type for each in (*events.graph.locals, *events.graph.parameters)}
    if isinstance(argument, Name) and "*" not in types.get(argument.id, "*"):
        return False
    return "*" in types.get(identity.root, "*")

"""Variables that stand for a vcpu which the code has looked up: not the one whose thread runs it.

A vcpu that comes in as a parameter may be anybody's. One that a function finds for
itself, in a loop over all of them or by its number, is in general another one. So is the one whose
timer or work it is that goes off: that runs wherever it was queued.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from kicklint.events import EventGraph, Role
from kicklint.flow import Call, Expr, Name, Store, Temp
from kicklint.rulebook import Lexicon, VcpuShape, Vocabulary
from kicklint.syntax import Function, Macro

_WORD = re.compile(r"[A-Za-z_]\w*")


def other_vcpus(
    function: Function,
    vocabulary: Vocabulary,
    graph: EventGraph | None,
    finds: Callable[[str], bool],
    kicks: bool,
) -> tuple[str, ...]:
    """The variables of ``function`` that stand for a vcpu that is not its thread's own, in order.

    ``graph`` is None where it declares no vcpu. ``finds`` tells of a function's name
    whether it is one that returns a pointer to a vcpu, ``kicks`` whether the function, or what it
    calls, may kick or wake one.
    """
    callbacks = (*vocabulary.callbacks, *(vocabulary.pinned if kicks else ()))
    found = set(_found(graph, vocabulary.vcpu, finds)) if graph is not None else set()
    return tuple(sorted({*found, *_going_off(function, callbacks)}))


class Declarations:
    """Which functions may declare a vcpu of their own: in their text, or in a macro that is put into it."""

    def __init__(self, lexicon: Lexicon, macros: Mapping[str, Iterable[Macro]]) -> None:
        # The type, or a name that begins like it and that no more of an expression follows.
        word = re.escape(lexicon.vocabulary.vcpu.type)
        self._pattern = re.compile(rf"struct\s+{word}|{word}\w*+\s*+(?![(,;.\[+<>=&|?:-])".encode())
        bodies = {each.name: [each.body] for each in lexicon.macros.definition}
        bodies |= {name: [each.body for each in found] for name, found in macros.items()}
        words = {name: set(_WORD.findall(" ".join(each))) & bodies.keys() for name, each in bodies.items()}
        pending = [name for name, found in bodies.items() if any(self._in(each.encode()) for each in found)]
        users: dict[str, list[str]] = {}
        for name, used in words.items():
            for each in used:
                users.setdefault(each, []).append(name)
        self._macros: set[str] = set()
        while pending:
            name = pending.pop()
            if name not in self._macros:
                self._macros.add(name)
                pending += users.get(name, ())

    def _in(self, text: bytes) -> bool:
        return self._pattern.search(text) is not None

    def of(self, function: Function) -> bool:
        """Whether ``function`` may declare one."""
        return not self._macros.isdisjoint(function.words) or any(
            self._in(each.text[each.node.start_byte : each.node.end_byte]) for each in function.bodies
        )


def _going_off(function: Function, callbacks: tuple[str, ...]) -> Iterator[str]:
    """The parameters that are work or a timer inside of a vcpu."""
    for each in function.parameters:
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

"""Conditions that have one outcome while a protocol state lasts.

Two functions that ask the same question of the same vcpu, as the two ends of a
section do, get the same answer: the section is not left by a way on which the
answer has changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kicklint.events import EventGraph, Role
from kicklint.flow import Binary, Call, Expr, Index, Member, Name, Temp, Unary
from kicklint.rulebook import EventKind
from kicklint.typestate.program import Program

_WORD = re.compile(r"[A-Za-z_]\w*")


class Correlation:
    """The questions of one function, where it or what it calls directly writes the mode."""

    def __init__(self, events: EventGraph, roles: Mapping[str, Role], program: Program) -> None:
        self.events = events
        self.program = program
        graph = events.graph
        self.locals = {each.name for each in (*graph.parameters, *graph.locals)}
        self.names = {name: f"@{role}" for name, role in roles.items()}
        self.active = _writes(events) or any(
            _writes(program.graph(target.function))
            for site in events.calls.values()
            for target in site.targets
            if not target.through and EventKind.MODE_WRITE in program.may(target.function)
        )

    def condition(self, expr: Expr) -> str:
        """A text for the question that ``expr`` asks, the same in every function; "" for none."""
        if not self.active or not self._pure(expr, 4):
            return ""
        text = self.events.aliases.text(expr)
        return _WORD.sub(lambda word: self.names.get(word.group(), word.group()), text)

    def _pure(self, expr: Expr, depth: int) -> bool:
        """Whether ``expr`` reads nothing but the tracked vcpu and what is global."""
        if depth == 0:
            return False
        if isinstance(expr, Temp):
            source = self.events.aliases.results.get(expr.index)
            return (
                isinstance(source, Call)
                and bool(source.name)
                and not self._eventful(source)
                and all(self._pure(each, depth - 1) for each in source.args)
            )
        if isinstance(expr, Name):
            return expr.id in self.names or expr.id not in self.locals
        if isinstance(expr, Member | Index):
            return self._pure(expr.base, depth)
        if isinstance(expr, Unary):
            return self._pure(expr.operand, depth)
        if isinstance(expr, Binary):
            return self._pure(expr.left, depth) and self._pure(expr.right, depth)
        return True

    def _eventful(self, call: Call) -> bool:
        """Whether ``call`` may do something to the protocol, or asks the protocol itself."""
        functions = self.program.function_named(call.name, self.events.graph.path)
        return any(EventKind.MODE_WRITE in self.program.may(each) for each in functions)


def _writes(events: EventGraph) -> bool:
    return any(event.kind is EventKind.MODE_WRITE for event in events.events.values())

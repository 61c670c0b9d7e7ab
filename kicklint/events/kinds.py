"""Conditions that tell whether a kind of request is one that is never logged."""

from __future__ import annotations

from collections.abc import Mapping

from kicklint.events.identity import Aliases
from kicklint.events.masks import only
from kicklint.flow import Binary, Call, Const, ControlFlowGraph, Expr, Name, Temp, Unary
from kicklint.rulebook import EventKind, Lexicon

_MAX_STEPS = 12
EITHER = "either"
"""A question about the kind whose answer is not known: whatever comes of it may be that."""


class Kinds:
    """The variables of one function that hold the kind of a request which it makes."""

    def __init__(self, graph: ControlFlowGraph, lexicon: Lexicon, aliases: Aliases) -> None:
        self.aliases = aliases
        self.mark = lexicon.vocabulary.vcpu.no_action
        self.variables: frozenset[str] = frozenset(_kinds(graph, lexicon.calls_of(EventKind.REQUEST_MAKE)))

    def unlogged(self, condition: Expr) -> str:
        """Where ``condition`` finds the kind to be never logged.

        ``==`` where it holds, ``!=`` where it does not, EITHER where it asks a function or a
        comparison that is not understood, "" when it is no such question.
        """
        if not self.variables:
            return ""
        core, negated = self._plain(condition)
        if isinstance(core, Binary) and core.op == "&":
            sides = (core.left, core.right)
            masks = [other for one, other in (sides, sides[::-1]) if self._is_kind(one)]
            if not masks or only(masks[0]) != frozenset({self.mark}):
                return ""
            return "!=" if negated else "=="
        return EITHER if self._asks(core) else ""

    def _plain(self, expr: Expr) -> tuple[Expr, bool]:
        """``expr`` without locals for it and without negations, and whether these turn it round."""
        negated = False
        for _ in range(_MAX_STEPS):
            if self._is_kind(expr):
                break
            match self.aliases.resolved(expr):
                case Unary("!", operand):
                    expr, negated = operand, not negated
                case Binary("==" | "!=" as op, left, Const(0)):
                    expr, negated = left, negated != (op == "==")
                case Temp(index) as result:
                    given = self.aliases.results.get(index)
                    if not isinstance(given, list) or len(given) != 1:
                        return result, negated
                    expr = given[0]
                case other:
                    return other, negated
        return expr, negated

    def _is_kind(self, expr: Expr) -> bool:
        return isinstance(expr, Name) and expr.id in self.variables

    def _asks(self, expr: Expr) -> bool:
        """Whether ``expr`` is a call that is handed the kind and nothing else."""
        source = self.aliases.results.get(expr.index) if isinstance(expr, Temp) else None
        return isinstance(source, Call) and bool(source.args) and all(map(self._is_kind, source.args))


def _kinds(graph: ControlFlowGraph, makers: Mapping[str, int]) -> set[str]:
    """The variables that are handed on as the kind of a request: argument ``makers`` of a call."""
    variables = {each.name for each in (*graph.parameters, *graph.locals)}
    found = set()
    for node in graph.nodes:
        call = node.instruction
        position = makers.get(call.name) if isinstance(call, Call) else None
        if isinstance(call, Call) and position is not None and position < len(call.args):
            kind = call.args[position]
            if isinstance(kind, Name) and kind.id in variables:
                found.add(kind.id)
    return found

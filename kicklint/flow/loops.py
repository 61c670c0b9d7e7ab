"""Which of its arguments a loop macro leaves alone, by reading its body."""

from __future__ import annotations

from tree_sitter import Node as SyntaxNode

from kicklint.flow.dialect import FlowDialect
from kicklint.flow.expressions import arguments_of, first_of

_MAX_DEPTH = 6


def left_alone(dialect: FlowDialect, name: str, depth: int = _MAX_DEPTH) -> frozenset[int]:
    """The positions of the arguments that the loop macro ``name`` gives no other value.

    Nothing is known of a macro that is not there, or whose body does not parse by itself.
    """
    macro = dialect.defined(name)
    if macro is None or macro.parameters is None or macro.variadic or depth == 0:
        return frozenset()
    body = dialect.fragment(macro.body.encode() + b";")
    if body is None:
        return frozenset()
    reader = _Assigned(dialect, body.text, depth)
    reader.walk(body.node)
    return frozenset(
        position for position, each in enumerate(macro.parameters) if each not in reader.assigned
    )


class _Assigned:
    """Collects the names that a syntax tree may assign."""

    def __init__(self, dialect: FlowDialect, text: bytes, depth: int) -> None:
        self.dialect = dialect
        self.source = text
        self.depth = depth
        self.assigned: set[str] = set()

    def walk(self, top: SyntaxNode) -> None:
        """Take in everything below ``top``."""
        pending = [top]
        while pending:
            node = pending.pop()
            pending += node.named_children
            if node.type == "assignment_expression":
                self._take(node.child_by_field_name("left"))
            elif node.type == "update_expression" or self._addresses(node):
                self._take(node.child_by_field_name("argument"))
            elif node.type == "call_expression":
                self._call(node)
            elif node.type == "comma_expression":  # what is left of the arguments of an inner loop
                self._take(node.child_by_field_name("left"))
                self._take(node.child_by_field_name("right"))

    def _addresses(self, node: SyntaxNode) -> bool:
        operator = node.child_by_field_name("operator")
        return node.type == "pointer_expression" and operator is not None and operator.type == "&"

    def _call(self, node: SyntaxNode) -> None:
        """A function takes its arguments by value; what a macro does with them is in its body."""
        callee = node.child_by_field_name("function")
        name = self._name(callee)
        if name and self.dialect.function(name):
            return
        kept = left_alone(self.dialect, name, self.depth - 1) if name else frozenset()
        for position, argument in enumerate(arguments_of(node)):
            if position not in kept:
                self._take(argument)

    def _take(self, node: SyntaxNode | None) -> None:
        name = self._name(node)
        if name:
            self.assigned.add(name)

    def _name(self, node: SyntaxNode | None) -> str:
        """The identifier that ``node`` is, in parentheses or not, or ""."""
        while node is not None and node.type == "parenthesized_expression":
            node = first_of(node)
        if node is None or node.type != "identifier":
            return ""
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

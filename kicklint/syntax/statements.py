"""The statements of a function as nested extents, for those who edit its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from kicklint.syntax.model import Body, Function

_JUMPS = frozenset({"return_statement", "goto_statement", "break_statement", "continue_statement"})
_LOOPS = frozenset({"for_statement", "while_statement", "do_statement"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. ``start`` and ``end`` are offsets of bytes in the file, ``end`` behind the last.

    ``kind`` is block, if, loop, declaration, jump, simple, or other. ``parts`` are the statements that it
    holds: of a block all, of an ``if`` its branch and perhaps the one behind ``else``, of a loop its body.
    ``condition`` is the extent of what stands in the parentheses of an ``if``. ``names`` are the identifiers
    in it, ``written`` those of them that it assigns, declares or hands out the address of, both without those
    in ``parts``.
    """

    kind: str
    start: int
    end: int
    parts: tuple[Statement, ...] = ()
    condition: tuple[int, int] | None = None
    names: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()

    def holds(self, offset: int) -> bool:
        """Whether the byte at ``offset`` belongs to it."""
        return self.start <= offset < self.end

    def path(self, offset: int) -> tuple[Statement, ...]:
        """From this statement down to the innermost one that holds ``offset``; empty if none does."""
        if not self.holds(offset):
            return ()
        for part in self.parts:
            if inner := part.path(offset):
                return (self, *inner)
        return (self,)

    def all(self) -> Iterator[Statement]:
        """This statement and all below it, in the order of the text."""
        yield self
        for part in self.parts:
            yield from part.all()


def statements(function: Function) -> Statement | None:
    """The body of ``function``; None where it was not understood, or can be read in several ways."""
    if function.damage or len(function.bodies) != 1:
        return None
    return _statement(function.bodies[0], function.bodies[0].node)


def _statement(body: Body, node: Node) -> Statement:
    condition = node.child_by_field_name("condition") if node.type == "if_statement" else None
    inside = (condition.start_byte + 1, condition.end_byte - 1) if condition is not None else None
    parts: list[Statement] = []
    names: set[str] = set()
    declared = node.children_by_field_name("declarator") if node.type == "declaration" else ()
    written = {_text(body, each) for each in declared if each.type == "identifier"}
    for child in node.children:
        found = list(_parts(body, child)) if child != condition else []
        parts += found
        if not found:
            _name(body, child, names, written)
    return Statement(
        _kind(node),
        node.start_byte,
        node.end_byte,
        tuple(parts),
        inside,
        frozenset(names),
        frozenset(written),
    )


def _name(body: Body, node: Node, names: set[str], written: set[str]) -> None:
    """Add the identifiers below ``node``, and which of them it changes."""
    pending = [node]
    while pending:
        each = pending.pop()
        pending += each.children
        if each.type == "identifier":
            names.add(_text(body, each))
        changed: list[Node] = []
        if each.type == "assignment_expression":
            changed = each.children_by_field_name("left")
        elif each.type == "update_expression" or (
            each.type == "pointer_expression" and each.children[0].type == "&"
        ):
            changed = each.children_by_field_name("argument")
        elif each.type == "init_declarator":
            changed = each.children_by_field_name("declarator")
        written.update(_text(body, node) for node in changed if node.type == "identifier")


def _text(body: Body, node: Node) -> str:
    return body.text[node.start_byte : node.end_byte].decode("latin-1")


def _parts(body: Body, node: Node) -> Iterator[Statement]:
    """The statements that ``node`` is or leads to, without what stands in expressions."""
    if node.type.endswith("_statement") or node.type == "declaration":
        yield _statement(body, node)
    elif node.type == "else_clause" or node.type.startswith("preproc_"):
        for child in node.children:
            yield from _parts(body, child)


def _kind(node: Node) -> str:
    if node.type == "compound_statement":
        return "block"
    if node.type == "if_statement":
        return "if"
    if node.type in _LOOPS:
        return "loop"
    if node.type in _JUMPS:
        return "jump"
    if node.type == "declaration":
        return "declaration"
    return "simple" if node.type == "expression_statement" else "other"

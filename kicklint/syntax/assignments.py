"""Function pointers that code puts into tables at run time: ``table.member = function``."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter_c
from tree_sitter import Language, Node, Query, QueryCursor

_QUERY = Query(
    Language(tree_sitter_c.language()),
    """
    (assignment_expression
      left: (field_expression field: (field_identifier) @member)
      right: [(identifier) (cast_expression) (pointer_expression)] @value)
    """,
)


def assigned(body: Node, text: bytes) -> Iterator[tuple[str, str]]:
    """The (member, name) pairs of assignments of a plain name, cast or not, to a member below ``body``."""
    for _, captures in QueryCursor(_QUERY).matches(body):
        value = captures["value"][0]
        while value.type in ("cast_expression", "pointer_expression", "parenthesized_expression"):
            inner = value.child_by_field_name("value") or value.child_by_field_name("argument")
            value = inner if inner is not None else value.named_children[0]
        if value.type == "identifier":
            member = captures["member"][0]
            yield (
                text[member.start_byte : member.end_byte].decode(),
                text[value.start_byte : value.end_byte].decode(),
            )

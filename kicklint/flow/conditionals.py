"""Conditional compilation: both arms of an #if are real, and agree on their symbol."""

from __future__ import annotations

import re

from tree_sitter import Node as SyntaxNode

from kicklint.flow.calls import CallLowering
from kicklint.flow.expressions import field_of
from kicklint.flow.ir import Const, Expr, Name

_DEFINED = re.compile(r"(\w+)\s*\(?\s*(\w+)\s*\)?")


class ConditionalLowering(CallLowering):
    """Lowers the conditionals that stand among the statements of one function."""

    def statement(self, node: SyntaxNode) -> None:
        """Emit what ``node`` does; the room for statements overrides this."""
        raise NotImplementedError

    def _do_preproc_ifdef(self, node: SyntaxNode) -> None:
        symbol = self.text(field_of(node, "name"))
        negated = node.children[0].type in ("#ifndef", "#elifndef")
        self._arms(node, Name(f"#{symbol}"), negated, node.child_by_field_name("name"))

    _do_preproc_elifdef = _do_preproc_ifdef

    def _do_preproc_if(self, node: SyntaxNode) -> None:
        condition = field_of(node, "condition")
        text = self.text(condition).strip()
        negated = text.startswith("!")
        match = _DEFINED.fullmatch(text.lstrip("! "))
        asks = match is not None and match.group(1) in {"defined", *self.dialect.configured}
        subject: Expr = Name(f"#{match.group(2) if match is not None and asks else text.lstrip('! ')}")
        if text in ("0", "1"):
            subject, negated = Const(int(text)), False
        self._arms(node, subject, negated, condition)

    _do_preproc_elif = _do_preproc_if

    def _do_preproc_else(self, node: SyntaxNode) -> None:
        for child in node.named_children:
            self.statement(child)

    def _arms(self, node: SyntaxNode, subject: Expr, negated: bool, header: SyntaxNode | None) -> None:
        builder = self.builder
        true, false, end = builder.label(), builder.label(), builder.label()
        builder.branch(subject, *((false, true) if negated else (true, false)))
        alternative = node.child_by_field_name("alternative")
        builder.place(true)
        for child in node.named_children:
            skipped = (header is not None and child.id == header.id) or (
                alternative is not None and child.id == alternative.id
            )
            if not skipped:
                self.statement(child)
        builder.jump(end)
        builder.place(false)
        if alternative is not None:
            self.statement(alternative)
        builder.place(end)

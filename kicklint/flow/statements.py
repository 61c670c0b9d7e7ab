"""Lowering of C statements: branches, loops, switch, goto, guards, both arms of #if."""

from __future__ import annotations

from tree_sitter import Node as SyntaxNode

from kicklint.flow.builder import Target
from kicklint.flow.expressions import field_of
from kicklint.flow.guards import GuardLowering
from kicklint.flow.ir import Binary, Const, Expr, Local, Name, Opaque, Return, Store, Temp
from kicklint.syntax import LABEL

_CASE_VALUES = (
    "identifier",
    "number_literal",
    "true",
    "false",
    "parenthesized_expression",
    "unary_expression",
    "cast_expression",
)


class StatementLowering(GuardLowering):
    """Lowers statements of one function into a builder."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.switches: list[tuple[Expr, list[tuple[SyntaxNode | None, int]]]] = []

    def statement(self, node: SyntaxNode) -> None:
        """Emit what ``node`` does."""
        self.builder.statement += 1
        method = getattr(self, "_do_" + node.type, None)
        if method is not None:
            self.at(node)
            method(node)
        elif node.is_named and node.type not in (
            "comment",
            "preproc_def",
            "preproc_function_def",
            "preproc_call",
        ):
            self.value(node)

    def block(self, nodes: list[SyntaxNode]) -> None:
        """Emit the statements in order, in a scope of their own."""
        with self.builder.scope():
            for node in nodes:
                self.statement(node)

    def statement_expression(self, node: SyntaxNode) -> Expr:
        """``({ ... })``: its value is that of the last expression statement."""
        if node.type != "compound_statement":
            self.statement(node)
            return Opaque(node.type)
        result: Expr = Opaque("({...})")
        with self.builder.scope():
            nodes = [each for each in node.named_children if each.type != "comment"]
            for index, each in enumerate(nodes):
                if index == len(nodes) - 1 and each.type == "expression_statement" and each.named_children:
                    result = self.value(each.named_children[0])
                    if self.builder.scopes[-1].releases:
                        kept = self.builder.temp()
                        self.builder.emit(Store(Temp(kept), result))
                        result = Temp(kept)
                else:
                    self.statement(each)
        return result

    def _do_compound_statement(self, node: SyntaxNode) -> None:
        self._enter()
        try:
            self.block(node.named_children)
        finally:
            self.depth -= 1

    def _do_expression_statement(self, node: SyntaxNode) -> None:
        if self.body.rewritten.get(node.start_byte) == LABEL:  # `out: }`
            self.builder.define_label(self.text(node.named_children[0]))
            return
        for child in node.named_children:
            if child.type == "call_expression" and self.guard(child):
                continue
            if not self.headed_statement(child):
                self.value(child)

    def _do_declaration(self, node: SyntaxNode) -> None:
        kind = node.child_by_field_name("type")
        text = self.text(kind) if kind is not None else ""
        for child in node.children_by_field_name("declarator"):
            name, pointer = _declared(child)
            if name is None:
                continue
            identifier = self.text(name)
            self.builder.locals[identifier] = Local(identifier, text + " *" * pointer)
            value = child.child_by_field_name("value") if child.type == "init_declarator" else None
            if value is not None:
                result = self.value(value)
                self.at(child)
                self.builder.emit(Store(Name(identifier), result))
            self.cleanup(child, node.end_byte, identifier)

    def _do_if_statement(self, node: SyntaxNode) -> None:
        macro = self.body.rewritten.get(node.start_byte)
        if macro is not None:
            self.head(node, macro)
            return
        builder = self.builder
        then, otherwise, end = builder.label(), builder.label(), builder.label()
        alternative = node.child_by_field_name("alternative")
        self.condition(field_of(node, "condition"), then, otherwise)
        builder.place(then)
        self.nested(field_of(node, "consequence"))
        builder.jump(end)
        builder.place(otherwise)
        # A chain of else-ifs is walked, not descended: it can be very long.
        while alternative is not None:
            inner = next((each for each in alternative.named_children if each.type != "comment"), None)
            alternative = None
            plain = inner is not None and inner.start_byte not in self.body.rewritten
            if inner is not None and inner.type == "if_statement" and plain:
                builder.statement += 1
                then, otherwise = builder.label(), builder.label()
                self.condition(field_of(inner, "condition"), then, otherwise)
                builder.place(then)
                self.nested(field_of(inner, "consequence"))
                builder.jump(end)
                builder.place(otherwise)
                alternative = inner.child_by_field_name("alternative")
            elif inner is not None:
                self.nested(inner)
        builder.place(end)

    def nested(self, node: SyntaxNode) -> None:
        """Emit the statement ``node`` in a scope of its own."""
        self._enter()
        try:
            self.block([node])
        finally:
            self.depth -= 1

    def _enter(self) -> None:
        self.depth += 1
        self.check_depth()

    def _do_while_statement(self, node: SyntaxNode) -> None:
        macro = self.body.rewritten.get(node.start_byte)
        if macro is not None:
            self.head(node, macro)
            return
        builder = self.builder
        head, body, end = builder.label(), builder.label(), builder.label()
        builder.place(head)
        self.condition(field_of(node, "condition"), body, end)
        builder.place(body)
        self._loop_body(field_of(node, "body"), end, head)
        builder.jump(head)
        builder.place(end)

    def _do_do_statement(self, node: SyntaxNode) -> None:
        builder = self.builder
        head, test, end = builder.label(), builder.label(), builder.label()
        builder.place(head)
        self._loop_body(field_of(node, "body"), end, test)
        builder.place(test)
        builder.statement += 1
        self.condition(field_of(node, "condition"), head, end)
        builder.place(end)

    def _do_for_statement(self, node: SyntaxNode) -> None:
        builder = self.builder
        head, body, step, end = builder.label(), builder.label(), builder.label(), builder.label()
        with builder.scope():
            initializer = node.child_by_field_name("initializer")
            if initializer is not None:
                self.statement(initializer)
            builder.place(head)
            test = node.child_by_field_name("condition")
            if test is not None:
                builder.statement += 1
                self.condition(test, body, end)
            builder.place(body)
            self._loop_body(field_of(node, "body"), end, step)
            builder.place(step)
            update = node.child_by_field_name("update")
            if update is not None:
                self.value(update)
            builder.jump(head)
            builder.place(end)

    def _do_switch_statement(self, node: SyntaxNode) -> None:
        builder = self.builder
        subject = self.value(field_of(node, "condition"))
        dispatch, end = builder.label(), builder.label()
        builder.jump(dispatch)
        cases: list[tuple[SyntaxNode | None, int]] = []
        self.switches.append((subject, cases))
        builder.targets.append(Target(end, None, len(builder.scopes)))
        self.nested(field_of(node, "body"))
        builder.targets.pop()
        self.switches.pop()
        builder.jump(end)
        self.at(field_of(node, "condition"))
        builder.current = dispatch
        default = end
        for value, label in cases:
            if value is None:
                default = label
                continue
            following = builder.label()
            builder.branch(Binary("==", subject, self._constant(value)), label, following)
            builder.place(following)
        builder.jump(default)
        builder.place(end)

    def _constant(self, node: SyntaxNode) -> Expr:
        if node.type in _CASE_VALUES:
            return self.value(node)
        return Opaque(self.text(node))

    def _do_case_statement(self, node: SyntaxNode) -> None:
        label = self.builder.label()
        self.builder.place(label)
        value = node.child_by_field_name("value")
        if self.switches:
            self.switches[-1][1].append((value, label))
        for child in node.named_children:
            if value is None or child.id != value.id:
                self.statement(child)

    def _do_labeled_statement(self, node: SyntaxNode) -> None:
        label = field_of(node, "label")
        self.builder.define_label(self.text(label))
        for child in node.named_children:
            if child.id != label.id:
                self.statement(child)

    def _do_goto_statement(self, node: SyntaxNode) -> None:
        self.builder.goto(self.text(field_of(node, "label")))

    def _do_break_statement(self, _node: SyntaxNode) -> None:
        self._jump_out(lambda target: target.breaks)

    def _do_continue_statement(self, _node: SyntaxNode) -> None:
        self._jump_out(lambda target: target.continues)

    def _jump_out(self, where: object) -> None:
        for target in reversed(self.builder.targets):
            label = where(target)  # type: ignore[operator]
            if label is not None:
                self.builder.leave(target.depth, label)
                return
        self.builder.problems.append("break or continue outside of a loop")
        self.builder.current = None

    def _do_return_statement(self, node: SyntaxNode) -> None:
        child = next((each for each in node.named_children if each.type != "comment"), None)
        builder = self.builder
        if child is not None and self.is_condition(child):
            # Two returns, so that what led to each value is told apart.
            true, false = builder.label(), builder.label()
            self.condition(child, true, false)
            for label, truth in ((true, 1), (false, 0)):
                builder.place(label)
                self._leave(node, Const(truth))
            return
        self._leave(node, self.value(child) if child is not None else None)

    def _leave(self, node: SyntaxNode, value: Expr | None) -> None:
        builder = self.builder
        if any(scope.releases for scope in builder.scopes) and value is not None:
            kept = builder.temp()
            builder.emit(Store(Temp(kept), value))
            value = Temp(kept)
        builder.release(builder.scopes)
        self.at(node)
        builder.emit(Return(value))
        builder.jump(builder.exit)


def _declared(node: SyntaxNode) -> tuple[SyntaxNode | None, int]:
    """The identifier that a declarator declares, and how many stars stand before it."""
    pointer = 0
    current: SyntaxNode | None = node
    while current is not None and current.type != "identifier":
        pointer += current.type in ("pointer_declarator", "array_declarator")
        if current.type == "function_declarator":
            named = current.child_by_field_name("declarator")
            if named is None or named.type != "parenthesized_declarator":
                return None, 0  # a prototype; `(*name)(...)` is a variable
        inner = current.child_by_field_name("declarator")
        if inner is None and current.type in ("attributed_declarator", "parenthesized_declarator"):
            inner = next(iter(current.named_children), None)
        current = inner
    return current, pointer

"""Lowering of C expressions: evaluation order, short circuits, calls, macros."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from sys import intern

from tree_sitter import Node as SyntaxNode

from kicklint.base import Span
from kicklint.flow.builder import GraphBuilder
from kicklint.flow.dialect import FlowDialect, TooDeepError
from kicklint.flow.ir import (
    Binary,
    Const,
    Expr,
    Index,
    Load,
    Member,
    Name,
    Opaque,
    Store,
    Temp,
    Unary,
)
from kicklint.syntax import Body

MAX_DEPTH = 400
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)[uUlL]*")
_SIMPLE = {"true": 1, "false": 0, "NULL": 0}


class ExpressionLowering:
    """Lowers expressions of one function into a builder."""

    def __init__(self, builder: GraphBuilder, dialect: FlowDialect, body: Body) -> None:
        self.builder = builder
        self.dialect = dialect
        self.body = body
        self.depth = 0
        self.expanding: list[str] = []

    def text(self, node: SyntaxNode) -> str:
        """The source text of ``node``."""
        return intern(self.body.text[node.start_byte : node.end_byte].decode("utf-8", "replace"))

    def at(self, node: SyntaxNode) -> None:
        """Make ``node`` the place of what is emitted next (macro bodies keep the call's)."""
        if not self.expanding:
            (row, column), (end_row, end_column) = node.start_point, node.end_point
            self.builder.span = Span(self.builder.path, row + 1, column + 1, end_row + 1, end_column + 1)

    def check_depth(self) -> None:
        """Raise TooDeepError when the nesting is beyond what is analysed."""
        if self.depth > MAX_DEPTH:
            raise TooDeepError

    def value(self, node: SyntaxNode) -> Expr:
        """Emit what ``node`` does and return its value."""
        self.depth += 1
        self.check_depth()
        try:
            method = getattr(self, "_" + node.type, None)
            return method(node) if method else self._other(node)
        finally:
            self.depth -= 1

    def condition(self, node: SyntaxNode, true: int, false: int) -> None:
        """Emit ``node`` as a condition that goes to ``true`` or ``false``."""
        self.depth += 1
        self.check_depth()
        try:
            self._condition(node, true, false)
        finally:
            self.depth -= 1

    def _condition(self, node: SyntaxNode, true: int, false: int) -> None:
        if node.type == "parenthesized_expression" and node.named_child_count >= 1:
            inner = first_of(node)
            if inner is not None and inner.type != "compound_statement":
                self.condition(inner, true, false)
                return
        if node.type == "unary_expression" and operator_of(node) == "!":
            self.condition(field_of(node, "argument"), false, true)
            return
        if node.type == "binary_expression" and operator_of(node) in ("&&", "||"):
            middle = self.builder.label()
            if operator_of(node) == "&&":
                self.condition(field_of(node, "left"), middle, false)
            else:
                self.condition(field_of(node, "left"), true, middle)
            self.builder.place(middle)
            self.condition(field_of(node, "right"), true, false)
            return
        if node.type == "comma_expression":
            self.value(field_of(node, "left"))
            self.condition(field_of(node, "right"), true, false)
            return
        if node.type == "call_expression":
            argument = self._transparent_argument(node)
            if argument is not None:
                self._rest(node)
                self.condition(argument, true, false)
                return
        value = self.value(node)
        self.at(node)
        self.builder.branch(value, true, false)

    def is_condition(self, node: SyntaxNode) -> bool:
        """Whether ``node`` is made of ``&&``, ``||`` or ``!``, so that its value is 1 or 0."""
        while node.type == "parenthesized_expression":
            inner = first_of(node)
            if inner is None:
                return False
            node = inner
        return (node.type == "binary_expression" and operator_of(node) in ("&&", "||")) or (
            node.type == "unary_expression" and operator_of(node) == "!"
        )

    def _transparent_argument(self, node: SyntaxNode) -> SyntaxNode | None:
        function = field_of(node, "function")
        if function.type == "identifier" and self.text(function) in self.dialect.transparent:
            return next(iter(arguments_of(node)), None)
        return None

    def _rest(self, node: SyntaxNode) -> None:
        for argument in arguments_of(node)[1:]:
            self.value(argument)

    def _truth(self, node: SyntaxNode) -> Expr:
        """The value 1 or 0 of a condition, by control flow."""
        builder = self.builder
        true, false, end = builder.label(), builder.label(), builder.label()
        result = builder.temp()
        self.condition(node, true, false)
        for label, value in ((true, 1), (false, 0)):
            builder.place(label)
            builder.emit(Store(Temp(result), Const(value)))
            builder.jump(end)
        builder.place(end)
        return Temp(result)

    # One method a node type of tree-sitter-c; found by name in value().

    def _identifier(self, node: SyntaxNode) -> Expr:
        name = self.text(node)
        if name in _SIMPLE and name not in self.builder.locals:
            return Const(_SIMPLE[name])
        return Name(name)

    def _true(self, _node: SyntaxNode) -> Expr:
        return Const(1)

    def _false(self, _node: SyntaxNode) -> Expr:
        return Const(0)

    _null = _false

    def _number_literal(self, node: SyntaxNode) -> Expr:
        text = self.text(node)
        # The grammar takes a sign for a part of the number where no operand stands before it.
        sign = -1 if text[:1] == "-" else 1
        match = _NUMBER.fullmatch(text.lstrip("+-"))
        if match is None:
            return Opaque(text)
        digits = match.group(1)
        if digits[:1] == "0" and digits[1:].isdigit():
            return (
                Const(sign * int(digits, 8)) if all(each in "01234567" for each in digits) else Opaque(text)
            )
        return Const(sign * int(digits, 0))

    def _parenthesized_expression(self, node: SyntaxNode) -> Expr:
        inner = first_of(node)
        if inner is None:
            return Opaque(self.text(node))
        if inner.type == "compound_statement":
            return self.statement_expression(inner)
        return self.value(inner)

    def statement_expression(self, node: SyntaxNode) -> Expr:
        """``({ ... })``; the statement room overrides this."""
        raise NotImplementedError

    def _unary_expression(self, node: SyntaxNode) -> Expr:
        operator = operator_of(node)
        if operator == "!":
            return self._truth(node)
        operand = self.value(field_of(node, "argument"))
        if operator == "-" and isinstance(operand, Const):
            return Const(-operand.value)
        return operand if operator == "+" else Unary(operator, operand)

    def _pointer_expression(self, node: SyntaxNode) -> Expr:
        operator = operator_of(node)
        argument = field_of(node, "argument")
        if operator == "&":
            operand = self.place(argument)
            return _without("*", operand) or Unary("&", operand)
        operand = self.value(argument)
        return _without("&", operand) or Unary("*", operand)

    def place(self, node: SyntaxNode) -> Expr:
        """``node`` as a place: its own value is not read."""
        if node.type == "parenthesized_expression":
            inner = first_of(node)
            if inner is not None and inner.type != "compound_statement":
                return self.place(inner)
        if node.type == "field_expression":
            return self._member(node)
        if node.type == "cast_expression":
            return self.place(field_of(node, "value"))
        return self.value(node)

    def _member(self, node: SyntaxNode) -> Member:
        argument = field_of(node, "argument")
        field = self.text(field_of(node, "field"))
        operator = operator_of(node)
        if operator == "->":
            base = self.value(argument)
            return Member(_without("&", base) or Unary("*", base), field)
        return Member(self.place(argument), field)

    def _field_expression(self, node: SyntaxNode) -> Expr:
        place = self._member(node)
        if place.field not in self.dialect.watched:
            return place
        self.at(node)
        result = self.builder.temp()
        self.builder.emit(Load(result, place))
        return Temp(result)

    def _subscript_expression(self, node: SyntaxNode) -> Expr:
        return Index(self.value(field_of(node, "argument")), self.value(field_of(node, "index")))

    def _binary_expression(self, node: SyntaxNode) -> Expr:
        operator = operator_of(node)
        if operator in ("&&", "||"):
            return self._truth(node)
        left = self.value(field_of(node, "left"))
        return Binary(operator, left, self.value(field_of(node, "right")))

    def _comma_expression(self, node: SyntaxNode) -> Expr:
        self.value(field_of(node, "left"))
        return self.value(field_of(node, "right"))

    def _conditional_expression(self, node: SyntaxNode) -> Expr:
        builder = self.builder
        true, false, end = builder.label(), builder.label(), builder.label()
        result = builder.temp()
        test = field_of(node, "condition")
        chosen = node.child_by_field_name("consequence")
        if chosen is None:  # GNU `a ?: b`: the condition is the value
            condition = self.value(test)
            builder.branch(condition, true, false)
        else:
            self.condition(test, true, false)
        builder.place(true)
        builder.emit(Store(Temp(result), condition if chosen is None else self.value(chosen)))
        builder.jump(end)
        builder.place(false)
        builder.emit(Store(Temp(result), self.value(field_of(node, "alternative"))))
        builder.jump(end)
        builder.place(end)
        return Temp(result)

    def _assignment_expression(self, node: SyntaxNode) -> Expr:
        value = self.value(field_of(node, "right"))
        place = self.place(field_of(node, "left"))
        self.at(node)
        self.builder.emit(Store(place, value, operator_of(node)[:-1]))
        return place if isinstance(place, Name | Temp) else value

    def _update_expression(self, node: SyntaxNode) -> Expr:
        place = self.place(field_of(node, "argument"))
        self.at(node)
        self.builder.emit(Store(place, Const(1), operator_of(node)[0]))
        return place

    def _cast_expression(self, node: SyntaxNode) -> Expr:
        return self.value(field_of(node, "value"))

    def _sizeof_expression(self, node: SyntaxNode) -> Expr:
        return Opaque(self.text(node))

    _alignof_expression = _offsetof_expression = _string_literal = _concatenated_string = _sizeof_expression
    _char_literal = _type_descriptor = _sizeof_expression

    def _generic_expression(self, node: SyntaxNode) -> Expr:
        return self.one_of(node, [partial(self.value, each) for each in chosen_of(node)])

    def one_of(self, node: SyntaxNode, choices: list[Callable[[], Expr]]) -> Expr:
        """Emit any one of ``choices``, and give its value."""
        if not choices:
            return Opaque(self.text(node))
        builder = self.builder
        ways = [builder.label() for _ in choices]
        end, result = builder.label(), builder.temp()
        builder.choose(*ways)
        for way, choice in zip(ways, choices, strict=True):
            builder.place(way)
            builder.emit(Store(Temp(result), choice()))
            builder.jump(end)
        builder.place(end)
        return Temp(result)

    def _other(self, node: SyntaxNode) -> Expr:
        if node.type in ("compound_statement", "expression_statement", "declaration"):
            return self.statement_expression(node)
        for child in node.named_children:
            if child.type != "comment":
                self.value(child)
        return Opaque(self.text(node)[:60])


def chosen_of(node: SyntaxNode) -> list[SyntaxNode]:
    """The expressions that a _Generic() chooses from: behind what is looked at, each with its type."""
    return [each for each in node.named_children if each.type != "comment"][2::2]


def arguments_of(node: SyntaxNode) -> list[SyntaxNode]:
    """The arguments of a call."""
    arguments = node.child_by_field_name("arguments")
    return [each for each in arguments.named_children if each.type != "comment"] if arguments else []


def first_of(node: SyntaxNode) -> SyntaxNode | None:
    """The first named child that is no comment."""
    return next((each for each in node.named_children if each.type != "comment"), None)


def operator_of(node: SyntaxNode) -> str:
    """The operator of an expression."""
    operator = node.child_by_field_name("operator")
    return operator.type if operator is not None else ""


def field_of(node: SyntaxNode, name: str) -> SyntaxNode:
    """The child ``name``. Raises MissingFieldError when the tree lacks it."""
    child = node.child_by_field_name(name)
    if child is None:
        raise MissingFieldError(f"{node.type} without {name}")
    return child


class MissingFieldError(Exception):
    """The syntax tree lacks a part; only a damaged function can have that."""


def _without(operator: str, expr: Expr) -> Expr | None:
    """What ``operator`` is applied to in ``expr``, None when it is something else."""
    return expr.operand if isinstance(expr, Unary) and expr.op == operator else None

"""Lowering of calls: through tables and macros, transparent and fatal ones, hidden gotos."""

from __future__ import annotations

import re
from functools import partial

from tree_sitter import Node as SyntaxNode

from kicklint.flow.expressions import ExpressionLowering, arguments_of, chosen_of, field_of
from kicklint.flow.ir import Call, Const, Expr, Name, Opaque, TableCall, Temp
from kicklint.syntax import STATEMENT_WORDS, Body, substitute

MAX_EXPANSION = 12
_PASTING = re.compile(r"\(*(\w+)\(\s*\w+\s*##\s*(\w+)\s*\)[\s)]*")
_STATEMENT = re.compile(rf"(?:{'|'.join(STATEMENT_WORDS)})\b".encode())
_LONGEST_EXCERPT = 60


class CallLowering(ExpressionLowering):
    """Lowers calls of one function into a builder."""

    label_names: frozenset[str] = frozenset()

    def _gnu_asm_expression(self, node: SyntaxNode) -> Expr:
        labels = node.child_by_field_name("goto_labels")
        if labels is not None:
            self.fork_to([self.text(each) for each in labels.named_children])
        return Opaque("asm")

    def fork_to(self, labels: list[str]) -> None:
        """Control may go on, or to any of these C labels."""
        builder = self.builder
        onward = builder.label()
        ways = [builder.label() for _ in labels]
        builder.choose(onward, *ways)
        for way, name in zip(ways, labels, strict=True):
            builder.place(way)
            builder.goto(name)
        builder.place(onward)

    def _call_expression(self, node: SyntaxNode) -> Expr:
        function = field_of(node, "function")
        if function.type == "identifier":
            return self._named_call(node, self.text(function))
        if function.type == "generic_expression":
            return self.one_of(node, [partial(self._chosen_call, node, each) for each in chosen_of(function)])
        if function.type == "call_expression":
            inner = field_of(function, "function")
            name = self.text(inner) if inner.type == "identifier" else ""
            if name in self.dialect.tables or self._pasting(name):
                return self._table_call(node, name, function)
        callee = self.place(function) if function.type == "field_expression" else self.value(function)
        return self._finish(node, "", callee, self.arguments(node, frozenset()))

    def _chosen_call(self, node: SyntaxNode, function: SyntaxNode) -> Expr:
        """A call of one of the functions that the type of an argument chooses from."""
        if function.type == "identifier":
            return self._named_call(node, self.text(function))
        return self._finish(node, "", self.value(function), self.arguments(node, frozenset()))

    def _table_call(self, node: SyntaxNode, name: str, function: SyntaxNode) -> Expr:
        argument = next(iter(arguments_of(function)), None)
        member = self.text(argument) if argument is not None else ""
        for prefix in self.dialect.tables.get(name, ()):
            if member.startswith(prefix):
                member = member.removeprefix(prefix)
                break
        args = self.arguments(node, frozenset())
        self.at(node)
        result = self.builder.temp()
        self.builder.emit(TableCall(result, member, args))
        return Temp(result)

    def _pasting(self, name: str) -> bool:
        """Whether the macro ``name`` puts a prefix in front of its argument for one that picks a function."""
        macro = self.dialect.defined(name) if name else None
        found = _PASTING.fullmatch(macro.body) if macro is not None else None
        if macro is None or found is None:
            return False
        return found.group(1) in self.dialect.tables and macro.parameters == (found.group(2),)

    def _identifier(self, node: SyntaxNode) -> Expr:
        name = self.text(node)
        if name not in self.builder.locals and name not in self.expanding:
            macro = self.dialect.constant_macro(name)
            expanded = self._expand(node, name, f"{macro.body};") if macro is not None else None
            if expanded is not None:
                return expanded
        return super()._identifier(node)

    def _named_call(self, node: SyntaxNode, name: str) -> Expr:
        dialect, builder = self.dialect, self.builder
        renamed = dialect.constant_macro(name)
        if renamed is not None and renamed.body.isidentifier():
            name = renamed.body
        if name in dialect.transparent:
            self._rest(node)
            argument = next(iter(arguments_of(node)), None)
            return self._truth(argument) if argument is not None else Opaque(name)
        if name in dialect.fatal:
            argument = next(iter(arguments_of(node)), None)
            if argument is not None:
                dead, onward = builder.label(), builder.label()
                self.condition(argument, dead, onward)
                builder.place(onward)
            return Const(0)
        if name in dialect.configured:
            return Name("#" + ", ".join(self.text(each) for each in arguments_of(node)))
        if name in dialect.through:
            args = self.arguments(node, frozenset())
            position = dialect.through[name]
            callee = args[position] if position < len(args) else None
            if isinstance(callee, Name):
                return self._finish(node, callee.id, callee, args[position + 1 :])
        macro = dialect.macro(name) if name not in self.expanding else None
        if macro is not None:
            expanded = self._expand(node, name, substitute(macro, self.handed(arguments_of(node))))
            if expanded is not None:
                return expanded
        args = self.arguments(node, dialect.places.get(name, frozenset()))
        result = self._finish(node, name, Name(name), args)
        if name in dialect.noreturn:
            builder.current = None
        return result

    def _expand(self, node: SyntaxNode, name: str, text: str | None) -> Expr | None:
        """Emit the ``text`` of the macro ``name``; None where that cannot be done, which may be a problem."""
        deep = len(self.expanding) >= MAX_EXPANSION
        fragment = self.dialect.fragment(text.encode()) if text is not None and not deep else None
        if fragment is not None:
            return self.put_in(node, name, fragment)
        if self.dialect.leads(name):
            self.not_understood(name)
        return None

    def put_in(self, node: SyntaxNode, name: str, fragment: Body) -> Expr:
        """Emit ``fragment``, the text of the macro ``name``, in the place of ``node``."""
        self.at(node)
        outer = self.body
        self.expanding.append(name)
        self.body = fragment
        try:
            return self.statement_expression(fragment.node)
        finally:
            self.body = outer
            self.expanding.pop()

    def not_understood(self, name: str) -> None:
        """Note that the macro ``name`` leads to what is looked for, and cannot be put in."""
        line = self.builder.span.line
        self.builder.problems.append(f"the macro {name} is not understood where it stands, at line {line}")

    def handed(self, nodes: list[SyntaxNode]) -> list[str]:
        """The text of each argument as a macro is handed it."""
        return [self.body.original(each.start_byte, each.end_byte) for each in nodes]

    def _told(self, node: SyntaxNode) -> str | None:
        """The statement that an argument is, for a macro to run or not; None where it is an expression."""
        if not _STATEMENT.match(self.body.text, node.start_byte) and (
            node.start_byte not in self.body.rewritten or node.type != "identifier"
        ):
            return None
        text = self.body.original(node.start_byte, node.end_byte)
        return text if _STATEMENT.match(text.encode()) or ";" in text or text.startswith("{") else None

    def run_told(self, node: SyntaxNode, text: str) -> None:
        """Emit a statement that was handed to a macro."""
        fragment = self.dialect.fragment(text.encode())
        if fragment is None:
            self.builder.problems.append(f"an argument is not understood: {text[:_LONGEST_EXCERPT]}")
        else:
            self.put_in(node, "", fragment)

    def _maybe_told(self, node: SyntaxNode, text: str) -> None:
        """The same where nobody knows whether the macro runs it."""
        builder = self.builder
        way, onward = builder.label(), builder.label()
        builder.choose(onward, way)
        builder.place(way)
        self.run_told(node, text)
        builder.place(onward)

    def arguments(self, node: SyntaxNode, places: frozenset[int]) -> tuple[Expr, ...]:
        """Lower the arguments of a call; those in ``places`` are not read."""
        return tuple(
            self._argument(each, place=index in places) for index, each in enumerate(arguments_of(node))
        )

    def _argument(self, node: SyntaxNode, *, place: bool) -> Expr:
        told = self._told(node)
        if told is not None:
            return Opaque(told)
        return self.place(node) if place else self.value(node)

    def call(self, node: SyntaxNode, name: str, nodes: list[SyntaxNode]) -> Expr:
        """Emit a call of ``name``, of which no more is known, with ``nodes`` for its arguments."""
        args = tuple(self._argument(each, place=False) for each in nodes)
        return self._finish(node, name, Name(name), args, nodes)

    def _finish(
        self,
        node: SyntaxNode,
        name: str,
        callee: Expr,
        args: tuple[Expr, ...],
        nodes: list[SyntaxNode] | None = None,
    ) -> Expr:
        self.at(node)
        result = self.builder.temp()
        self.builder.emit(Call(result, name, callee, args))
        for each in args:
            # A macro that is given a label of this function may go there.
            if isinstance(each, Name) and each.id in self.label_names:
                self.fork_to([each.id])
        if any(isinstance(each, Opaque) for each in args):
            for argument in arguments_of(node) if nodes is None else nodes:
                told = self._told(argument)
                if told is not None:
                    self._maybe_told(argument, told)
        return Temp(result)

"""Lowering of macros that head a statement: guards, loops, and what the tree itself defines."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node as SyntaxNode

from kicklint.flow.builder import Target
from kicklint.flow.calls import MAX_EXPANSION
from kicklint.flow.conditionals import ConditionalLowering
from kicklint.flow.expressions import field_of
from kicklint.flow.ir import Call, Name, Store, Temp
from kicklint.flow.loops import left_alone
from kicklint.syntax import NOTHING, Body, substitute

# Stands in the text of a macro that was put in for the statement that the macro heads.
_STATEMENT = "_the_headed_statement"
_OTHERWISE = "_the_statement_behind_else"


@dataclass(slots=True)
class _Headed:
    """A macro that is being put in: its statements, the body they stand in, what was being put in then."""

    statements: dict[str, SyntaxNode]
    body: Body
    expanding: list[str]


class HeadLowering(ConditionalLowering):
    """Lowers the macros that head statements of one function."""

    headed: tuple[_Headed, ...] = ()

    def nested(self, node: SyntaxNode) -> None:
        """Emit the statement ``node`` in a scope of its own; the room for statements overrides this."""
        raise NotImplementedError

    def acquire(self, node: SyntaxNode, kind: str, nodes: list[SyntaxNode], variable: str = "") -> None:
        """Take something for the block that is being emitted; the room for guards overrides this."""
        raise NotImplementedError

    def head(self, node: SyntaxNode, name: str) -> None:
        """Emit ``node``, which was made of a call of the macro ``name`` and the statement behind it."""
        arguments = self._header(field_of(node, "condition"))
        statement = node.child_by_field_name("body") or field_of(node, "consequence")
        otherwise = node.child_by_field_name("alternative")
        guards = self.dialect.guards
        if name in guards.plain or name in guards.variable:
            self._scoped(node, arguments, 1 if name in guards.plain else 2, statement)
        elif name in guards.conditional:
            self._conditional(node, arguments, statement)
        elif name in guards.unless:
            self._unless(node, arguments, statement)
        elif not self._put_in(node, name, arguments, statement, otherwise):
            if guards.once.search(name):
                self._once(node, name, arguments, statement)
            else:
                self._loop(node, name, arguments, statement)
            if otherwise is not None:
                self._maybe(otherwise)

    def _header(self, node: SyntaxNode) -> list[SyntaxNode]:
        """The arguments of a rewritten header, which parsed as a comma expression."""
        found: list[SyntaxNode] = []
        inner = next((each for each in node.named_children if each.type != "comment"), None)
        while inner is not None and inner.type == "comma_expression":
            left, right = field_of(inner, "left"), field_of(inner, "right")
            if left.type == "comma_expression":
                found.insert(0, right)
                inner = left
            else:
                found.append(left)
                inner = right
        if inner is not None and self.body.rewritten.get(inner.start_byte) != NOTHING:
            found.append(inner)
        return found

    def _scoped(
        self, node: SyntaxNode, arguments: list[SyntaxNode], first: int, statement: SyntaxNode
    ) -> None:
        """A statement that runs once, guarded; not at all where nothing could be taken."""
        builder = self.builder
        kind = self.text(arguments[0]) if arguments else ""
        end = builder.label()
        if self.dialect.guards.failing.search(kind):
            onward = builder.label()
            builder.choose(onward, end)
            builder.place(onward)
        self._guarded(node, kind, arguments[first:], statement, end)

    def _conditional(self, node: SyntaxNode, arguments: list[SyntaxNode], statement: SyntaxNode) -> None:
        """The same, or the second argument where nothing could be taken."""
        builder = self.builder
        fails, holds, end = builder.label(), builder.label(), builder.label()
        builder.choose(holds, fails)
        builder.place(fails)
        told = self.body.original(arguments[1].start_byte, arguments[1].end_byte) if arguments[1:] else ""
        self.run_told(node, told)
        builder.jump(end)
        builder.place(holds)
        self._guarded(node, self.text(arguments[0]) if arguments else "", arguments[2:], statement, end)

    def _guarded(
        self, node: SyntaxNode, kind: str, handed: list[SyntaxNode], statement: SyntaxNode, end: int
    ) -> None:
        """Emit a statement that runs once, guarded by the class ``kind``, and ``end`` behind it."""
        with self.builder.scope():
            self.acquire(node, kind, handed)
            self._loop_body(statement, end, end, len(self.builder.scopes) - 1)
        self.builder.place(end)

    def _unless(self, node: SyntaxNode, arguments: list[SyntaxNode], statement: SyntaxNode) -> None:
        """A guard for the block around, and a statement for where nothing could be taken."""
        builder = self.builder
        fails, holds, end = builder.label(), builder.label(), builder.label()
        builder.choose(holds, fails)
        builder.place(fails)
        self.nested(statement)
        builder.jump(end)
        builder.place(holds)
        self.acquire(node, self.text(arguments[0]) if arguments else "", arguments[1:])
        builder.place(end)

    def _put_in(
        self,
        node: SyntaxNode,
        name: str,
        arguments: list[SyntaxNode],
        statement: SyntaxNode,
        otherwise: SyntaxNode | None,
    ) -> bool:
        """Emit what the macro's own text makes of the statement; False where that is not known.

        A loop that goes by its name is taken as one: rules know loops over all vcpus by it.
        """
        if self.dialect.is_loop(name) or name in self.expanding:
            return False
        macro = self.dialect.defined(name)
        if macro is None or len(self.expanding) >= MAX_EXPANSION:
            return False
        text = substitute(macro, self.handed(arguments))
        behind = f" else {_OTHERWISE};" if otherwise is not None else ""
        fragment = (
            self.dialect.fragment(f"{text} {_STATEMENT};{behind}".encode()) if text is not None else None
        )
        if fragment is None:
            if self.dialect.leads(name):
                self.not_understood(name)
            return False
        statements = {_STATEMENT: statement}
        if otherwise is not None:
            statements[_OTHERWISE] = otherwise.named_children[0]
        outer = self.headed
        self.headed = (*outer, _Headed(statements, self.body, list(self.expanding)))
        try:
            self.put_in(node, name, fragment)
        finally:
            self.headed = outer
        return True

    def headed_statement(self, node: SyntaxNode) -> bool:
        """Emit what a macro heads where ``node`` stands for it; False where it does not."""
        if not self.headed or node.type != "identifier":
            return False
        headed = self.headed[-1]
        statement = headed.statements.get(self.text(node))
        if statement is None:
            return False
        inside = self.headed, self.body, self.expanding
        self.headed, self.body, self.expanding = self.headed[:-1], headed.body, headed.expanding
        try:
            self.nested(statement)
        finally:
            self.headed, self.body, self.expanding = inside
        return True

    def _once(self, node: SyntaxNode, name: str, arguments: list[SyntaxNode], statement: SyntaxNode) -> None:
        """A statement that runs once, unless the macro goes to a label that it is handed."""
        self.call(node, name, arguments)
        end = self.builder.label()
        self._loop_body(statement, end, end)
        self.builder.place(end)

    def _loop(self, node: SyntaxNode, name: str, arguments: list[SyntaxNode], statement: SyntaxNode) -> None:
        """A loop: any number of rounds, the variables that it assigns changed in each."""
        builder = self.builder
        args = tuple(self.place(each) for each in arguments)
        head, body, end = builder.label(), builder.label(), builder.label()
        builder.place(head)
        builder.choose(body, end)
        builder.place(body)
        result = builder.temp()
        self.at(node)
        builder.emit(Call(result, name, Name(name), args))
        kept = left_alone(self.dialect, name)
        for position, each in enumerate(args):
            if position not in kept and isinstance(each, Name) and each.id in builder.locals:
                builder.emit(Store(each, Temp(result)))
            elif isinstance(each, Name) and each.id in self.label_names:
                self.fork_to([each.id])
        self._loop_body(statement, end, head)
        builder.jump(head)
        builder.place(end)

    def _maybe(self, node: SyntaxNode) -> None:
        """A statement that runs or does not."""
        builder = self.builder
        way, end = builder.label(), builder.label()
        builder.choose(way, end)
        builder.place(way)
        self.nested(node.named_children[0])
        builder.place(end)

    def _loop_body(
        self, node: SyntaxNode, breaks: int, continues: int | None, depth: int | None = None
    ) -> None:
        builder = self.builder
        builder.targets.append(Target(breaks, continues, len(builder.scopes) if depth is None else depth))
        self.nested(node)
        builder.targets.pop()

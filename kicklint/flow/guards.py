"""Lowering of what is taken for a block and given back wherever the block is left."""

from __future__ import annotations

from functools import partial

from tree_sitter import Node as SyntaxNode

from kicklint.flow.expressions import arguments_of, field_of
from kicklint.flow.heads import HeadLowering
from kicklint.flow.ir import Call, Expr, Local, Name, Store, Temp
from kicklint.syntax import released, substitute, taken


class GuardLowering(HeadLowering):
    """Lowers guards and variables that clean up of one function."""

    def guard(self, node: SyntaxNode) -> bool:
        """Emit ``guard(class)(args);`` or ``CLASS(class, variable)(args);``; False where it is neither."""
        function = field_of(node, "function")
        if function.type != "call_expression":
            return False
        inner = field_of(function, "function")
        name = self.text(inner) if inner.type == "identifier" else ""
        what = [self.text(each) for each in arguments_of(function)]
        if name in self.dialect.guards.calls:
            self.acquire(node, ", ".join(what), arguments_of(node))
        elif name in self.dialect.guards.named and len(what) > 1:
            self.builder.locals[what[1]] = Local(what[1], "")
            self.acquire(node, what[0], arguments_of(node), what[1])
        else:
            return False
        return True

    def acquire(self, node: SyntaxNode, kind: str, nodes: list[SyntaxNode], variable: str = "") -> None:
        """Take what the class ``kind`` is for, and note that the block that is being emitted gives it back.

        A class that the tree defines is put in: what it takes is in ``variable`` then, or what it is handed.
        """
        name, given = taken(kind), released(kind)
        handed = self.handed(nodes)
        value = self._class(node, name, handed)
        if value is not None:
            self._hold(variable, value)
            self._release(node, kind, variable or ", ".join(handed))
            return
        args = tuple(self.value(each) for each in nodes)
        self.at(node)
        result = self.builder.temp()
        self.builder.emit(Call(result, name, Name(name), args))
        self._hold(variable, Temp(result))
        self.builder.scopes[-1].releases.append(partial(self._give_back, given, args))

    def _class(self, node: SyntaxNode, name: str, handed: list[str]) -> Expr | None:
        """Put in what the tree says of the class; None where it says nothing, or cannot be put in."""
        macro = self.dialect.macro(name)
        if macro is None:
            return None
        return self._expand(node, name, substitute(macro, handed if macro.parameters else []))

    def _hold(self, variable: str, value: Expr) -> None:
        if variable:
            self.builder.emit(Store(Name(variable), value))

    def _give_back(self, name: str, args: tuple[Expr, ...]) -> None:
        self.builder.emit(Call(self.builder.temp(), name, Name(name), args))

    def _release(self, node: SyntaxNode, kind: str, held: str) -> None:
        """Note that the block gives back what is ``held`` as the tree says for the class ``kind``."""
        name = released(kind)
        if self.dialect.macro(name) is not None:
            self.builder.scopes[-1].releases.append(partial(self._class, node, name, [held]))

    def cleanup(self, declarator: SyntaxNode, end: int, variable: str) -> None:
        """Note what an attribute of ``variable``, up to the offset ``end``, says about its end."""
        for offset, said in self.body.rewritten.items():
            if not declarator.start_byte <= offset < end:
                continue
            name, _, kind = said.partition("(")
            if name in self.dialect.guards.cleanup:
                self._release(declarator, kind.rstrip(") "), variable)

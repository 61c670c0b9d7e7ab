"""Functions of one world as event graphs: made on demand, each once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from kicklint.base import Span
from kicklint.engine.index import Index
from kicklint.engine.kept import Asked, Kept, Question, meaning
from kicklint.engine.sources import dialect
from kicklint.events import Aliases, Annotator, EventGraph, FlagNames, Names
from kicklint.flow import Const, ControlFlowGraph, FlowDialect, Return, Skip, build_graph
from kicklint.rulebook import Lexicon
from kicklint.syntax import Body, Macro, SyntaxFile, parse_fragment

_SMALL_MACRO = 160
_CONTROL = re.compile(r"\b(?:return|goto|break|continue)\b")
_SHORT_FUNCTION = 40


@lru_cache(maxsize=4096)
def _fragment(text: bytes) -> Body | None:
    return parse_fragment(text, dialect())


class Lowering:
    """Makes the graphs of the functions of ``index``."""

    def __init__(self, index: Index, files: list[SyntaxFile], lexicon: Lexicon, flags: FlagNames) -> None:
        self.index = index
        self.lexicon = lexicon
        self.flags = flags
        self.entry_calls: frozenset[str] = frozenset()
        self.entry_members: dict[str, tuple[str, ...]] = {}
        shape = lexicon.vocabulary.vcpu
        self._watched = frozenset({shape.mode, shape.requests, *shape.cpus, *flags.fields})
        self.elsewhere = frozenset(
            name for file in files for struct, name in file.pointers if struct == shape.type
        ) - set(shape.back_pointers)
        self._graphs: dict[str, EventGraph] = {}
        self._flow: dict[str, ControlFlowGraph] = {}
        self._dialects: dict[str, FlowDialect] = {}
        self._derived: dict[str, int | None] = {}
        self._defined = {
            each.name: Macro(each.name, each.parameters, False, each.body, Span("", 1, 1, 1, 1))
            for each in self.lexicon.macros.definition
        }
        self._never = frozenset(
            {
                *self.lexicon.accessors,
                *self.lexicon.bits,
                *self.lexicon.calls,
                *self.lexicon.barriers,
                *flags.makes,
                *flags.tests,
                *self.lexicon.macros.opaque,
                *self.lexicon.macros.configured,
            }
        )

    def enter_by(self, calls: frozenset[str], members: dict[str, tuple[str, ...]]) -> None:
        """Take ``calls`` and ``members`` for the guest entries from now on."""
        self.entry_calls = calls
        self.entry_members = members
        self._graphs.clear()

    def flow(self, function: str) -> ControlFlowGraph:
        """The control-flow graph of ``function``."""
        if function not in self._flow:
            self._flow[function] = self._flow_of(function)
        return self._flow[function]

    def _flow_of(self, function: str) -> ControlFlowGraph:
        found = self.index.functions[function]
        setting = (found, self.lexicon, self._watched)
        shelf = self.index.sources.files[found.path].flow

        dialect = self.dialect(found.path)

        def ask(question: Question) -> object:
            what, name = question
            if what in ("function", "leads"):
                return (dialect.function if what == "function" else dialect.leads)(str(name))
            macros = {"call": dialect.macro, "name": dialect.constant_macro, "defined": dialect.defined}
            return meaning(macros[str(what)](str(name)))

        before = shelf.find(function, setting, ask)
        if before is not None:
            return before.made
        sources = self.index.sources
        file = sources.files[found.path].syntax
        if sources.flows is not None:
            earlier = sources.flows.find(file, found, self._watched, ask)
            if earlier is not None:
                shelf.keep(function, replace(earlier, setting=setting))
                return earlier.made
        elif not sources.keeps(found.path):
            return build_graph(found, dialect)
        noting, answers = _noting(dialect)
        made = build_graph(found, noting)
        shelf.keep(function, Kept(made, setting, answers))
        if sources.flows is not None:
            sources.flows.add(file, found, self._watched, made, answers)
        return made

    def dialect(self, path: str) -> FlowDialect:
        """What the macros that the file ``path`` sees mean to control flow."""
        if path not in self._dialects:
            self._dialects[path] = self._dialect_of(path)
        return self._dialects[path]

    def _dialect_of(self, path: str) -> FlowDialect:
        macros = self.lexicon.macros
        return FlowDialect(
            places={
                **{name: frozenset({each.place}) for name, each in self.lexicon.accessors.items()},
                **{name: frozenset({each.place}) for name, each in self.lexicon.bits.items()},
            },
            transparent=frozenset(macros.transparent),
            fatal=frozenset(macros.fatal),
            noreturn=frozenset(macros.noreturn),
            configured=frozenset(macros.configured),
            through={name: each.callee for name, each in self.lexicon.through.items()},
            tables={name: each.prefixes for name, each in self.lexicon.tables.items()},
            watched=self._watched,
            macro=lambda name: self._expandable(name, path),
            constant_macro=lambda name: self._object_macro(name, path),
            fragment=_fragment,
            defined=lambda name: self.index.macro(name, path),
            function=lambda name: bool(self.index.resolve(name, path)),
            leads=lambda name: bool(self.index.classes.get("#" + name)),
            guards=dialect().guards,
            is_loop=dialect().is_loop,
        )

    def _expandable(self, name: str, path: str) -> Macro | None:
        """The macro to expand at a call of ``name``: one that is small, or may matter."""
        if name in self._never or name in self.entry_calls:
            return None
        if name not in self.index.macros:
            return self._defined.get(name) if name not in self.index.by_name else None
        if self.index.resolve(name, path):
            return None
        macro = self.index.macro(name, path)
        if macro is None or not macro.body:
            return None
        matters = self.index.classes["#" + name] or _CONTROL.search(macro.body)
        return macro if matters or len(macro.body) <= _SMALL_MACRO else None

    def _object_macro(self, name: str, path: str) -> Macro | None:
        """The macro to put in place of ``name`` where it is no call: one that holds an event."""
        if name not in self.index.macros or not self.index.classes["#" + name]:
            return None
        return self.index.macro(name, path, object_like=True)

    def graph(self, function: str) -> EventGraph:
        """The event graph of ``function``."""
        if function not in self._graphs:
            self._graphs[function] = self._graph_of(function)
        return self._graphs[function]

    def _graph_of(self, function: str) -> EventGraph:
        flow = self.flow(function)
        path = flow.path
        setting = (flow, self.lexicon, self.elsewhere, self.entry_calls, self.entry_members, self.flags)
        shelf = self.index.sources.files[path].graphs
        before = shelf.find(function, setting, self._answer)
        if before is not None:
            asked = Asked(self._answer, before.answers)
            again = before.made.aliases.again(lambda name: _position(asked(("derives", name, path))))
            return replace(before.made, aliases=again)
        asked = Asked(self._answer)
        aliases = Aliases(
            flow,
            self.lexicon.vocabulary.vcpu,
            lambda name: _position(asked(("derives", name, path))),
            self.elsewhere,
        )
        names = Names(
            direct=lambda name, place: _functions(asked(("direct", name, place))),
            table=lambda member, count: _functions(asked(("table", member, count))),
            simple_name=lambda key: self.index.functions[key].name,
            entry_calls=self.entry_calls,
            entry_members=self.entry_members,
            flags=self.flags,
            idle=lambda name, place: bool(asked(("idle", name, place))),
        )
        made = Annotator(flow, self.lexicon, names, aliases).annotate()
        if self.index.sources.keeps(path):
            kept = replace(made, aliases=aliases.again(_unasked))  # before anybody asks it more
            shelf.keep(function, Kept(kept, setting, asked.answers))
        return made

    def _answer(self, question: Question) -> object:
        """What there is to know of a name for a graph with events."""
        match question:
            case ("direct", str(name), str(path)):
                return self.index.resolve(name, path)
            case ("table", str(member), int(count)):
                return self._table(member, count)
            case ("derives", str(name), str(path)):
                return self._derives(name, path)
            case ("idle", str(name), str(path)):
                return all(self._is_idle(key) for key in self.index.resolve(name, path))
        raise ValueError(question)

    def _table(self, member: str, count: int) -> tuple[str, ...]:
        return tuple(
            key
            for key in self.index.members.get(member, ())
            if len([each for each in self.index.functions[key].parameters if each.name != "void"]) == count
        )

    def _is_idle(self, key: str) -> bool:
        """Whether the function ``key`` does nothing."""
        return all(isinstance(node.instruction, Skip | Return) for node in self.flow(key).nodes)

    def _derives(self, name: str, path: str) -> int | None:
        """Which argument's vcpu the pointer that ``name`` returns belongs to, by reading it."""
        keys = self.index.resolve(name, path)
        if not keys:
            return None
        key = keys[0]
        if key not in self._derived:
            self._derived[key] = None  # ends circles
            function = self.index.functions[key]
            cpus = self.lexicon.vocabulary.vcpu.cpus
            pointer = "*" in function.returns
            short = function.end_line - function.start_line <= _SHORT_FUNCTION
            if short and (pointer or function.words.intersection(cpus)):
                self._derived[key] = self._returned_parameter(key, () if pointer else tuple(cpus))
        return self._derived[key]

    def _returned_parameter(self, key: str, fields: tuple[str, ...]) -> int | None:
        """The parameter whose vcpu is returned, or, with ``fields``, a member of that name of it."""
        flow = self.flow(key)
        path = flow.path
        aliases = Aliases(
            flow, self.lexicon.vocabulary.vcpu, lambda name: self._derives(name, path), self.elsewhere
        )
        roots = set()
        for node in flow.nodes:
            value = node.instruction.value if isinstance(node.instruction, Return) else None
            if value is None or isinstance(value, Const):
                continue
            identity = aliases.identity(value)
            if fields and not aliases.text(aliases.given(value)).strip("()").endswith(fields):
                identity = None
            roots.add(identity.root if identity is not None else None)
        names = [each.name for each in flow.parameters]
        root = roots.pop() if len(roots) == 1 else None
        return names.index(root) if root in names else None


def _noting(dialect: FlowDialect) -> tuple[FlowDialect, dict[Question, object]]:
    """``dialect``, and what it was asked about names and answered, as it is asked."""
    answers: dict[Question, object] = {}

    def noted(what: str, lookup: Callable[[str], Macro | None]) -> Callable[[str], Macro | None]:
        def look(name: str) -> Macro | None:
            macro = lookup(name)
            answers[what, name] = meaning(macro)
            return macro

        return look

    def said(what: str, lookup: Callable[[str], bool]) -> Callable[[str], bool]:
        def look(name: str) -> bool:
            answer = lookup(name)
            answers[what, name] = answer
            return answer

        return look

    noting = replace(
        dialect,
        macro=noted("call", dialect.macro),
        constant_macro=noted("name", dialect.constant_macro),
        defined=noted("defined", dialect.defined),
        function=said("function", dialect.function),
        leads=said("leads", dialect.leads),
    )
    return noting, answers


def _unasked(name: str) -> int | None:
    """In place of what asks a world: a graph that is kept must not keep the world that it was made in."""
    raise LookupError(name)


def _position(answer: object) -> int | None:
    assert answer is None or isinstance(answer, int)
    return answer


def _functions(answer: object) -> tuple[str, ...]:
    assert isinstance(answer, tuple)
    return answer

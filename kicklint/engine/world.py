"""One world (generic KVM and one architecture) as the program that automata run over."""

from __future__ import annotations

import re
from functools import lru_cache

from kicklint.base import Span
from kicklint.engine.entries import entry_names, resumes
from kicklint.engine.index import RUNNING, Index
from kicklint.engine.linkage import Linkage, back_ends
from kicklint.engine.sources import Sources, dialect, world_paths
from kicklint.events import Aliases, Annotator, Event, EventGraph, Names, Reach
from kicklint.flow import (
    Call,
    Const,
    ControlFlowGraph,
    FlowDialect,
    Name,
    Return,
    TableCall,
    build_graph,
    constant_expression,
)
from kicklint.rulebook import Access, Architecture, Entry, EventKind, Rulebook
from kicklint.syntax import Body, Macro, SyntaxFile, parse_fragment
from kicklint.typestate import Evaluator, Resume, Symbol, Value, exactly, number

_SMALL_MACRO = 160
_CONTROL = re.compile(r"\b(?:return|goto|break|continue)\b")
_CONSTANT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_SHORT_FUNCTION = 40


@lru_cache(maxsize=4096)
def _fragment(text: bytes) -> Body | None:
    return parse_fragment(text, dialect())


class World:
    """The program of one architecture; answers what the automata ask, on demand."""

    def __init__(self, architecture: str, rulebook: Rulebook, sources: Sources) -> None:
        self.architecture = architecture
        self.rulebook = rulebook
        self.lexicon = rulebook.lexicon
        self.tree = sources.tree
        self.paths = world_paths(sources.tree.paths(), architecture)
        self.files: list[SyntaxFile] = sources.load(self.paths)
        known = rulebook.architecture(architecture) or Architecture(architecture)
        mentioned = {word for file in self.files for function in file.functions for word in function.words}
        self.entries: tuple[Entry, ...] = known.entry
        self.inferred: tuple[str, ...] = ()
        self.entry_calls, self.entry_members = entry_names(self.entries, mentioned)
        self.index = Index(self.files, sources, self.lexicon, self.entry_calls | self.entry_members.keys())
        self.special_prototypes = frozenset(
            name for file in self.files if file.path.startswith("arch/") for name in file.prototypes
        )
        pointer = re.compile(
            rf"struct\s+{self.lexicon.vocabulary.vcpu.type}\s*\*+\s*(\w+)\s*(?:\[[^]]*\])?\s*;".encode()
        )
        self._elsewhere = frozenset(
            name.decode() for file in self.files for name in pointer.findall(file.normalised)
        ) - set(self.lexicon.vocabulary.vcpu.back_pointers)
        self.linkage = Linkage(self.index.functions)
        self._back_ends = back_ends(self.files)
        self._graphs: dict[str, EventGraph] = {}
        self._flow: dict[str, ControlFlowGraph] = {}
        self._dialects: dict[str, FlowDialect] = {}
        self._derived: dict[str, int | None] = {}
        self._constants: dict[tuple[str, str], Value | None] = {}
        self._required: frozenset[str] | None = None
        self._readers = frozenset(
            name
            for each in self.lexicon.vocabulary.accessor
            if each.access is Access.READ and not each.address
            for name in each.names
        )
        self._defined = {
            each.name: Macro(each.name, each.parameters, False, each.body, Span("", 1, 1, 1, 1))
            for each in self.lexicon.macros.definition
        }
        self._never = frozenset(
            {
                *self.lexicon.accessors,
                *self.lexicon.bits,
                *self.lexicon.calls,
                *self.lexicon.macros.opaque,
                *self.lexicon.macros.configured,
            }
        )

        self.index.narrow(self._mode_writers())

    def _mode_writers(self) -> dict[str, set[str]]:
        """For the functions whose words hint at a write of the mode: what they really hold.

        Most of them only compare the mode with a constant; taking them for writers
        would send every rule into everything that calls them.
        """
        modes = self.lexicon.vocabulary.modes
        write = EventKind.MODE_WRITE
        found: dict[str, set[str]] = {}
        for key in sorted(self.index.functions):
            hinted = self.index.direct(key)
            if write not in hinted or self.index.functions[key].damage:
                continue
            held: set[str] = set()
            graph = self.graph(key)
            for event in graph.events.values():
                if event.kind is write and isinstance(event.value, Name) and event.value.id in modes:
                    held |= {write, f"{write}:{event.value.id}"}
                elif event.kind is write:
                    held |= {write, f"{write}:*", *(each for each in hinted if each.startswith(f"{write}:"))}
            for node in graph.calls:
                instruction = graph.graph.nodes[node].instruction
                arguments = instruction.args if isinstance(instruction, Call | TableCall) else ()
                handed = {each.id for each in arguments if isinstance(each, Name) and each.id in modes}
                held |= {f"{write}:{mode}" for mode in handed} | ({write} if handed else set())
            found[key] = held
        return found

    def use_entries(self, names: tuple[str, ...]) -> None:
        """Take ``names`` for the guest entries, which the rulebook does not know."""
        self.inferred = names
        self.entry_calls = self.entry_calls | set(names)
        self.entry_members = {**self.entry_members, **dict.fromkeys(names, ())}
        self.index.use_entries(self.entry_calls | self.entry_members.keys())
        self._graphs.clear()

    # Lowering

    def flow(self, function: str) -> ControlFlowGraph:
        """The control-flow graph of ``function``."""
        if function not in self._flow:
            path = self.index.functions[function].path
            self._flow[function] = build_graph(self.index.functions[function], self._dialect(path))
        return self._flow[function]

    def _dialect(self, path: str) -> FlowDialect:
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
            watched=frozenset({self.lexicon.vocabulary.vcpu.mode, self.lexicon.vocabulary.vcpu.requests}),
            macro=lambda name: self._expandable(name, path),
            constant_macro=lambda name: self._object_macro(name, path),
            fragment=_fragment,
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
            flow = self.flow(function)
            path = flow.path
            aliases = Aliases(
                flow, self.lexicon.vocabulary.vcpu, lambda name: self._derives(name, path), self._elsewhere
            )
            names = Names(
                direct=self.index.resolve,
                table=self._table,
                simple_name=lambda key: self.index.functions[key].name,
                entry_calls=self.entry_calls,
                entry_members=self.entry_members,
            )
            self._graphs[function] = Annotator(flow, self.lexicon, names, aliases).annotate()
        return self._graphs[function]

    def _table(self, member: str, count: int) -> tuple[str, ...]:
        return tuple(
            key
            for key in self.index.members.get(member, ())
            if len([each for each in self.index.functions[key].parameters if each.name != "void"]) == count
        )

    def _derives(self, name: str, path: str) -> int | None:
        """Which argument's vcpu the pointer that ``name`` returns belongs to, by reading it."""
        keys = self.index.resolve(name, path)
        if not keys:
            return None
        key = keys[0]
        if key not in self._derived:
            self._derived[key] = None  # ends circles
            function = self.index.functions[key]
            if "*" in function.returns and function.end_line - function.start_line <= _SHORT_FUNCTION:
                self._derived[key] = self._returned_parameter(key)
        return self._derived[key]

    def _returned_parameter(self, key: str) -> int | None:
        flow = self.flow(key)
        path = flow.path
        aliases = Aliases(
            flow, self.lexicon.vocabulary.vcpu, lambda name: self._derives(name, path), self._elsewhere
        )
        roots = set()
        for node in flow.nodes:
            value = node.instruction.value if isinstance(node.instruction, Return) else None
            if value is None or isinstance(value, Const):
                continue
            identity = aliases.identity(value)
            roots.add(identity.root if identity is not None else None)
        names = [each.name for each in flow.parameters]
        root = roots.pop() if len(roots) == 1 else None
        return names.index(root) if root in names else None

    # What the automata ask (see typestate.program.Program)

    def may(self, function: str) -> set[str]:
        """See Program."""
        return self.index.classes[function]

    def lines(self, function: str) -> int:
        """See Program."""
        found = self.index.functions[function]
        return 0 if found.returns.strip() == "void" else found.end_line - found.start_line + 1

    def mentions_running(self, function: str) -> bool:
        """See Program."""
        return RUNNING in self.index.classes[function]

    def parameters(self, function: str) -> tuple[str, ...]:
        """See Program."""
        return tuple(each.name for each in self.index.functions[function].parameters)

    def readers(self) -> frozenset[str]:
        """See Program."""
        return self._readers

    def constant(self, name: str, path: str) -> Value | None:
        """See Program."""
        macro = self.index.macro(name, path, object_like=True)
        # What only one file knows is kept for that file; the rest is the same for all.
        key = (name, macro.span.path if macro is not None else "")
        if key not in self._constants:
            self._constants[key] = None  # ends circles
            self._constants[key] = self._constant(name, path, macro)
        return self._constants[key]

    def _constant(self, name: str, path: str, macro: Macro | None) -> Value | None:
        if name.startswith(self.lexicon.vocabulary.vcpu.request_prefix):
            return Symbol(self.request_name(name, path))
        text = self.index.enumerators.get(name)
        if text is None and macro is not None:
            text = macro.body
        if text is not None:
            expression = constant_expression(text, self._dialect(path))
            if expression is not None:
                value = Evaluator(self, frozenset(), path).value(expression, {})
                if value is not None:
                    return value
        fixed = self.lexicon.vocabulary.modes.get(name, self.lexicon.macros.constants.get(name))
        if fixed is not None:
            return exactly(fixed)
        return Symbol(name) if _CONSTANT_NAME.fullmatch(name) else None

    def function_named(self, name: str, path: str) -> tuple[str, ...]:
        """See Program."""
        return self.index.resolve(name, path)

    def mode_name(self, value: Value | None) -> str:
        """See Program."""
        modes = self.lexicon.vocabulary.modes
        if isinstance(value, Symbol):
            return value.name if value.name in modes else ""
        exact = number(value)
        if exact is None:
            return ""
        return next((name for name in modes if number(self.constant(name, "")) == exact), "")

    def request_name(self, name: str, path: str) -> str:
        """See Program."""
        for _ in range(8):
            macro = self.index.macro(name, path, object_like=True)
            if macro is None or not macro.body.startswith(self.lexicon.vocabulary.vcpu.request_prefix):
                break
            if not macro.body.isidentifier():
                break
            name = macro.body
        return name

    def required_requests(self) -> frozenset[str]:
        """See Program."""
        if self._required is None:
            found: set[str] = set()
            for key in sorted(self.index.functions):
                special = self.index.functions[key].path.startswith(("arch/", "virt/kvm/arm/"))
                if not special or EventKind.REQUEST_CONSUME not in self.index.direct(key):
                    continue
                for event in self.graph(key).events.values():
                    if (
                        event.kind is EventKind.REQUEST_CONSUME
                        and isinstance(event.request, Name)
                        and event.forks
                    ):
                        found.add(self.request_name(event.request.id, self.path(key)))
            prefix = self.lexicon.vocabulary.vcpu.request_prefix
            self._required = frozenset(each for each in found if each.startswith(prefix))
        return self._required

    def resume(self, function: str) -> Resume | None:
        """See Program."""
        found = self.index.functions[function]
        entry = next((each for each in self.entries if found.name in each.returns), None)
        if entry is None:
            return None
        text = f"{found.name}() returns into the guest"
        event = Event(EventKind.GUEST_ENTRY, Reach.ANY, None, found.span, text)
        return Resume(resumes(entry, lambda name: self.constant(name, found.path)), event)

    def resuming(self) -> tuple[str, ...]:
        """See Program."""
        names = [name for entry in self.entries for name in entry.returns]
        return tuple(key for name in names for key in self.index.by_name.get(name, ()))

    def incompatible(self, function: str) -> frozenset[str]:
        """See Program."""
        return self.linkage.excluded(self.index.functions[function].path)

    def back_ends(self, function: str) -> tuple[frozenset[str], ...]:
        """See Program."""
        path = self.index.functions[function].path
        everything = frozenset().union(*self._back_ends)
        possible = [own for own in self._back_ends if path in own or path not in everything]
        linked = [own for own in possible if not any(path in self.linkage.excluded(each) for each in own)]
        return tuple(everything - own for own in linked or possible) or (frozenset(),)

    def path(self, function: str) -> str:
        """See Program."""
        return self.index.functions[function].path

    def enters(self) -> bool:
        """Whether there is a guest entry in this world at all."""
        return bool(self.resuming()) or any(
            EventKind.GUEST_ENTRY in classes for classes in self.index.classes.values()
        )

    def callers(self, function: str) -> tuple[str, ...]:
        """See Program."""
        found: dict[str, None] = {}
        pending = list(self.index.leading_to(function))
        seen: set[str] = set()
        while pending:
            key = pending.pop()
            if key in seen:
                continue
            seen.add(key)
            if key.startswith("#"):
                pending += self.index.leading_to(key)
            elif key != function:
                found[key] = None
        return tuple(sorted(found))

    def holders(self, kind: EventKind, value: str) -> tuple[str, ...]:
        """See Program."""
        return tuple(key for key in sorted(self.index.functions) if kind in self.index.direct(key))

    def address_taken(self, function: str) -> bool:
        """See Program."""
        name = self.index.functions[function].name
        if self.index.member_of.get(function):
            return True
        bare = re.compile(rf"\b{re.escape(name)}\b(?!\s*\()".encode())
        return any(bare.search(file.normalised) for file in self.files)

    def function_ids(self, name: str) -> tuple[str, ...]:
        """The functions called ``name``, for people who ask by name."""
        return tuple(self.index.by_name.get(name, ()))

"""One world (generic KVM and one architecture) as the program that automata run over."""

from __future__ import annotations

import re
from collections.abc import Hashable
from functools import cached_property, partial

from kicklint.base import Span
from kicklint.engine.entries import entry_names, resumes
from kicklint.engine.handed import is_away, is_handed
from kicklint.engine.hints import RUNNING
from kicklint.engine.history import READING, History
from kicklint.engine.index import Index
from kicklint.engine.lasting import LastingNames
from kicklint.engine.linkage import Linkage, back_ends
from kicklint.engine.lowering import Lowering
from kicklint.engine.others import Declarations, other_vcpus
from kicklint.engine.required import required_requests
from kicklint.engine.scope import world_paths
from kicklint.engine.sources import Sources
from kicklint.engine.writers import mode_writers
from kicklint.events import Event, EventGraph, FlagNames, Reach
from kicklint.flow import ControlFlowGraph, constant_expression
from kicklint.rulebook import Access, Architecture, Entry, EventKind, Rulebook
from kicklint.syntax import Macro, SyntaxFile
from kicklint.typestate import Evaluator, Recall, Resume, Runs, Symbol, Value, exactly, number

_WORD = re.compile(r"[A-Za-z_]\w*")
_CONSTANT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# What is worth telling kernels apart for: barriers and interrupts are all over the place.
_PROTOCOL = {
    EventKind.MODE_WRITE,
    EventKind.REQUEST_MAKE,
    EventKind.REQUEST_TEST,
    EventKind.REQUEST_CONSUME,
    EventKind.KICK,
    EventKind.IPI,
    EventKind.WAKE,
    EventKind.GUEST_ENTRY,
}


class World:
    """The program of one architecture; answers what the automata ask, on demand."""

    def __init__(
        self, architecture: str, rulebook: Rulebook, sources: Sources, like: World | None = None
    ) -> None:
        self.architecture = architecture
        self.rulebook = rulebook
        self.lexicon = rulebook.lexicon
        self.tree = sources.tree
        self.paths = world_paths(sources.tree.paths(), architecture)
        self.files: list[SyntaxFile] = sources.load(self.paths)
        known = rulebook.architecture(architecture) or Architecture(architecture)
        mentioned = frozenset().union(*(file.words for file in self.files))
        self.known = known
        self.flags = FlagNames.of((*rulebook.flags, *known.flag))
        self.unread_flags = frozenset(flag.name for flag in known.flag if flag.hardware)
        self.entries: tuple[Entry, ...] = known.entry
        self.inferred: tuple[str, ...] = ()
        self.entry_calls, self.entry_members = entry_names(self.entries, mentioned)
        entering = self.entry_calls | self.entry_members.keys()
        known_index = like.index if like is not None else None
        self.index: Index = Index(self.files, sources, self.lexicon, entering, self.flags.words, known_index)
        self.special_prototypes = frozenset(
            name for file in self.files if file.path.startswith("arch/") for name in file.prototypes
        )
        self.linkage = Linkage(
            self.index.functions, self.files, lambda key: bool(self.index.classes[key] & _PROTOCOL)
        )
        self.domains = back_ends(self.files)
        self.scratch: dict[Hashable, object] = {}
        self.history = History()
        self._parameters: dict[str, tuple[str, ...]] = {}
        self._lines: dict[str, list[bytes]] = {}
        self._others: dict[str, tuple[str, ...]] = {}
        self._declarations = Declarations(self.lexicon, self.index.macros)
        self._implementing: dict[EventKind, tuple[str, ...]] = {}
        self._constants: dict[tuple[str, str], Value | None] = {}
        self._required: frozenset[str] | None = None
        self._readers = frozenset(
            name
            for each in self.lexicon.vocabulary.accessor
            if each.access is Access.READ and not each.address
            for name in each.names
        )
        self.lowering = Lowering(self.index, self.files, rulebook.lexicon, self.flags)
        self.lowering.enter_by(self.entry_calls, self.entry_members)
        self.index.narrow(mode_writers(self.index, self.graph, self.lexicon.vocabulary.modes))

    @cached_property
    def lasting(self) -> LastingNames:
        """The functions by names that outlast edits."""
        return LastingNames(self.index.functions)

    def use_entries(self, names: tuple[str, ...]) -> None:
        """Take ``names`` for the guest entries, which the rulebook does not know."""
        self.inferred = names
        self.entry_calls = self.entry_calls | set(names)
        self.entry_members = {**self.entry_members, **dict.fromkeys(names, ())}
        self.index.use_entries(self.entry_calls | self.entry_members.keys())
        self.lowering.enter_by(self.entry_calls, self.entry_members)
        self._implementing.clear()
        self.scratch.clear()  # what was run went by the entries that were known then
        self.history = History()

    def flow(self, function: str) -> ControlFlowGraph:
        """The control-flow graph of ``function``."""
        return self.lowering.flow(function)

    def graph(self, function: str) -> EventGraph:
        """The event graph of ``function``."""
        return self.lowering.graph(function)

    # What the automata ask (see typestate.program.Program)

    def recall(self, runs: Runs) -> Recall | None:
        """See Program."""
        return self.history.recall(runs)

    def may(self, function: str) -> set[str]:
        """See Program."""
        return self.index.classes[function]

    def lines(self, function: str) -> int:
        """See Program."""
        found = self.index.functions[function]
        return 0 if found.returns.strip() == "void" else found.end_line - found.start_line + 1

    def length(self, function: str) -> int:
        """See Program."""
        found = self.index.functions[function]
        return found.end_line - found.start_line + 1

    def mentions_running(self, function: str) -> bool:
        """See Program."""
        return RUNNING in self.index.classes[function]

    def parameters(self, function: str) -> tuple[str, ...]:
        """See Program."""
        if function not in self._parameters:
            self._parameters[function] = tuple(
                each.name for each in self.index.functions[function].parameters
            )
        return self._parameters[function]

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
        if text is None and macro is not None and _CONSTANT_NAME.fullmatch(name):
            text = macro.body  # one in small letters stands for a variable where a feature is not built
        if text is not None:
            expression = constant_expression(text, self.lowering.dialect(path))
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

    def members(self, name: str) -> tuple[str, ...]:
        """See Program."""
        return tuple(sorted(self.index.members.get(name, ())))

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
            shape = self.lexicon.vocabulary.vcpu
            self._required = required_requests(self.index, self.graph, self.request_name, shape)
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

    def kernels(self, function: str) -> tuple[frozenset[str], ...]:
        """See Program."""
        return self.linkage.kernels(self.index.functions[function].path)

    def back_ends(self, function: str) -> tuple[frozenset[str], ...]:
        """See Program."""
        path = self.index.functions[function].path
        everything = frozenset().union(*self.domains)
        possible = [own for own in self.domains if path in own or path not in everything]
        linked = [own for own in possible if not any(path in self.linkage.excluded(each) for each in own)]
        return tuple(everything - own for own in linked or possible) or (frozenset(),)

    def line(self, span: Span) -> str:
        """The text of the line that ``span`` begins in, white space aside."""
        if not self._lines.get(span.path):
            found = next((file for file in self.files if file.path == span.path), None)
            self._lines[span.path] = found.source.split(b"\n") if found is not None else [b""]
        lines = self._lines[span.path]
        text = lines[span.line - 1] if span.line <= len(lines) else b""
        return " ".join(text.decode("utf-8", "replace").split())

    def path(self, function: str) -> str:
        """See Program."""
        return self.index.functions[function].path

    def enters(self) -> bool:
        """Whether there is a guest entry in this world at all."""
        return bool(self.resuming()) or self.calls_entry()

    def calls_entry(self) -> bool:
        """Whether a function of this world calls one that enters the guest."""
        events = (self.graph(key).events.values() for key in self.holders(EventKind.GUEST_ENTRY, ""))
        return any(event.kind is EventKind.GUEST_ENTRY for each in events for event in each)

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
            elif key != function and not self.apart(key):
                found[key] = None
        return tuple(sorted(found))

    def holders(self, kind: EventKind, value: str) -> tuple[str, ...]:
        """See Program."""
        return tuple(key for key in self.index.holding_kind(kind, direct=True) if not self.apart(key))

    def apart(self, function: str) -> bool:
        """Whether ``function`` is run by another machine than the kernel."""
        return self.index.functions[function].path.startswith(self.known.apart)

    def implementing(self, kind: EventKind) -> tuple[str, ...]:
        """See Program."""
        if kind not in self._implementing:
            said = self.lexicon.calls.items()
            entering = kind is EventKind.GUEST_ENTRY
            named = [name for name, found in said if any(each.event is kind for each in found)]
            names = sorted(self.entry_calls if entering else named)
            found = [key for name in names for key in self.index.by_name.get(name, ())]
            self._implementing[kind] = tuple(found)
        return self._implementing[kind]

    def vcpu_parameters(self, function: str) -> tuple[str, ...]:
        """See Program."""
        word = re.compile(rf"\b{self.lexicon.vocabulary.vcpu.type}\b")
        return tuple(
            each.name for each in self.index.functions[function].parameters if word.search(each.type)
        )

    def seekers(self, kind: EventKind) -> tuple[str, ...]:
        """See Program."""
        return self.index.holding_kind(kind, direct=False)

    def away(self, kind: EventKind) -> tuple[str, ...]:
        """See Program."""
        vocabulary = self.lexicon.vocabulary
        return tuple(key for key in self.seekers(kind) if is_away(self.index.functions[key], vocabulary))

    def others(self, function: str) -> tuple[str, ...]:
        """See Program."""
        if function not in self._others:
            found = self.history.noted("others", function, lambda: self._other_vcpus(function))
            self._others[function] = tuple(found)
        return self._others[function]

    def _other_vcpus(self, function: str) -> tuple[str, ...]:
        found = self.index.functions[function]
        graph = self.graph(function) if self._declarations.of(found) else None
        finds = partial(self._finds_vcpu, found.path)
        kicks = bool(self.index.classes[function] & {EventKind.KICK, EventKind.WAKE})
        return other_vcpus(found, self.lexicon.vocabulary, graph, finds, kicks)

    def problems(self, function: str) -> tuple[str, ...]:
        """What of ``function`` could not be made a control-flow graph of."""
        return tuple(self.history.noted(READING, function, lambda: self.flow(function).problems))

    def _finds_vcpu(self, path: str, name: str) -> bool:
        """Whether the function ``name`` finds a vcpu: in a machine, or by what leads to another one."""
        shape = self.lexicon.vocabulary.vcpu
        for key in self.index.resolve(name, path):
            found = self.index.functions[key]
            types = [each.type.replace("*", " ").split() for each in found.parameters]
            machine = ["struct", shape.vm] in types
            if shape.type in found.returns.replace("*", " ").split() and "*" in found.returns:
                return machine or bool(found.words & self.lowering.elsewhere)
        return False

    def atomic_tests(self) -> frozenset[str]:
        """See Program."""
        return self.lexicon.atomic_tests

    def errors(self) -> frozenset[str]:
        """See Program."""
        return self.lexicon.errors

    def deferred(self, function: str) -> bool:
        """See Program."""
        return is_handed(self.index.functions[function], self.lexicon.vocabulary.deferred)

    def unprompted(self, function: str) -> bool:
        """See Program."""
        return is_handed(self.index.functions[function], self.lexicon.vocabulary.timers)

    def implements(self, function: str) -> bool:
        """See Program."""
        return self.index.functions[function].name in self.lexicon.calls

    def request_kind(self, name: str, path: str) -> str:
        """See Program."""
        macro = self.index.macro(self.request_name(name, path), path, object_like=True)
        words = set(_WORD.findall(macro.body)) if macro is not None else set()
        shape = self.lexicon.vocabulary.vcpu
        if shape.no_action in words:
            return "no-action"
        return "flagged" if words & set(shape.request_flags) else "plain"

    def decides(self) -> str:
        """See Program."""
        keys = [key for name in self.lexicon.vocabulary.deciding for key in self.index.resolve(name, "")]
        looks = not keys or any(EventKind.MODE_READ in self.index.classes[key] for key in keys)
        return "mode" if looks else "always"

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

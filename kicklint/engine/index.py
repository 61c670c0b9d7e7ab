"""Names of one world: functions, macros, tables, and what may lead to which event.

Everything here works on words of the text, so it is an upper bound and cheap; what
a rule really reaches is lowered and looked at by the other rooms.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable

from kicklint.engine.interrupts import interrupt_effects
from kicklint.engine.sources import Sources
from kicklint.flow import substitute
from kicklint.rulebook import EventKind, Lexicon
from kicklint.syntax import Function, Macro, SyntaxFile

_WORD = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"&?\s*(\w+)\s*\((.*)\)\s*")
_CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_HANDED = re.compile(r"[(,=&?:]\s*([A-Za-z_]\w*)\s*(?=[,);:])")
_MEMBER_VALUE = re.compile(r"(?:->|\.)\s*([A-Za-z_]\w*)\s*(?=[,);])")
_REQUEST_KINDS = (EventKind.REQUEST_MAKE, EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME)
RUNNING = "running"


def identifier(function: Function) -> str:
    """The unique name of a function in its world."""
    return f"{function.path}:{function.span.line}:{function.name}"


class Index:
    """The names of the files of one world, and the word-level call graph."""

    def __init__(
        self,
        files: list[SyntaxFile],
        sources: Sources,
        lexicon: Lexicon,
        entries: frozenset[str],
        flags: frozenset[str] = frozenset(),
    ) -> None:
        self.flags = flags
        self.lexicon = lexicon
        self.entries = entries
        self.functions: dict[str, Function] = {}
        self.by_name: dict[str, list[str]] = defaultdict(list)
        self.macros: dict[str, list[Macro]] = defaultdict(list)
        self.enumerators: dict[str, str] = {}
        self.prototypes: set[str] = set()
        self.members: dict[str, dict[str, None]] = defaultdict(dict)
        for file in files:
            self._add(file)
        for file in files:
            self._add_tables(file, sources)
        self.member_of: dict[str, list[str]] = defaultdict(list)
        for member, functions in self.members.items():
            for function in functions:
                self.member_of[function].append(member)
        shape = lexicon.vocabulary.vcpu
        self.access = {
            member: re.compile(rf"(?:->|\.)\s*{re.escape(member)}\b")
            for member in (shape.mode, shape.requests, *shape.cpus)
        }
        self.effects: dict[str, set[str]] | None = None
        self.exact: dict[str, set[str]] = {}
        self.own: dict[str, set[str]] = {}
        self.directs: dict[str, frozenset[str]] = {}
        self.sources = sources
        self.holders = self._holders()
        self.classes = self._classes()

    def narrow(self, exact: dict[str, set[str]]) -> None:
        """Take ``exact`` for the writes of the mode in the text of these functions."""
        self.exact = exact
        self.classes = self._classes()

    def use_entries(self, entries: frozenset[str]) -> None:
        """Take ``entries`` for the guest entries from now on."""
        self.entries = entries
        self.own = {}
        self.holders = self._holders()
        self.classes = self._classes()

    def _add(self, file: SyntaxFile) -> None:
        for function in file.functions:
            key = identifier(function)
            if key not in self.functions:
                self.functions[key] = function
                self.by_name[function.name].append(key)
        for macro in file.macros:
            self.macros[macro.name].append(macro)
        for name, value in file.enumerators:
            self.enumerators.setdefault(name, value)
        self.prototypes |= file.prototypes

    def _add_tables(self, file: SyntaxFile, sources: Sources) -> None:
        pairs = [(each.member, each.value) for each in file.initialisers]
        pairs += sources.assignments(file.path)
        for member, value in pairs:
            for function in self.resolve(self._pointed(value, file.path), file.path):
                self.members[member][function] = None

    def _pointed(self, value: str, path: str) -> str:
        """The name that the text of an initialiser stands for, through macros."""
        for _ in range(4):
            text = value.strip().lstrip("&(").rstrip(")") if "(" not in value.strip("()& ") else value.strip()
            match = _CALL.fullmatch(text)
            if match is None:
                macro = self.macro(text, path, object_like=True)
                if macro is None or not macro.body or macro.body == text:
                    return text
                value = macro.body
                continue
            macro = self.macro(match.group(1), path)
            arguments = [each.strip() for each in match.group(2).split(",")]
            expanded = substitute(macro, arguments) if macro is not None else None
            if expanded is None:
                return text
            value = expanded
        return value

    def resolve(self, name: str, path: str) -> tuple[str, ...]:
        """The functions that ``name`` is, seen from ``path``: its file, the architecture, generic."""
        keys = self.by_name.get(name)
        if not keys:
            return ()
        own = [key for key in keys if self.functions[key].path == path]
        if own:
            return tuple(own)
        seen = [
            key for key in keys if not self.functions[key].static or self.functions[key].path.endswith(".h")
        ]
        special = [key for key in seen if self.functions[key].path.startswith(("arch/", "virt/kvm/arm/"))]
        return tuple(special or seen)

    def macro(self, name: str, path: str, *, object_like: bool = False) -> Macro | None:
        """The macro ``name`` as seen from ``path``, function-like unless asked otherwise."""
        found = None
        for macro in self.macros.get(name, ()):
            if (macro.parameters is None) is object_like and (
                macro.span.path == path or macro.span.path.endswith(".h")
            ):
                found = macro
                if macro.span.path == path or macro.span.path.startswith("arch/"):
                    break
        return found

    def _mentioned(self, text: str) -> set[str]:
        """The words of ``text`` that are called, or handed on as values."""
        found = {*_CALLED.findall(text), *_HANDED.findall(text), *_MEMBER_VALUE.findall(text)}
        for table in self.lexicon.tables.values():
            for prefix in table.prefixes:
                found |= {word.removeprefix(prefix) for word in found if word.startswith(prefix)}
        return found

    def _holders(self) -> dict[str, list[str]]:
        """For every name that leads to code: the functions, and macros (as #name), that mention it.

        An event's function is left out: what is in it is not gone into. But a member
        that is an entry only where it hangs on something may be another table's too.
        """
        named = {name for name, found in self.lexicon.calls.items() if not all(each.where for each in found)}
        events = (named | self.entries) - self.members.keys()
        names = (self.by_name.keys() | self.macros.keys() | self.members.keys()) - events
        holders: dict[str, list[str]] = defaultdict(list)
        for key, function in self.functions.items():
            mentioned = self.sources.mentioned(function.path)
            if key not in mentioned:
                mentioned[key] = self._mentioned(self._text(function))
            for word in mentioned[key] & names:
                holders[word].append(key)
        for name, macros in self.macros.items():
            text = " ".join(macro.body for macro in macros)
            if "(" in text or macros[0].parameters is not None:
                for word in self._mentioned(text) & names:
                    holders[word].append("#" + name)
        return holders

    def _direct(self, words: frozenset[str] | set[str], text: Callable[[], str]) -> set[str]:
        """The kinds of event that ``words`` hint at; ``text`` is looked at where they do not decide."""
        vocabulary = self.lexicon.vocabulary
        shape = vocabulary.vcpu
        found: set[str] = {
            entry.event
            for word in words & self.lexicon.calls.keys()
            for entry in self.lexicon.calls[word]
            if entry.saved is None
            and all(not each.isidentifier() or each in words for each in entry.where.values())
        }
        found |= {self.lexicon.stored[word].event for word in words & self.lexicon.stored.keys()}
        if words & self.lexicon.barriers.keys():
            found.add(EventKind.BARRIER)
        if words & self.flags:
            found |= {EventKind.FLAG_MAKE, EventKind.FLAG_CLEAR, EventKind.FLAG_TEST}
        for cpu in shape.cpus:
            if cpu in words and self.access[cpu].search(text()):
                found |= {EventKind.CPU_READ, EventKind.CPU_WRITE}
        if words & self.entries:
            found.add(EventKind.GUEST_ENTRY)
        modes = words & vocabulary.modes.keys()
        found |= {f"{EventKind.MODE_WRITE}:{mode}" for mode in modes}
        if modes:
            found |= {EventKind.MODE_WRITE, EventKind.MODE_READ}
        elif shape.mode in words and shape.type in words and self.access[shape.mode].search(text()):
            found |= {EventKind.MODE_WRITE, EventKind.MODE_READ, f"{EventKind.MODE_WRITE}:*"}
        if shape.requests in words and self.access[shape.requests].search(text()):
            found |= set(_REQUEST_KINDS)
        if words & {*shape.running_functions, *shape.running_variables}:
            found |= {RUNNING, EventKind.SELF_TEST}
        return found

    def _text(self, function: Function) -> str:
        parts = [body.text[body.node.start_byte : body.node.end_byte] for body in function.bodies]
        return b"".join(parts).decode("utf-8", "replace")

    def _direct_of(self, function: Function) -> set[str]:
        return self._direct(function.words, lambda: self._text(function))

    def _direct_of_macro(self, macros: list[Macro]) -> set[str]:
        text = " ".join(macro.body for macro in macros)
        words = set(_WORD.findall(text))
        return self._direct(words | {self.lexicon.vocabulary.vcpu.type}, lambda: text)

    def _classes(self) -> dict[str, set[str]]:
        """For every function: the kinds of event that it or what it calls may hold."""
        if not self.own:
            self.own = {key: self._direct_of(function) for key, function in self.functions.items()}
        for key, exact in self.exact.items():
            self.own[key] = {
                each for each in self.own[key] if not each.startswith(EventKind.MODE_WRITE)
            } | exact
        classes: dict[str, set[str]] = {key: set(own) for key, own in self.own.items()}
        for name, macros in self.macros.items():
            classes["#" + name] = self._direct_of_macro(macros)
        pending = deque(key for key, found in classes.items() if found)
        queued = set(pending)
        while pending:
            key = pending.popleft()
            queued.discard(key)
            for holder in self.leading_to(key):
                if not classes[key] <= classes[holder]:
                    classes[holder] |= classes[key]
                    if holder not in queued:
                        queued.add(holder)
                        pending.append(holder)
        if self.effects is None:
            self.effects = interrupt_effects(self.functions, self.lexicon, self.resolve)
        for key, names in self.effects.items():
            classes[key] |= names
        self.directs = {}  # they follow from what is returned here
        return classes

    def leading_to(self, key: str) -> list[str]:
        """What may call the function or macro ``key``, by its name or through a table, in order."""
        if key.startswith("#"):
            return self.holders.get(key[1:], [])
        name = self.functions[key].name
        found = self.holders.get(name, [])
        if len(self.by_name[name]) > 1:
            found = [each for each in found if key in self.resolve(name, self._path(each))]
        members = [self.holders.get(member, []) for member in self.member_of.get(key, ())]
        return sorted({*found, *(each for mentioned in members for each in mentioned)}) if members else found

    def _path(self, key: str) -> str:
        return self.macros[key[1:]][0].span.path if key.startswith("#") else self.functions[key].path

    def direct(self, key: str) -> frozenset[str]:
        """The kinds of event that the text of ``key`` itself, macros included, may hold."""
        if key not in self.directs:
            found = set(self.own[key])
            for word in self.functions[key].words & self.macros.keys():
                found |= self.classes["#" + word]
            self.directs[key] = frozenset(found)
        return self.directs[key]

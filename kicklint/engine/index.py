"""Names of one world: functions, macros, tables, and what may lead to which event.

Everything here works on words of the text, so it is an upper bound and cheap; what
a rule really reaches is lowered and looked at by the other rooms.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set

from kicklint.engine.hints import Hints, Mentions, spoken
from kicklint.engine.interrupts import interrupt_effects
from kicklint.engine.sources import Sources
from kicklint.engine.spreading import spread
from kicklint.rulebook import EventKind, Lexicon
from kicklint.syntax import Function, Macro, SyntaxFile, substitute, words_in

_CALL = re.compile(r"&?\s*(\w+)\s*\((.*)\)\s*")
# What the body of a macro has where it does nothing, or is always the same.
_NOTHING = frozenset({"do", "while", "void", "true", "false", "NULL"})


def _stands_in(macro: Macro) -> bool:
    """Whether ``macro`` is a constant, or nothing, whatever it is given."""
    return not words_in(macro.body) - _NOTHING.union(macro.parameters or ())


class Index:
    """The names of the files of one world, and the word-level call graph.

    What follows from single files is taken from ``like``, an index of most of the same files.
    """

    def __init__(
        self,
        files: list[SyntaxFile],
        sources: Sources,
        lexicon: Lexicon,
        entries: frozenset[str],
        flags: frozenset[str] = frozenset(),
        like: Index | None = None,
    ) -> None:
        self._like = like
        self.flags = flags
        self.lexicon = lexicon
        self.entries = entries
        self.hints = Hints(lexicon, entries, flags)
        self.mentions = Mentions(lexicon)
        self.functions: dict[str, Function] = {}
        self.by_name: dict[str, list[str]] = defaultdict(list)
        self.macros: dict[str, list[Macro]] = defaultdict(list)
        self.enumerators: dict[str, str] = {}
        self.prototypes: set[str] = set()
        self.members: dict[str, dict[str, None]] = defaultdict(dict)
        # Each file with the identifiers of its functions, "" for one that another has.
        self._files: list[tuple[SyntaxFile, list[str]]] = []
        for file in files:
            self._add(file)
        for file in files:
            self._add_tables(file)
        self.member_of: dict[str, list[str]] = defaultdict(list)
        for member, functions in self.members.items():
            for function in functions:
                self.member_of[function].append(member)
        self.effects: dict[str, set[str]] | None = None
        self.exact: dict[str, set[str]] = {}
        self.own: dict[str, set[str]] = {}
        self.macro_kinds: dict[str, set[str]] = {}
        self.directs: dict[str, frozenset[str]] = {}
        self._by_kind: dict[tuple[str, bool], tuple[str, ...]] = {}
        self.sources = sources
        self._leading: dict[str, list[str]] = {}
        self._led: dict[SyntaxFile, list[tuple[str, Sequence[int]]]] = {}
        self._names: Set[str] = frozenset()
        self.holders = self._holders()
        self.classes = self._classes()
        self._like = None

    def narrow(self, exact: dict[str, set[str]]) -> None:
        """Take ``exact`` for the writes of the mode in the text of these functions."""
        self.exact = exact
        self.classes = self._classes()

    def use_entries(self, entries: frozenset[str]) -> None:
        """Take ``entries`` for the guest entries from now on."""
        self.entries = entries
        self.hints = Hints(self.lexicon, entries, self.flags)
        self.own = {}
        self._leading = {}
        self.holders = self._holders()
        self.classes = self._classes()

    def _add(self, file: SyntaxFile) -> None:
        keys = []
        for function in file.functions:
            key = function.identifier
            keys.append(key if key not in self.functions else "")
            if key not in self.functions:
                self.functions[key] = function
                self.by_name[function.name].append(key)
        self._files.append((file, keys))
        for macro in file.macros:
            self.macros[macro.name].append(macro)
        for name, value in file.enumerators:
            self.enumerators.setdefault(name, value)
        self.prototypes |= file.prototypes

    def _add_tables(self, file: SyntaxFile) -> None:
        pairs = [(each.member, each.value) for each in file.initialisers]
        pairs += file.assignments
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
        """The macro ``name`` as seen from ``path``, function-like unless asked otherwise.

        Of several that are equally near, one that says something: a constant stands in for what
        a configuration does not build, and would make the ways of all others impossible.
        """
        seen = [
            macro
            for macro in self.macros.get(name, ())
            if (macro.parameters is None) is object_like
            and (macro.span.path == path or macro.span.path.endswith(".h"))
        ]
        own = [macro for macro in seen if macro.span.path == path]
        near = own or [macro for macro in seen if macro.span.path.startswith("arch/")] or seen[::-1]
        return next((macro for macro in near if object_like or not _stands_in(macro)), next(iter(near), None))

    def _holders(self) -> dict[str, list[str]]:
        """For every name that leads to code: the functions, and macros (as #name), that mention it.

        An event's function is left out: what is in it is not gone into. But a member
        that is an entry only where it hangs on something may be another table's too.
        """
        named = {name for name, found in self.lexicon.calls.items() if not all(each.where for each in found)}
        events = (named | self.entries) - self.members.keys()
        names = (self.by_name.keys() | self.macros.keys() | self.members.keys()) - events
        holders: dict[str, list[str]] = defaultdict(list)
        known = self._like._led if self._like is not None and self._like._names == names else {}
        self._names = names
        self._led = {}
        for file, keys in self._files:
            led = known.get(file)
            if led is None:
                led = list(self.mentions.leading(file.uses, names))
            self._led[file] = led
            for word, numbers in led:
                holders[word] += [keys[number] for number in numbers if keys[number]]
        for name, macros in self.macros.items():
            if macros[0].parameters is not None or any("(" in macro.body for macro in macros):
                mentioned = [self.mentions.of(spoken(macro.body)[1].mentioned) for macro in macros]
                for word in names.intersection(set().union(*mentioned)):
                    holders[word].append("#" + name)
        return holders

    def _kinds(self) -> dict[str, set[str]]:
        """For every function the kinds of event that its own text hints at."""
        found: dict[str, set[str]] = {key: set() for key in self.functions}
        for file, keys in self._files:
            for number, kinds in self.hints.by_function(file.uses):
                if keys[number]:
                    found[keys[number]] = kinds
        return found

    def _kinds_of_macro(self, macros: list[Macro]) -> set[str]:
        said = [spoken(macro.body) for macro in macros]
        words = frozenset({self.lexicon.vocabulary.vcpu.type}).union(*(words for words, _ in said))
        return self.hints.kinds(words, frozenset().union(*(each.members for _, each in said)))

    def _classes(self) -> dict[str, set[str]]:
        """For every function: the kinds of event that it or what it calls may hold."""
        if not self.own:
            self.own = self._kinds()
            self.macro_kinds = {"#" + name: self._kinds_of_macro(each) for name, each in self.macros.items()}
        for key, exact in self.exact.items():
            self.own[key] = {
                each for each in self.own[key] if not each.startswith(EventKind.MODE_WRITE)
            } | exact
        if self.effects is None:
            self.effects = interrupt_effects(self.functions, self.lexicon, self.resolve, self.holding)
        self.directs, self._by_kind = {}, {}  # they follow from what is returned here
        return spread({**self.own, **self.macro_kinds}, self.leading_to, self.effects)

    def leading_to(self, key: str) -> list[str]:
        """What may call the function or macro ``key``, by its name or through a table, in order."""
        if key not in self._leading:
            self._leading[key] = self._leading_to(key)
        return self._leading[key]

    def _leading_to(self, key: str) -> list[str]:
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
        if not self.directs:
            self.directs = self._directs()
        return self.directs[key]

    def holding_kind(self, kind: str, *, direct: bool) -> tuple[str, ...]:
        """The functions that may hold an event of ``kind``, in the text itself if ``direct``, in order."""
        if not self._by_kind:
            found: dict[tuple[str, bool], list[str]] = defaultdict(list)
            for key in sorted(self.functions):
                for one in self.direct(key):
                    found[one, True].append(key)
                for one in self.classes[key]:
                    found[one, False].append(key)
            self._by_kind = {asked: tuple(keys) for asked, keys in found.items()}
        return self._by_kind.get((kind, direct), ())

    def users(self, words: Set[str]) -> set[str]:
        """The functions in whose text one of ``words`` stands."""
        return {key for _, keys in self.holding(words) for key in keys}

    def _directs(self) -> dict[str, frozenset[str]]:
        """For every function what ``direct`` says."""
        found = dict(self.own)
        telling = {name for name in self.macros if self.classes["#" + name]}
        for word, keys in self.holding(telling):
            for key in keys:
                found[key] = found[key] | self.classes["#" + word]
        known: dict[frozenset[str], frozenset[str]] = {}
        each = {key: frozenset(kinds) for key, kinds in found.items()}
        return {key: known.setdefault(kinds, kinds) for key, kinds in each.items()}

    def holding(self, words: Set[str]) -> Iterator[tuple[str, list[str]]]:
        """Those of ``words`` that stand in functions, each with these, file by file."""
        for file, keys in self._files:
            uses = file.uses
            for word in uses.places.keys() & words:
                yield word, [keys[number] for number in uses.holding(word) if keys[number]]

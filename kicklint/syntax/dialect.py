"""rules/dialect.toml: how kernel C differs from the C that the parser knows."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kicklint.base import RulebookError
from kicklint.rulebook import merged, read_toml


class Role(enum.Enum):
    """What a word of the dialect stands for."""

    INLINE = enum.auto()
    ATTRIBUTE = enum.auto()
    ATTRIBUTE_CALL = enum.auto()
    LOOP = enum.auto()
    GUARD = enum.auto()
    TYPEOF = enum.auto()
    ASSEMBLY = enum.auto()
    NAME = enum.auto()
    CASE = enum.auto()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a lister of C calls something a function: a pattern for its name, and the reason."""

    pattern: re.Pattern[str]
    reason: str


@dataclass(frozen=True, slots=True)
class ClassForm:
    """A macro that defines a class of guards: which of its arguments says what is done.

    The first names the class. ``taken`` is what is done where it is taken, ``given`` where it is given
    back; ``parameters`` is the first of the parameters of ``taken``, ``member`` what holds that which
    was handed over.
    """

    given: int
    taken: int | None = None
    parameters: int | None = None
    member: str = ""
    handed: bool = True


@dataclass(frozen=True, slots=True)
class Guards:
    """The macros that take something for a block; rules/dialect.toml says what each group means."""

    calls: frozenset[str]
    named: frozenset[str]
    cleanup: frozenset[str]
    plain: frozenset[str]
    variable: frozenset[str]
    conditional: frozenset[str]
    unless: frozenset[str]
    failing: re.Pattern[str]
    once: re.Pattern[str]
    held: str
    classes: Mapping[str, ClassForm]

    def heads(self, word: str) -> bool:
        """Whether a call of ``word`` is known to head a statement."""
        groups = (self.plain, self.variable, self.conditional, self.unless)
        return any(word in group for group in groups) or self.once.search(word) is not None


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words and macros of kernel C. Loaded with load_dialect."""

    inline: frozenset[str]
    attributes: frozenset[str]
    attribute_calls: frozenset[str]
    loops: frozenset[str]
    loop_pattern: re.Pattern[str]
    guards: Guards
    typeof: frozenset[str]
    type_operators: frozenset[str]
    assembly: frozenset[str]
    names: frozenset[str]
    explanations: tuple[Explanation, ...]
    # Words met so far that are ordinary: the patterns are tried once for each.
    _ordinary: set[str] = field(default_factory=set, repr=False, compare=False)

    def special(self, words: set[str]) -> list[tuple[str, Role]]:
        """Those of ``words`` that stand for something, sorted, each with what it stands for."""
        found = []
        for word in sorted(words - self._ordinary):
            role = self._find_role(word)
            if role is None:
                self._ordinary.add(word)
            else:
                found.append((word, role))
        return found

    def _find_role(self, word: str) -> Role | None:
        if word == "case":
            return Role.CASE
        groups = (
            (self.inline, Role.INLINE),
            (self.attributes, Role.ATTRIBUTE),
            (self.attribute_calls, Role.ATTRIBUTE_CALL),
            (self.loops, Role.LOOP),
            (self.typeof, Role.TYPEOF),
            (self.assembly, Role.ASSEMBLY),
            (self.names, Role.NAME),
        )
        for words, role in groups:
            if word in words:
                return role
        if self.guards.heads(word):
            return Role.GUARD
        return Role.LOOP if self.loop_pattern.search(word) else None

    def is_loop(self, word: str) -> bool:
        """Whether ``word`` is known to head a loop."""
        return word in self.loops or self.loop_pattern.search(word) is not None


_TABLES: Mapping[str, tuple[str, ...]] = {
    "attributes": ("inline", "words", "calls"),
    "loops": ("words", "patterns"),
    "guards": (
        *("calls", "named", "cleanup", "words", "variable", "conditional", "unless", "failing", "patterns"),
        *("held", "class"),
    ),
    "types": ("typeof", "operators"),
    "assembly": ("words",),
    "names": ("words",),
    "listings": ("explanation",),
}


def load_dialect(path: Path, own: Path | None = None) -> Dialect:
    """Read and check a dialect file; what that in the folder ``own`` says is put upon it.

    Every table and key must be there and no other may be. Raises RulebookError,
    with the file and the key, for anything else.
    """
    data = read_toml(path)
    if own is not None and (own / path.name).is_file():
        path = own / path.name
        data = merged(data, read_toml(path))
    reader = _Reader(path, data)
    return Dialect(
        inline=reader.words("attributes", "inline"),
        attributes=reader.words("attributes", "words"),
        attribute_calls=reader.words("attributes", "calls"),
        loops=reader.words("loops", "words"),
        loop_pattern=reader.patterns("loops", "patterns"),
        guards=Guards(
            calls=reader.words("guards", "calls"),
            named=reader.words("guards", "named"),
            cleanup=reader.words("guards", "cleanup"),
            plain=reader.words("guards", "words"),
            variable=reader.words("guards", "variable"),
            conditional=reader.words("guards", "conditional"),
            unless=reader.words("guards", "unless"),
            failing=reader.patterns("guards", "failing"),
            once=reader.patterns("guards", "patterns"),
            held=reader.word("guards", "held"),
            classes=reader.classes(),
        ),
        typeof=reader.words("types", "typeof"),
        type_operators=reader.words("types", "operators"),
        assembly=reader.words("assembly", "words"),
        names=reader.words("names", "words"),
        explanations=reader.explanations(),
    )


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_CLASS_KEYS = {"given": int, "taken": int, "parameters": int, "member": str, "handed": bool}
# A shorter word has no room for the one that takes its place.
_SHORTEST = {
    ("attributes", "inline"): len("inline"),
    ("loops", "words"): len("while"),
    **{("guards", key): len("while") for key in ("words", "variable", "conditional", "unless")},
}


class _Reader:
    """One dialect file being checked."""

    def __init__(self, path: Path, data: Mapping[str, object]) -> None:
        self._path = path
        self._data: dict[str, dict[str, object]] = {}
        self._check_keys(data, tuple(_TABLES), "")
        for table, keys in _TABLES.items():
            content = data[table]
            if not isinstance(content, dict):
                raise self._error(table, "must be a table")
            self._check_keys(content, keys, f"{table}.")
            self._data[table] = content

    def words(self, table: str, key: str) -> frozenset[str]:
        """The identifiers listed under a key, each once."""
        found = self._strings(table, key)
        for word in found:
            if not _WORD.match(word):
                raise self._error(f"{table}.{key}", f"{word!r} is not an identifier")
            shortest = _SHORTEST.get((table, key), 1)
            if len(word) < shortest:
                raise self._error(f"{table}.{key}", f"{word!r} is shorter than {shortest} letters")
        if len(set(found)) != len(found):
            twice = sorted({word for word in found if found.count(word) > 1})
            raise self._error(f"{table}.{key}", f"named twice: {', '.join(twice)}")
        return frozenset(found)

    def word(self, table: str, key: str) -> str:
        """The one identifier under a key."""
        value = self._data[table][key]
        if not isinstance(value, str) or not _WORD.match(value):
            raise self._error(f"{table}.{key}", "must be an identifier")
        return value

    def classes(self) -> dict[str, ClassForm]:
        """The entries of guards.class, by the macro's name."""
        entries = self._data["guards"]["class"]
        if not isinstance(entries, list):
            raise self._error("guards.class", "must be an array of tables")
        found: dict[str, ClassForm] = {}
        for number, entry in enumerate(entries):
            key = f"guards.class[{number}]"
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                raise self._error(key, "must be a table with a name")
            rest = {each: value for each, value in entry.items() if each != "name"}
            wrong = [each for each, value in rest.items() if type(value) is not _CLASS_KEYS.get(each)]
            if wrong or "given" not in rest:
                raise self._error(key, f"is wrong or missing: {', '.join(sorted(wrong)) or 'given'}")
            found[entry["name"]] = ClassForm(**rest)
        return found

    def patterns(self, table: str, key: str) -> re.Pattern[str]:
        """The patterns listed under a key as one; it matches nothing when there are none."""
        found = self._strings(table, key)
        for pattern in found:
            self._compile(f"{table}.{key}", pattern)
        return re.compile("|".join(f"(?:{pattern})" for pattern in found) or r"(?!)")

    def explanations(self) -> tuple[Explanation, ...]:
        """The entries of listings.explanation."""
        entries = self._data["listings"]["explanation"]
        if not isinstance(entries, list):
            raise self._error("listings.explanation", "must be an array of tables")
        result = []
        for number, entry in enumerate(entries):
            key = f"listings.explanation[{number}]"
            if not isinstance(entry, dict):
                raise self._error(key, "must be a table")
            self._check_keys(entry, ("pattern", "reason"), f"{key}.")
            pattern, reason = entry["pattern"], entry["reason"]
            if not isinstance(pattern, str) or not isinstance(reason, str) or not reason:
                raise self._error(key, "pattern and reason must be strings")
            result.append(Explanation(self._compile(f"{key}.pattern", pattern), reason))
        return tuple(result)

    def _strings(self, table: str, key: str) -> list[str]:
        value = self._data[table][key]
        if not isinstance(value, list):
            raise self._error(f"{table}.{key}", "must be a list of strings")
        result = []
        for entry in value:
            if not isinstance(entry, str) or not entry:
                raise self._error(f"{table}.{key}", "must be a list of strings")
            result.append(entry)
        return result

    def _compile(self, key: str, pattern: str) -> re.Pattern[str]:
        try:
            return re.compile(pattern)
        except re.error as error:
            raise self._error(key, f"{pattern!r} is not a regular expression: {error}") from error

    def _check_keys(self, content: Mapping[str, object], known: tuple[str, ...], prefix: str) -> None:
        for key in content:
            if key not in known:
                raise self._error(f"{prefix}{key}", f"unknown key; known here: {', '.join(known)}")
        for key in known:
            if key not in content:
                raise self._error(f"{prefix}{key}", "missing")

    def _error(self, key: str, message: str) -> RulebookError:
        return RulebookError(f"{self._path}: {key}: {message}")

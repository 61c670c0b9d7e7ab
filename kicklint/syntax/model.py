"""What the front end hands on: files, functions, bodies, macros, tables."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Protocol

from tree_sitter import Node

from kicklint.base import Span
from kicklint.syntax.assignments import assigned
from kicklint.syntax.notes import restored
from kicklint.syntax.uses import Uses
from kicklint.syntax.words import conditional_in, spoken_in, struct_pointers

_UNCALLED = re.compile(rb"\b([A-Za-z_]\w*)\b(?!\s*\()")
DIGEST = 12
"""Bytes of a digest that tells two texts in one place apart, also where somebody wants them taken for one."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. ``name`` is "" where the source gives none, "..." for the ellipsis.

    ``type`` has one space between tokens: ``struct page *``.
    """

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Body:
    """One reading of a function body.

    ``node`` is the compound_statement, its byte offsets index into ``text``.
    Offsets, lines and columns of ``text`` are those of the original file.
    ``configuration`` holds the conditions (canonical text, taken to be true or
    not) that were decided to get this reading; the conditions that are left
    stay in the tree as preproc nodes. ``rewritten`` says, by byte offset, what
    stood where the normalisation had to put another word.
    """

    node: Node
    text: bytes
    configuration: tuple[tuple[str, bool], ...] = ()
    rewritten: Mapping[int, str] = field(default_factory=dict)

    def original(self, start: int, end: int) -> str:
        """The text from ``start`` to ``end`` as it was before the normalisation, for macros to be handed."""
        notes = {at - start: word for at, word in self.rewritten.items() if start <= at < end}
        return restored(self.text[start:end].decode("latin-1"), notes, 0, end - start)


class Inside(Protocol):
    """A function's text, from its brace at ``start`` up to ``end`` in the file."""

    @property
    def start(self) -> int:
        """The offset of the opening brace."""
        ...

    @property
    def end(self) -> int:
        """The offset behind the closing one."""
        ...

    @property
    def words(self) -> frozenset[str]:
        """Every identifier of the definition."""
        ...

    @property
    def bodies(self) -> tuple[Body, ...]:
        """What was read between the braces."""
        ...


@dataclass(eq=False, slots=True)
class Parsed:
    """The inside of a function that was parsed. ``read`` makes its bodies again where none are ``kept``."""

    start: int
    end: int
    words: frozenset[str]
    read: Callable[[int, int], tuple[Body, ...]]
    kept: tuple[Body, ...] | None

    @property
    def bodies(self) -> tuple[Body, ...]:
        """See Inside."""
        return self.kept if self.kept is not None else self.read(self.start, self.end)


@dataclass(frozen=True)
class Function:
    """One function definition. ``span`` is that of its name; lines count from 1.

    ``damage`` says what was not understood; it is empty when all bodies parsed.
    """

    name: str
    path: str
    span: Span
    static: bool
    inline: bool
    returns: str
    parameters: tuple[Parameter, ...]
    damage: tuple[str, ...]
    start_line: int
    end_line: int
    inside: Inside = field(repr=False)

    @property
    def words(self) -> frozenset[str]:
        """Every identifier of the original definition, directives included, comments and strings left out."""
        return self.inside.words

    @property
    def bodies(self) -> tuple[Body, ...]:
        """One body, more where conditionals cut through statements.

        Those of a file that is known from an earlier run, or was let go of, are parsed whenever they
        are asked for.
        """
        return self.inside.bodies

    @property
    def identifier(self) -> str:
        """The function's unique name in a tree."""
        return f"{self.path}:{self.span.line}:{self.name}"


@dataclass(frozen=True, slots=True)
class Macro:
    """One #define. ``parameters`` is None for an object-like macro.

    ``body`` is on one line, without comments, runs of white space folded.
    """

    name: str
    parameters: tuple[str, ...] | None
    variadic: bool
    body: str
    span: Span


@dataclass(frozen=True, slots=True)
class Initialiser:
    """One ``.member = value`` of a file-scope initialiser.

    ``kind`` is the struct that the initialised object is of ("" when that is not
    said), ``line`` where the object's definition begins: together with the path
    that tells one object from another.
    ``value`` is the expression's text, white space folded; it is "{}" where the
    value is a list of its own, whose members are entries of their own.
    """

    member: str
    value: str
    span: Span
    kind: str = ""
    line: int = 0


@dataclass(frozen=True, eq=False)
class SyntaxFile:
    """Everything that one file holds.

    ``normalised`` has the length and the line ends of ``source``; ``notes`` says by offset what stood
    where it has another word.
    ``enumerators`` are (name, value): a decimal number where it is known, else
    an expression. ``file_damage`` is (line, reason) for what no function owns.
    """

    path: str
    source: bytes
    normalised: bytes
    notes: Mapping[int, str]
    functions: tuple[Function, ...]
    macros: tuple[Macro, ...]
    enumerators: tuple[tuple[str, str], ...]
    initialisers: tuple[Initialiser, ...]
    prototypes: frozenset[str]
    file_damage: tuple[tuple[int, str], ...]

    def let_go(self) -> None:
        """Forget the syntax trees, most of what a file takes, once what all functions are asked is known."""
        _ = self.uses, self.assignments
        for function in self.functions:
            if isinstance(function.inside, Parsed):
                function.inside.kept = None

    @cached_property
    def uses(self) -> Uses:
        """Which of its functions use a word."""
        words = [function.words for function in self.functions]
        return Uses.of(words, [spoken_in(_text(function)) for function in self.functions])

    @cached_property
    def digest(self) -> str:
        """A digest of its text."""
        return hashlib.blake2b(self.source, digest_size=DIGEST).hexdigest()

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """For each of its functions a digest of all that a graph of it is made from."""
        lines = self.source.split(b"\n")
        return tuple(_digest(each, lines[each.start_line - 1 : each.end_line]) for each in self.functions)

    @cached_property
    def uncalled(self) -> Counter[bytes]:
        """How often each word stands in it without being called."""
        return Counter(_UNCALLED.findall(self.normalised))

    @cached_property
    def unconditional(self) -> frozenset[int]:
        """The numbers of its lines, from 1, that stand in no #if."""
        depth = 0
        found: list[int] = []
        for number, line in enumerate(self.normalised.splitlines(), 1):
            directive = line.lstrip()
            if directive.startswith(b"#"):
                word = directive[1:].lstrip()
                depth += word.startswith(b"if") - word.startswith(b"endif")
            elif depth == 0:
                found.append(number)
        return frozenset(found)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of its functions."""
        return frozenset(islice(self.uses.places, self.uses.own))

    @cached_property
    def conditional(self) -> frozenset[str]:
        """Those of ``words`` that stand in some #if, wherever they stand."""
        return frozenset(conditional_in(self.normalised.decode("latin-1"), self.words))

    @cached_property
    def pointers(self) -> frozenset[tuple[str, str]]:
        """(struct, name) of every pointer to a struct that is declared in a statement of its own."""
        return struct_pointers(self.normalised.decode("latin-1"))

    @cached_property
    def assignments(self) -> tuple[tuple[str, str], ...]:
        """The (member, name) pairs of assignments of a plain name, cast or not, to a member, each once."""
        bodies = (body for function in self.functions for body in function.bodies)
        return tuple(dict.fromkeys(pair for body in bodies for pair in assigned(body.node, body.text)))


def _digest(function: Function, lines: list[bytes]) -> str:
    about = (function.static, function.returns, function.parameters, function.damage)
    digest = hashlib.blake2b(repr(about).encode("utf-8", "surrogateescape"), digest_size=DIGEST)
    digest.update(b"\n".join(lines))
    return digest.hexdigest()


def _text(function: Function) -> str:
    """The text of all readings, with what was replaced in it; the macro of a head is called."""
    parts = [body.text[body.node.start_byte : body.node.end_byte] for body in function.bodies]
    replaced = (word for body in function.bodies for word in body.rewritten.values())
    said = [f"{word}(" if word.isidentifier() else word for word in replaced]
    return "\n".join((b"".join(parts).decode("latin-1"), *said))

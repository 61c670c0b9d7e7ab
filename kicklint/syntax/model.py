"""What the front end hands on: files, functions, bodies, macros, tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tree_sitter import Node

from kicklint.base import Span


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


@dataclass(frozen=True, slots=True)
class Function:
    """One function definition. ``span`` is that of its name; lines count from 1.

    ``bodies`` has one entry, more where conditionals cut through statements.
    ``damage`` says what was not understood; it is empty when all bodies parsed.
    ``words`` is every identifier of the original definition, directives
    included, comments and strings left out.
    """

    name: str
    path: str
    span: Span
    static: bool
    inline: bool
    returns: str
    parameters: tuple[Parameter, ...]
    bodies: tuple[Body, ...]
    damage: tuple[str, ...]
    words: frozenset[str]
    start_line: int
    end_line: int


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


@dataclass(frozen=True, slots=True)
class SyntaxFile:
    """Everything that one file holds.

    ``normalised`` has the length and the line ends of ``source``.
    ``enumerators`` are (name, value): a decimal number where it is known, else
    an expression. ``file_damage`` is (line, reason) for what no function owns.
    """

    path: str
    source: bytes
    normalised: bytes
    functions: tuple[Function, ...]
    macros: tuple[Macro, ...]
    enumerators: tuple[tuple[str, str], ...]
    initialisers: tuple[Initialiser, ...]
    prototypes: frozenset[str]
    file_damage: tuple[tuple[int, str], ...]

"""A file that was parsed as bytes, and back, without its syntax trees.

The bytes hold no path: what two places have in common is the same. They are columns of numbers, since
thousands of functions are to be read in a fraction of a second; a word is a number, too, its place in the
list of the words of the file. A tree is made again of a body that somebody asks for.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice, pairwise
from sys import intern

from kicklint.base import Span
from kicklint.syntax.bodies import Text
from kicklint.syntax.dialect import Dialect
from kicklint.syntax.model import Body, Function, Initialiser, Macro, Parameter, SyntaxFile
from kicklint.syntax.uses import CODE, Column, Uses

_SIZE = 4
_STATIC, _INLINE = 1, 2
# The length of a list that is not there: a macro without parentheses has not even an empty one.
_NONE = -1
# The columns of what has one number of each for every function, macro, initialiser, before their lists.
_FUNCTION, _MACRO, _INITIALISER = 11, 7, 8


def packed(file: SyntaxFile) -> bytes:
    """What ``file`` is, with all that follows from it, for ``unpacked``."""
    uses = file.uses
    words = _Places(uses.places)
    columns: list[Sequence[int]] = [
        *_table((_function(each, words) for each in file.functions), _FUNCTION, 2),
        *_table((_macro(each, words) for each in file.macros), _MACRO, 1),
        *_table((_initialiser(each, words) for each in file.initialisers), _INITIALISER, 0),
        *(part for each in (uses.held, uses.mentioned, uses.reached) for part in (each.ends, each.numbers)),
        [uses.own],
        *(
            [words[word] for word in each]
            for each in (
                chain.from_iterable(file.enumerators),
                chain.from_iterable(file.assignments),
                chain.from_iterable(sorted(file.pointers)),
                sorted(file.prototypes),
                sorted(file.conditional),
            )
        ),
        [number for line, reason in file.file_damage for number in (line, words[reason])],
        [number for offset, word in file.notes.items() for number in (offset, words[word])],
    ]
    numbers = array(CODE, chain.from_iterable(columns))
    _order(numbers)
    text = json.dumps([[len(each) for each in columns], list(words)], separators=(",", ":")).encode()
    return b"".join((len(text).to_bytes(_SIZE, "little"), text, numbers.tobytes(), file.normalised))


def unpacked(path: str, source: bytes, data: bytes, dialect: Dialect) -> SyntaxFile:
    """The file at ``path`` that ``data`` was made from, which has the text ``source``.

    Raises ValueError where ``data`` is not what ``packed`` makes.
    """
    start = _SIZE + int.from_bytes(data[:_SIZE], "little")
    text = len(data) - len(source)
    numbers = array(CODE)
    try:
        lengths, words = json.loads(data[_SIZE:start])
        numbers.frombytes(data[start:text])
        _order(numbers)
        ends = list(accumulate(lengths, initial=0))
        if text < start or min(lengths) < 0 or ends[-1] != len(numbers) or not set(map(type, words)) <= {str}:
            raise ValueError("columns that are cut")
        columns = (numbers[start:end] for start, end in pairwise(ends))
        reader = _Reader(path, source, list(map(intern, words)), columns)
        return reader.file(data[text:], dialect)
    except (TypeError, IndexError, RecursionError) as error:
        raise ValueError(f"no file: {error}") from error


class _Places(dict[str, int]):
    """The place of each word, in the order in which they were asked for."""

    def __missing__(self, word: str) -> int:
        self[word] = found = len(self)
        return found


def _order(numbers: array[int]) -> None:
    """Change the order of the bytes to that of the file, or back."""
    if sys.byteorder == "big":
        numbers.byteswap()


_Row = tuple[Sequence[int], Sequence[Sequence[int] | None]]
"""The numbers of a row that stand by themselves, and its lists."""


def _table(rows: Iterable[_Row], plain: int, lists: int) -> list[list[int]]:
    """The columns of ``rows``: their numbers, and for each list of a row the lengths and what is in it."""
    columns: list[list[int]] = [[] for _ in range(plain + 2 * lists)]
    for row, parts in rows:
        for column, number in zip(columns, row, strict=False):
            column.append(number)
        for at, part in enumerate(parts):
            columns[plain + 2 * at].append(_NONE if part is None else len(part))
            columns[plain + 2 * at + 1] += part or ()
    return columns


def _span(span: Span) -> tuple[int, int, int, int]:
    return span.line, span.column, span.end_line, span.end_column


def _function(each: Function, words: _Places) -> _Row:
    plain = (
        words[each.name],
        words[each.returns],
        each.static * _STATIC + each.inline * _INLINE,
        *_span(each.span),
        each.start_line,
        each.end_line,
        each.inside.start,
        each.inside.end,
    )
    parameters = [words[text] for one in each.parameters for text in (one.name, one.type)]
    return plain, (parameters, [words[text] for text in each.damage])


def _macro(each: Macro, words: _Places) -> _Row:
    parameters = None if each.parameters is None else [words[name] for name in each.parameters]
    return (words[each.name], words[each.body], each.variadic, *_span(each.span)), (parameters,)


def _initialiser(each: Initialiser, words: _Places) -> _Row:
    return (words[each.member], words[each.value], words[each.kind], each.line, *_span(each.span)), ()


@dataclass(frozen=True, eq=False, slots=True)
class _Known:
    """The inside of the function of that ``number`` of a file that is known."""

    start: int
    end: int
    number: int
    uses: Uses
    text: Text

    @property
    def words(self) -> frozenset[str]:
        """See Inside."""
        return self.uses.words(self.number)

    @property
    def bodies(self) -> tuple[Body, ...]:
        """See Inside."""
        return self.text.bodies(self.start, self.end)


class _Reader:
    """Makes a file of its columns. Raises ValueError, TypeError or IndexError for what is none."""

    def __init__(self, path: str, source: bytes, words: list[str], columns: Iterator[array[int]]) -> None:
        self._path = path
        self._source = source
        self._words = words
        self._columns = columns
        self._parameters: dict[tuple[str, str], Parameter] = {}

    def file(self, normalised: bytes, dialect: Dialect) -> SyntaxFile:
        """The file, with what follows from it."""
        functions = self._take(_FUNCTION + 4)
        macros = tuple(self._macros())
        initialisers = tuple(self._initialisers())
        uses = self._uses(len(functions[0]))
        enumerators = tuple(self._pairs())
        assignments = tuple(self._pairs())
        pointers = frozenset(self._pairs())
        prototypes, conditional = (frozenset(self._named(each)) for each in self._take(2))
        damage = tuple(self._numbered())
        notes = dict(self._numbered())
        text = Text(self._source, normalised, notes, dialect)
        file = SyntaxFile(
            path=self._path,
            source=self._source,
            normalised=normalised,
            notes=notes,
            functions=tuple(self._functions(functions, uses, text)),
            macros=macros,
            enumerators=enumerators,
            initialisers=initialisers,
            prototypes=prototypes,
            file_damage=damage,
        )
        known = {"uses": uses, "assignments": assignments, "pointers": pointers, "conditional": conditional}
        vars(file).update(known)
        return file

    def _take(self, count: int) -> list[array[int]]:
        """The next columns."""
        found = list(islice(self._columns, count))
        if len(found) != count:
            raise ValueError("columns that are missing")
        return found

    def _named(self, numbers: Iterable[int]) -> list[str]:
        words = self._words
        return [words[number] for number in numbers]

    def _pairs(self) -> Iterator[tuple[str, str]]:
        (numbers,) = self._take(1)
        return zip(self._named(numbers[::2]), self._named(numbers[1::2]), strict=True)

    def _numbered(self) -> Iterator[tuple[int, str]]:
        (numbers,) = self._take(1)
        return zip(numbers[::2], self._named(numbers[1::2]), strict=True)

    def _parts(self, lengths: Sequence[int], numbers: Sequence[int]) -> Iterator[list[str]]:
        """The words of each row's list, of so many ``lengths``."""
        words = self._named(numbers)
        start = 0
        for length in lengths:
            end = start + max(0, length)
            yield words[start:end]
            start = end

    def _uses(self, count: int) -> Uses:
        *columns, (own,) = self._take(7)
        places = dict(zip(self._words, range(len(columns[0]) - 1), strict=False))
        held, mentioned, reached = (Column(*each) for each in zip(columns[::2], columns[1::2], strict=True))
        for each in (held, mentioned, reached):
            if len(each.ends) != len(places) + 1 or (each.numbers and not 0 <= max(each.numbers) < count):
                raise ValueError("uses of another file")
        return Uses(places, own, held, mentioned, reached)

    def _functions(self, columns: list[array[int]], uses: Uses, text: Text) -> Iterator[Function]:
        *plain, given, parameters, reasons, damage = columns
        words, path = self._words, self._path
        rows = zip(*plain, self._parts(given, parameters), self._parts(reasons, damage), strict=True)
        for number, row in enumerate(rows):
            name, returns, flags, line, column, end_line, end_column, first, last, start, end, own, harm = row
            if not 0 <= start < end <= len(self._source):
                raise ValueError("a body outside of the file")
            yield Function(
                words[name],
                path,
                Span(path, line, column, end_line, end_column),
                bool(flags & _STATIC),
                bool(flags & _INLINE),
                words[returns],
                tuple(map(self._parameter, own[::2], own[1::2])) if own else (),
                tuple(harm),
                first,
                last,
                _Known(start, end, number, uses, text),
            )

    def _parameter(self, name: str, kind: str) -> Parameter:
        """The parameter; the same object for the same one, since most are a few."""
        found = self._parameters.get((name, kind))
        if found is None:
            found = self._parameters[name, kind] = Parameter(name, kind)
        return found

    def _macros(self) -> Iterator[Macro]:
        *plain, lengths, numbers = self._take(_MACRO + 2)
        words, path = self._words, self._path
        rows = zip(*plain, lengths, self._parts(lengths, numbers), strict=True)
        for name, body, variadic, line, column, end_line, end_column, length, parameters in rows:
            span = Span(path, line, column, end_line, end_column)
            given = None if length == _NONE else tuple(parameters)
            yield Macro(words[name], given, bool(variadic), words[body], span)

    def _initialisers(self) -> Iterator[Initialiser]:
        words, path = self._words, self._path
        for member, value, kind, line, *place in zip(*self._take(_INITIALISER), strict=True):
            yield Initialiser(words[member], words[value], Span(path, *place), words[kind], line)

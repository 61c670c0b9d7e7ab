"""From the text of function bodies to syntax trees, and what could not be understood.

All bodies of a file are read together. A body that needs another text than the
normalised file (a choice of conditionals, a repair) shares that text with the
file's other bodies, so the number of texts is bounded however many bodies need one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import tree_sitter_c
from tree_sitter import Language, Node, Parser, Point, Query, QueryCursor, Range

from kicklint.syntax.conditionals import Configuration, configurations, resolve
from kicklint.syntax.dialect import Dialect
from kicklint.syntax.model import Body
from kicklint.syntax.repair import repair
from kicklint.syntax.scan import Lines

# A tree that is deeper is not handed on as understood: whoever walks it may recurse.
# The deepest of mainline KVM has fewer than 50 levels.
DEEPEST_TREE = 200
_LONGEST_EXCERPT = 60
_MOST_REASONS = 5
_CONDITIONAL = re.compile(r"^[ \t\v]*#", re.M)
_LANGUAGE = Language(tree_sitter_c.language())
# A macro's call in front of a block or a statement looks like the beginning of a function, or like
# a type, and so does a word in front of a call.
_MISREAD = Query(
    _LANGUAGE,
    "(compound_statement (function_definition) @misread)"
    " (declaration type: (macro_type_specifier) declarator: (function_declarator)) @misread"
    " (declaration type: (type_identifier) declarator: (function_declarator parameters: (_) @handed)) @call",
)

Understanding = tuple[tuple[Body, ...], tuple[str, ...]]


@dataclass(slots=True)
class _Reading:
    """One reading of one body: its text, and its tree once it was parsed."""

    owner: int
    start: int
    segment: str
    configuration: Configuration = ()
    notes: Mapping[int, str] = field(default_factory=dict)
    node: Node | None = None
    text: bytes = b""
    # Whether it is nested deeper than is looked into.
    deep: bool = False
    # What the parser took for something else; see _MISREAD. Not looked for in what is too deep.
    misread: list[Node] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return self.node is not None and not self.node.has_error and not self.misread


class BodyReader:
    """Reads the bodies of one file, of which ``normalised`` is the text.

    ``notes`` says by offset what the normalisation replaced.
    """

    def __init__(self, normalised: bytes, notes: Mapping[int, str], lines: Lines, dialect: Dialect) -> None:
        self._normalised = normalised
        self._text = normalised.decode("latin-1")
        self._notes = notes
        self._note_offsets = sorted(notes)
        self._lines = lines
        self._dialect = dialect
        self._parser = Parser(_LANGUAGE)

    def read(self, extents: Sequence[tuple[int, int]]) -> list[Understanding]:
        """For each body (offset of its brace, offset behind the last one): its readings and its damage.

        The extents must be in the order of the text; two may share their end.
        """
        done: list[tuple[list[_Reading], list[str]]] = []
        again: list[int] = []
        for owner, (start, end) in enumerate(extents):
            done.append(self._readings(owner, start, end, every=False))
        self._parse([reading for readings, _ in done for reading in readings])
        for owner, (readings, damage) in enumerate(done):
            if not damage and not all(reading.clean for reading in readings):
                start, end = extents[owner]
                if _CONDITIONAL.search(self._text, start, end):
                    again.append(owner)
        # A conditional that looked whole may not have been.
        seconds = {owner: self._readings(owner, *extents[owner], every=True) for owner in again}
        self._parse([reading for readings, _ in seconds.values() for reading in readings])
        for owner, (readings, damage) in seconds.items():
            if not damage and all(reading.clean for reading in readings):
                done[owner] = (readings, damage)
        return [self._understanding(readings, damage) for readings, damage in done]

    def _readings(self, owner: int, start: int, end: int, *, every: bool) -> tuple[list[_Reading], list[str]]:
        segment = self._text[start:end]
        first = bisect_left(self._note_offsets, start)
        last = bisect_left(self._note_offsets, end)
        notes = {offset: self._notes[offset] for offset in self._note_offsets[first:last]}
        if not _CONDITIONAL.search(segment):
            return [_Reading(owner, start, segment, (), notes)], []
        chosen, damage = configurations(segment, every=every)
        return [
            _Reading(owner, start, resolve(segment, dict(choice)), choice, notes) for choice in chosen
        ], damage

    def _parse(self, readings: list[_Reading]) -> None:
        for layer in _layers(readings):
            self._parse_layer(layer)
        for assembly in (False, True):
            mended: list[tuple[_Reading, _Reading]] = []
            for reading in readings:
                if reading.clean:
                    continue
                start = reading.start
                before = {offset - start: word for offset, word in reading.notes.items()}
                segment, notes = repair(reading.segment, before, self._dialect, assembly=assembly)
                if segment != reading.segment:
                    moved = {start + offset: word for offset, word in notes.items()}
                    second = _Reading(reading.owner, start, segment, reading.configuration, moved)
                    mended.append((reading, second))
            for layer in _layers([second for _, second in mended]):
                self._parse_layer(layer)
            for reading, second in mended:
                if second.clean:
                    reading.node, reading.text, reading.notes = second.node, second.text, second.notes
                    reading.deep, reading.misread = second.deep, []

    def _parse_layer(self, layer: Iterable[_Reading]) -> None:
        """Parse readings whose extents do not overlap, all from one text."""
        pieces: list[str] = []
        last = 0
        changed = False
        readings = list(layer)
        for reading in readings:
            end = reading.start + len(reading.segment)
            changed = changed or self._text[reading.start : end] != reading.segment
            pieces += self._text[last : reading.start], reading.segment
            last = end
        pieces.append(self._text[last:])
        text = "".join(pieces).encode("latin-1") if changed else self._normalised
        for reading in readings:
            reading.text = text
            reading.node = self._block(text, reading.start, reading.start + len(reading.segment))
            if reading.node is not None:
                reading.deep = _too_deep(reading.node)
                # A query takes time by the square of the depth.
                reading.misread = [] if reading.deep else _misread(reading.node)

    def _block(self, text: bytes, start: int, end: int) -> Node | None:
        first_line, first_column = self._lines.place(start)
        last_line, last_column = self._lines.place(end)
        first = Point(first_line - 1, first_column - 1)
        self._parser.included_ranges = [Range(first, Point(last_line - 1, last_column - 1), start, end)]
        root = self._parser.parse(text).root_node
        child = root.child(0)
        if root.child_count == 1 and child is not None and child.type == "compound_statement":
            return child
        return root if root.has_error and root.child_count else None

    def _understanding(self, readings: Iterable[_Reading], damage: Iterable[str]) -> Understanding:
        bodies = []
        reasons = list(damage)
        for reading in readings:
            if reading.node is None:
                line = self._lines.line(reading.start)
                found = [f"syntax not understood at line {line}: no block"]
            else:
                bodies.append(Body(reading.node, reading.text, reading.configuration, reading.notes))
                found = _judge(reading, reading.node) or _said_of(reading.misread, reading.text)
            reasons += [reason for reason in found if reason not in reasons]
        return tuple(bodies), tuple(reasons)


@dataclass(eq=False, slots=True)
class Text:
    """The text of one file, to read bodies again of which no tree was kept."""

    source: bytes
    normalised: bytes
    notes: Mapping[int, str]
    dialect: Dialect
    _reader: BodyReader | None = None

    def bodies(self, start: int, end: int) -> tuple[Body, ...]:
        """The readings of the body from its brace at ``start`` up to ``end``."""
        if self._reader is None:
            lines = Lines(self.source.decode("latin-1"))
            self._reader = BodyReader(self.normalised, self.notes, lines, self.dialect)
        return self._reader.read([(start, end)])[0][0]


def _layers(readings: list[_Reading]) -> list[list[_Reading]]:
    """The readings in as few lists as possible in which none overlaps another."""
    layers: list[list[_Reading]] = []
    ends: list[int] = []
    for reading in sorted(readings, key=lambda reading: reading.start):
        number = next((number for number, end in enumerate(ends) if end <= reading.start), len(ends))
        if number == len(ends):
            ends.append(0)
            layers.append([])
        ends[number] = reading.start + len(reading.segment)
        layers[number].append(reading)
    return layers


def _judge(reading: _Reading, node: Node) -> list[str]:
    if reading.deep:
        return [f"nested too deeply: more than {DEEPEST_TREE} levels"]
    return _errors(node, reading.text) if node.has_error else []


def _misread(node: Node) -> list[Node]:
    """The nodes of a body that are not what the parser took them for."""
    found: list[Node] = []
    for _, match in QueryCursor(_MISREAD).matches(node):
        # What declares a function inside of another one says what its parameters are.
        found += match.get("misread") or (match["call"] if _names_only(match["handed"][0]) else [])
    return found


def _names_only(parameters: Node) -> bool:
    """Whether a list of parameters may be one of arguments as well."""
    return all(
        each.child_count == 1
        and each.child(0) is not None
        and each.named_children[0].type == "type_identifier"
        for each in parameters.named_children
        if each.type != "comment"
    )


def _said_of(misread: list[Node], text: bytes) -> list[str]:
    """One reason for each node that was misread, up to a few."""
    found = []
    for node in sorted(misread, key=lambda node: node.start_byte)[:_MOST_REASONS]:
        line = text[node.start_byte : node.end_byte].decode("latin-1").partition("\n")[0]
        found.append(f"syntax not understood at line {node.start_point.row + 1}: `{line[:_LONGEST_EXCERPT]}`")
    return found


def _too_deep(node: Node) -> bool:
    """Whether the tree is deeper than DEEPEST_TREE. Looks only where it can be."""
    pending = [(node, 0)]
    while pending:
        current, depth = pending.pop()
        if depth > DEEPEST_TREE:
            return True
        if current.descendant_count + depth > DEEPEST_TREE:
            pending += [(child, depth + 1) for child in current.children]
    return False


def _errors(node: Node, text: bytes) -> list[str]:
    """One reason for each place that was not understood, in the order of the text, up to a few."""
    reasons: list[str] = []
    pending = [node]
    while pending and len(reasons) < _MOST_REASONS:
        current = pending.pop()
        if current.is_error or current.is_missing:
            end = min(max(current.end_byte, current.start_byte + 1), current.start_byte + _LONGEST_EXCERPT)
            snippet = text[current.start_byte : end].decode("latin-1").split("\n", 1)[0].strip()
            what = f"`{snippet}`" if current.is_error else f"missing `{current.type}`"
            reasons.append(f"syntax not understood at line {current.start_point.row + 1}: {what}")
        elif current.has_error:
            pending += reversed([child for child in current.children if child.has_error])
    return reasons

"""The front end's two entrances: a file, and a fragment of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from sys import intern

from kicklint.syntax import declarations
from kicklint.syntax.bodies import BodyReader, Text
from kicklint.syntax.classes import class_macros
from kicklint.syntax.conditionals import find_groups, resolve
from kicklint.syntax.dialect import Dialect
from kicklint.syntax.header import Header, read_header
from kicklint.syntax.items import Item, Kind, split
from kicklint.syntax.model import Body, Function, Parsed, SyntaxFile
from kicklint.syntax.rewrite import Rewriting
from kicklint.syntax.scan import HELD_NEWLINE, Lines, Scan, blank, fold, restore, scan

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.A)
_CONDITIONAL = re.compile(r"^[ \t\v]*#(?:[^\n\\]+|\\[\s\S])*", re.M)
_MOST_HEADERS = 4
_FRAGMENT_HEAD = b"void f(void)\n{\n"
_FRAGMENT_TAIL = b"\n}"


@dataclass(slots=True)
class _File:
    """One file on its way through the front end."""

    path: str
    scanned: Scan
    code: str
    lines: Lines
    damage: list[tuple[int, str]]
    text: Text


def parse_file(path: str, source: bytes, dialect: Dialect) -> SyntaxFile:
    """Read one C file. Never raises for what the file holds: damage is part of the result."""
    scanned = scan(source)
    lines = Lines(source.decode("latin-1"))
    words = Rewriting(scanned.code, dialect)
    words.words()
    worded = words.result()
    items, strays = split(worded)
    text = Rewriting(worded, dialect, words.notes, words.texts)
    for item in items:
        if item.kind is Kind.FUNCTION:
            text.type_arguments(item.opens[0], item.end)
            text.labels(item.opens[0], item.end)
    restored = restore(text.result(), scanned.clean, scanned.strings).replace(HELD_NEWLINE, "\n")
    normalised = restored.encode("latin-1")
    replaced = {start: fold(scanned.clean[start:end]) for start, end in text.texts.items()}
    notes = {**text.notes, **replaced}
    reader = BodyReader(normalised, notes, lines, dialect)
    damage = [(lines.line(offset), "a brace closes nothing") for offset in strays]
    file = _File(path, scanned, worded, lines, damage, Text(source, normalised, notes, dialect))
    macros = declarations.macros(path, scanned, lines)
    return SyntaxFile(
        path=path,
        source=source,
        normalised=normalised,
        notes=notes,
        functions=tuple(_functions(file, items, reader)),
        macros=(*macros, *class_macros(path, scanned, macros, dialect, lines)),
        enumerators=declarations.enumerators(worded),
        initialisers=declarations.initialisers(path, scanned, worded, items, lines),
        prototypes=declarations.prototypes(worded, items),
        file_damage=tuple(sorted(file.damage)),
    )


def _functions(file: _File, items: list[Item], reader: BodyReader) -> list[Function]:
    """The functions of the items: one each, or one for each header that the conditionals offer."""
    found: list[tuple[Item, int, list[tuple[int, Header]]]] = []
    for item in items:
        if item.kind is Kind.UNKNOWN:
            file.damage.append((file.lines.line(item.opens[0]), "a block that belongs to no definition"))
        if item.kind is not Kind.FUNCTION:
            start = _first_visible(file.code, item.start, item.end)
            file.damage += [(file.lines.line(start), reason) for reason in item.damage]
            continue
        for opening in item.opens:
            headers = _headers(file.code, item.start, opening)
            if headers:
                found.append((item, opening, headers))
            else:
                file.damage.append((file.lines.line(opening), "a block whose header is not understood"))
    understood = reader.read([(opening, item.end) for item, opening, _ in found])
    functions = []
    for (item, opening, headers), (bodies, damage) in zip(found, understood, strict=True):
        for offset, header in headers:
            found_words = _IDENTIFIER.findall(file.scanned.masked, offset + header.start, item.end)
            words = frozenset(map(intern, found_words))
            inside = Parsed(opening, item.end, words, file.text.bodies, bodies)
            functions.append(_function(file, item, offset, header, inside, (*item.damage, *damage)))
    return functions


def _function(
    file: _File,
    item: Item,
    offset: int,
    header: Header,
    inside: Parsed,
    damage: tuple[str, ...],
) -> Function:
    name = offset + header.offset
    return Function(
        name=header.name,
        path=file.path,
        span=declarations.span_of(file.path, file.lines, name, name + len(header.name)),
        static=header.static,
        inline=header.inline,
        returns=header.returns,
        parameters=header.parameters,
        damage=damage,
        start_line=file.lines.line(offset + header.start),
        end_line=file.lines.line(max(item.start, item.end - 1)),
        inside=inside,
    )


def _first_visible(code: str, start: int, end: int) -> int:
    text = code[start:end]
    if "#" in text:
        text = _CONDITIONAL.sub(lambda match: blank(match.group()), text)
    return start + len(text) - len(text.lstrip())


def _headers(code: str, start: int, opening: int) -> list[tuple[int, Header]]:
    """The headers between ``start`` and the brace at ``opening``, with the offset they count from."""
    text = code[start:opening]
    if "#" not in text:
        header = read_header(text)
        return [(start, header)] if header else []
    found: list[tuple[int, Header]] = []
    for variant in _header_variants(text):
        header = read_header(variant)
        if header and all(header.offset != other.offset for _, other in found):
            found.append((start, header))
    return found


def _header_variants(text: str) -> list[str]:
    """The readings of a header that conditionals cut: each condition taken and not taken."""
    groups, _ = find_groups(text)
    conditions: list[str] = []
    for group in groups:
        if group.tail[0] == len(text):
            # The brace stands in the last arm; the arms before it end elsewhere.
            skipped = text[group.arms[0].start : group.arms[-1].end]
            text = text.replace(skipped, blank(skipped), 1)
            continue
        conditions += [
            arm.condition for arm in group.arms if arm.condition and arm.condition not in conditions
        ]
    text = _blank_unmatched(text)
    variants = []
    for number in range(min(1 << len(conditions), _MOST_HEADERS)):
        choice = {name: not number >> place & 1 for place, name in enumerate(conditions)}
        variants.append(resolve(text, choice))
    return variants


def _blank_unmatched(text: str) -> str:
    """Blank each #else and #endif whose #if does not stand in the text."""
    depth = 0
    pieces: list[str] = []
    last = 0
    for match in _CONDITIONAL.finditer(text):
        word = match.group().lstrip(" \t\v#")
        if word.startswith("if"):
            depth += 1
        elif depth == 0:
            pieces += text[last : match.start()], blank(match.group())
            last = match.end()
        elif word.startswith("endif"):
            depth -= 1
    return "".join((*pieces, text[last:]))


def parse_fragment(text: bytes, dialect: Dialect) -> Body | None:
    """Read an expression or statements, such as a macro's body after substitution.

    The fragment is put into a block of its own: the body's ``text`` is that
    block. None when it does not parse without damage.
    """
    for tail in (_FRAGMENT_TAIL, b";" + _FRAGMENT_TAIL):
        source = _FRAGMENT_HEAD + text + tail
        file = parse_file("", source, dialect)
        if len(file.functions) != 1 or file.file_damage:
            continue
        function = file.functions[0]
        if (
            len(function.bodies) == 1
            and not function.damage
            and function.bodies[0].node.end_byte == len(source)
        ):
            return function.bodies[0]
    return None

"""Macros, enumerators, initialisers and prototypes of a file."""

from __future__ import annotations

import ast
import re

from kicklint.base import Span
from kicklint.syntax.header import read_header, split_commas
from kicklint.syntax.items import Item, Kind
from kicklint.syntax.model import Initialiser, Macro
from kicklint.syntax.scan import Lines, Scan, blank, fold

_DEFINE = re.compile(r"[ \t\v]*#\s*define\s+([A-Za-z_]\w*)(\(([^()]*)\))?", re.A)
_ENUM = re.compile(r"enum\b\s*(?:\w+\s*)?\{", re.A)
_MEMBER = re.compile(r"\.\s*([A-Za-z_]\w*)\s*(?:\[[^\]{};]*\]\s*)?=(?!=)\s*", re.A)
_STRUCT = re.compile(r"\bstruct\s+([A-Za-z_]\w*)", re.A)
_ENDS = re.compile(r"[(){}\[\],;]")
_DIRECTIVE = re.compile(r"^[ \t\v]*#(?:[^\n\\]+|\\[\s\S])*", re.M)
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|\"[^\"]*\"|'[^']*'|<<|>>|[^\s\w]", re.A)
_SUFFIX = re.compile(r"\b(0[xXbB][0-9a-fA-F]+?|\d+?)[uUlL]+\b")
_LONGEST_EXPRESSION = 200
_LARGEST = 1 << 64
_WIDEST_SHIFT = 64
_LONGEST_VALUE = 1024
_LONGEST_PROTOTYPE = 4096


def span_of(path: str, lines: Lines, start: int, end: int) -> Span:
    """The span from ``start`` to ``end`` (exclusive)."""
    line, column = lines.place(start)
    end_line, end_column = lines.place(end)
    return Span(path, line, column, end_line, end_column)


def macros(path: str, scanned: Scan, lines: Lines) -> tuple[Macro, ...]:
    """Every #define, in the order of the file."""
    found = []
    for directive in scanned.directives:
        if directive.word != "define":
            continue
        text = scanned.clean[directive.start : directive.end]
        match = _DEFINE.match(text.replace("\\\n", " \n"))
        if match is None:
            continue
        name = match.group(1)
        start = directive.start + match.start(1)
        names, variadic = _macro_parameters(match.group(3)) if match.group(2) is not None else (None, False)
        found.append(
            Macro(
                name=name,
                parameters=names,
                variadic=variadic,
                body=fold(text[match.end() :]),
                span=span_of(path, lines, start, start + len(name)),
            )
        )
    return tuple(found)


def _macro_parameters(text: str) -> tuple[tuple[str, ...], bool]:
    names = [part.strip() for part in text.split(",")] if text.strip() else []
    variadic = bool(names) and names[-1].endswith("...")
    if variadic:
        # `...` is known by __VA_ARGS__ in the body, `args...` by its own name.
        names[-1] = names[-1][:-3].strip() or "__VA_ARGS__"
    return tuple(names), variadic


def enumerators(code: str) -> tuple[tuple[str, str], ...]:
    """Every enumerator of the file with its value."""
    found: list[tuple[str, str]] = []
    for match in _ENUM.finditer(code):
        end = code.find("}", match.end())
        if end < 0 or code[match.start() - 1 : match.start()].isidentifier():
            continue
        text = _DIRECTIVE.sub(" ", code[match.end() : end])
        known: dict[str, int] = {}
        previous = ""
        for part in split_commas(_TOKEN.findall(text)):
            if not part:
                continue
            name = part[0]
            expression = " ".join(part[2:]) if part[1:2] == ["="] else ""
            value = _value(expression, previous, known, name)
            found.append((name, value))
            previous = name
    return tuple(found)


def _value(expression: str, previous: str, known: dict[str, int], name: str) -> str:
    if not expression:
        expression = f"{previous} + 1" if previous else "0"
    number = evaluate(expression, known)
    if number is None:
        return expression
    known[name] = number
    return str(number)


def evaluate(expression: str, known: dict[str, int]) -> int | None:
    """The value of a constant expression over ``known`` names, None when it has none that is plain."""
    if len(expression) > _LONGEST_EXPRESSION:
        return None
    try:
        tree = ast.parse(_SUFFIX.sub(r"\1", expression), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return _number(tree.body, known)


def _number(node: ast.expr, known: dict[str, int]) -> int | None:
    value: int | None = None
    if isinstance(node, ast.Constant) and type(node.value) is int:
        value = node.value
    elif isinstance(node, ast.Name):
        value = known.get(node.id)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand, known)
        value = None if inner is None else -inner
    elif isinstance(node, ast.BinOp):
        left, right = _number(node.left, known), _number(node.right, known)
        if left is not None and right is not None:
            value = _binary(node.op, left, right)
    return value if value is not None and abs(value) < _LARGEST else None


def _binary(operator: ast.operator, left: int, right: int) -> int | None:
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Mult):
        return left * right
    if isinstance(operator, ast.BitOr):
        return left | right
    if isinstance(operator, ast.LShift) and 0 <= right < _WIDEST_SHIFT:
        return left << right
    return None


def initialisers(
    path: str, scanned: Scan, code: str, items: list[Item], lines: Lines
) -> tuple[Initialiser, ...]:
    """Every `.member = value` of the file-scope initialisers."""
    found = []
    for item in items:
        if item.kind is not Kind.TABLE:
            continue
        struct = _STRUCT.search(code, item.start, item.opens[0])
        kind = struct.group(1) if struct else ""
        line = lines.place(item.start)[0]
        for match in _MEMBER.finditer(code, item.opens[0], item.end):
            if code[match.end() : match.end() + 1] == "{":
                value = "{}"
            else:
                value = _clean(scanned, match.end(), _expression_end(code, match.end(), item.end))
            span = span_of(path, lines, match.start(1), match.end(1))
            found.append(Initialiser(match.group(1), value, span, kind, line))
    return tuple(found)


def _expression_end(code: str, start: int, limit: int) -> int:
    depth = 0
    # A value is short; one that is not is cut off rather than read to the file's end each time.
    limit = min(limit, start + _LONGEST_VALUE)
    for match in _ENDS.finditer(code, start, limit):
        token = match.group()
        if token in "([{":
            depth += 1
        elif token in ",;" and depth == 0:
            return match.start()
        elif token in ")]}":
            depth -= 1
            if depth < 0:
                return match.start()
    return limit


def _clean(scanned: Scan, start: int, end: int) -> str:
    return fold(_DIRECTIVE.sub(" ", scanned.clean[start:end]))


def prototypes(code: str, items: list[Item]) -> frozenset[str]:
    """The names of functions that the file declares and gives no body."""
    found = set()
    for item in items:
        if item.kind is not Kind.DECLARATION:
            continue
        text = code[item.start : item.end].rstrip().removesuffix(";")
        if "(" not in text or len(text) > _LONGEST_PROTOTYPE:
            continue
        if "#" in text:
            text = _DIRECTIVE.sub(lambda match: blank(match.group()), text)
        header = read_header(text)
        if header is not None and header.returns and not header.returns.startswith("typedef"):
            found.add(header.name)
    return frozenset(found)

"""The part of a function definition before its brace: name, parameters, return type."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kicklint.syntax.model import Parameter

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d\w*|\"[^\"]*\"|'[^']*'|\.\.\.|[^\s\w]")
_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_SPECIFIERS = frozenset({"static", "inline", "extern", "__inline", "__inline__", "__extension__"})
_TAGS = frozenset({"struct", "union", "enum"})
# Words that can stand last in a parameter and are not its name.
_TYPE_WORDS = _TAGS | {
    *("void", "char", "short", "int", "long", "float", "double", "signed", "unsigned"),
    *("_Bool", "bool", "const", "volatile", "restrict", "__restrict"),
}


@dataclass(frozen=True, slots=True)
class Header:
    """A function's header. ``start`` and ``offset`` are where it and its name begin in the text."""

    name: str
    start: int
    offset: int
    static: bool
    inline: bool
    returns: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    opening: int
    closing: int


@dataclass(frozen=True, slots=True)
class _Choice:
    """Where a function's name begins, what it is, and the parentheses of its parameters."""

    start: int
    name: str
    group: _Group


def read_header(text: str) -> Header | None:
    """Read the header of a function definition: C without comments, directives and attributes.

    A name that a macro makes, as in ``static int FNAME(fetch)(...)``, is kept as it
    is written and as it is called: ``FNAME(fetch)``. None when the text is no header.
    """
    matches = list(_TOKEN.finditer(text))
    tokens = [match.group() for match in matches]
    groups = _groups(tokens)
    chosen = _choose(tokens, groups)
    if chosen is None:
        return None
    group = chosen.group
    start = _type_start(tokens, groups, chosen.start)
    before = tokens[start : chosen.start]
    return Header(
        name=chosen.name,
        start=matches[start].start(),
        offset=matches[chosen.start].start(),
        static="static" in before,
        inline="inline" in before or "__inline" in before or "__inline__" in before,
        returns=" ".join(token for token in before if token not in _SPECIFIERS and token != "("),
        parameters=_parameters(tokens[group.opening + 1 : group.closing], tokens[group.closing + 1 :]),
    )


def _groups(tokens: list[str]) -> list[_Group]:
    """The outermost pairs of parentheses."""
    found = []
    depth = opening = 0
    for index, token in enumerate(tokens):
        if token == "(":
            if depth == 0:
                opening = index
            depth += 1
        elif token == ")" and depth:
            depth -= 1
            if depth == 0:
                found.append(_Group(opening, index))
    return found


def _choose(tokens: list[str], groups: list[_Group]) -> _Choice | None:
    """The function's name and its parameters.

    Macros on lines of their own may stand before the header, unknown attributes
    behind it: the name follows a type, an attribute follows a parenthesis.
    """
    for number in range(len(groups) - 1, -1, -1):
        group = groups[number]
        name = group.opening - 1
        if name < 0:
            return None
        if _NAME.match(tokens[name]):
            if tokens[name] in _TAGS or (name and tokens[name - 1] in _TAGS):
                return None
            if number and groups[number - 1].closing == name - 1:
                continue
            return _Choice(name, tokens[name], group)
        if tokens[name] == ")" and number:
            wrapper = groups[number - 1]
            return _pasted(tokens, wrapper, group) or _wrapped(tokens, wrapper, group)
    return None


def _pasted(tokens: list[str], wrapper: _Group, group: _Group) -> _Choice | None:
    """`type MACRO(name)(...)`: the macro's call is the name."""
    macro = wrapper.opening - 1
    if macro < 1 or tokens[macro] in _TYPE_WORDS or not _NAME.match(tokens[macro]):
        return None
    if tokens[wrapper.opening + 1] == "*" or tokens[macro - 1] in _SPECIFIERS:
        return None
    return _Choice(macro, "".join(tokens[macro : wrapper.closing + 1]), group)


def _wrapped(tokens: list[str], wrapper: _Group, group: _Group) -> _Choice | None:
    """`(name)(...)` and `(*name(...))(...)`: the name inside the first parentheses."""
    name = wrapper.opening + 1
    while tokens[name] == "*":
        name += 1
    if not _NAME.match(tokens[name]):
        return None
    if tokens[name + 1] == ")":
        return _Choice(name, tokens[name], group) if tokens[name - 1] == "(" else None
    depth = 0
    for end in range(name + 1, wrapper.closing):
        depth += (tokens[end] == "(") - (tokens[end] == ")")
        if depth == 0:
            return _Choice(name, tokens[name], _Group(name + 1, end))
    return None


def _type_start(tokens: list[str], groups: list[_Group], name: int) -> int:
    """Where the return type begins: behind the last macro call, semicolon or stray brace before the name."""
    start = 0
    for group in groups:
        if group.closing < name and tokens[group.closing + 1] != "(":
            start = group.closing + 1
    for index in range(start, name):
        if tokens[index] in ";}":
            start = index + 1
    return start


def _parameters(tokens: list[str], behind: list[str]) -> tuple[Parameter, ...]:
    parts = split_commas(tokens)
    if not parts or parts == [["void"]]:
        return ()
    declared = _old_style(behind) if ";" in behind else {}
    found = []
    for part in parts:
        parameter = parameter_of(part)
        if declared and len(part) == 1:
            parameter = Parameter(part[0], declared.get(part[0], "int"))
        found.append(parameter)
    return tuple(found)


def _old_style(tokens: list[str]) -> dict[str, str]:
    """The declarations between the parentheses and the brace of a definition before C89."""
    types: dict[str, str] = {}
    for declaration in " ".join(tokens).split(";"):
        parameter = parameter_of(declaration.split())
        types[parameter.name] = parameter.type
    return types


def split_commas(tokens: list[str]) -> list[list[str]]:
    """Split at the commas that stand in no bracket."""
    parts: list[list[str]] = []
    current: list[str] = []
    depth = 0
    for token in tokens:
        if token in ("(", "[", "{"):
            depth += 1
        elif token in (")", "]", "}"):
            depth -= 1
        if token == "," and depth == 0:
            parts.append(current)
            current = []
        else:
            current.append(token)
    if current or parts:
        parts.append(current)
    return parts


def parameter_of(tokens: list[str]) -> Parameter:
    """Name and type of one parameter."""
    if tokens == ["..."]:
        return Parameter("...", "...")
    tokens = _without_attributes(tokens)
    index = _name_index(tokens)
    if index is None:
        return Parameter("", " ".join(tokens))
    return Parameter(tokens[index], " ".join(tokens[:index] + tokens[index + 1 :]))


def _without_attributes(tokens: list[str]) -> list[str]:
    """``tokens`` without what nobody knows behind the name: `int n __word`, `int *p __word(n)`."""
    call = next(
        (at for at in range(2, len(tokens)) if tokens[at] == "(" and tokens[at - 1][:2] == "__"), None
    )
    if call is not None:
        return tokens[: call - 1]
    last = tokens[-1] if len(tokens) > 2 else ""
    named = last[:2] == "__" and _NAME.match(tokens[-2]) and tokens[-2] not in _TYPE_WORDS
    return tokens[:-1] if named and (tokens[-3] == "*" or tokens[-3] in _TYPE_WORDS - _TAGS) else tokens


def _name_index(tokens: list[str]) -> int | None:
    for index in range(len(tokens) - 2):
        if tokens[index] == "(" and tokens[index + 1] == "*":
            inner = index + 2
            while inner < len(tokens) and (tokens[inner] == "*" or tokens[inner] in _TYPE_WORDS):
                inner += 1
            named = inner < len(tokens) and _NAME.match(tokens[inner])
            return inner if named else None
    end = tokens.index("[") if "[" in tokens else len(tokens)
    last = end - 1
    if last <= 0 or not _NAME.match(tokens[last]) or tokens[last] in _TYPE_WORDS:
        return None
    return None if tokens[last - 1] in _TAGS else last

"""Classes of guards that a file defines: what is done where one is taken, and where it is given back.

They become macros that are named after how they are used: ``guard(class)`` and
``release(class)``, and one named as the class itself, which leads to both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kicklint.base import Span
from kicklint.syntax.arguments import split_arguments
from kicklint.syntax.dialect import ClassForm, Dialect
from kicklint.syntax.expansion import substitute
from kicklint.syntax.header import parameter_of
from kicklint.syntax.model import Macro
from kicklint.syntax.scan import Lines, Scan, closing, fold, occurrences, skip_space

_TOKEN = re.compile(r"[A-Za-z_]\w*|\S", re.A)
_LONGEST = 2048


def taken(kind: str) -> str:
    """The name of the macro for where something of the class ``kind`` is taken."""
    return f"guard({kind})"


def released(kind: str) -> str:
    """The name of the macro for where it is given back."""
    return f"release({kind})"


def ended(name: str) -> str:
    """``name`` in words, where it is the macro for where something is given back: nobody has written that."""
    kind = name.removeprefix("release(")
    return f"the end of {taken(kind[:-1])}" if kind != name and name.endswith(")") else name


def class_macros(
    path: str, scanned: Scan, macros: tuple[Macro, ...], dialect: Dialect, lines: Lines
) -> Iterator[Macro]:
    """The macros of all classes that the file defines, by itself or by a macro of its own."""
    forms = dialect.guards.classes
    words = [word for word in forms if word in scanned.masked]
    if not words:
        return
    for word in words:
        for arguments, span in _calls(path, scanned.code, scanned.clean, word, lines):
            yield from _macros_of(forms[word], arguments, dialect, span)
    for macro in macros:
        inside = [word for word in words if macro.parameters is not None and word in macro.body]
        for arguments, span in _calls(path, scanned.code, scanned.clean, macro.name, lines) if inside else ():
            text = substitute(macro, arguments) or ""
            for word in inside:
                for handed, _ in _calls(path, text, text, word, None):
                    yield from _macros_of(forms[word], handed, dialect, span)


def _calls(
    path: str, code: str, clean: str, word: str, lines: Lines | None
) -> Iterator[tuple[list[str], Span]]:
    """The arguments of each call of ``word``, and where it stands; with ``lines`` it has to begin one."""
    for start in occurrences(code, word):
        opening = skip_space(code, start + len(word))
        before = code[code.rfind("\n", 0, start) + 1 : start] if lines is not None else ""
        if before.strip() or code[opening : opening + 1] != "(":
            continue
        close = closing(code, opening, _LONGEST)
        if close < 0:
            continue
        arguments = [fold(clean[begin:end]) for begin, end, _ in split_arguments(code, opening, close)]
        line, column = lines.place(start) if lines is not None else (1, 1)
        yield arguments, Span(path, line, column, line, column + len(word))


def _macros_of(form: ClassForm, arguments: list[str], dialect: Dialect, span: Span) -> Iterator[Macro]:
    held = dialect.guards.held
    if len(arguments) <= max(form.given, form.taken or 0) or not arguments[0].isidentifier():
        return
    kind = arguments[0]
    given = _plain(arguments[form.given], form, held)
    body = given
    if form.taken is not None:
        parameters: tuple[str, ...] = (held,) if form.handed else ()
        take = _plain(arguments[form.taken], form, held)
        if form.parameters is not None:
            declared = [parameter_of(_TOKEN.findall(each)).name for each in arguments[form.parameters :]]
            names = [each for each in declared if each]
            # They are a function's parameters: a member of the same name is none of them.
            parameters = tuple(f"__handed_{each}" for each in names)
            for each in names:
                take = re.sub(rf"(?<![\w.])(?<!->)\b{re.escape(each)}\b", f"__handed_{each}", take)
        yield Macro(taken(kind), parameters, False, take, span)
        body = f"{take}; {given}"
    yield Macro(released(kind), (held,), False, given, span)
    yield Macro(kind, (held,), False, body, span)


def _plain(text: str, form: ClassForm, held: str) -> str:
    """``text`` with what is handed over in the place of the member that it is kept in."""
    return re.sub(rf"\b{held}\s*->\s*{form.member}\b", held, text) if form.member else text

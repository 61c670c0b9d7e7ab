"""The second try for a body that did not parse: rewriting that is too blunt for every body."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from kicklint.syntax.arguments import unexpressive
from kicklint.syntax.dialect import Dialect
from kicklint.syntax.notes import restored
from kicklint.syntax.rewrite import KEYWORDS, Rewriting, begins_statement, room
from kicklint.syntax.scan import HELD_NEWLINE, fold, mask, restore, skip_space

_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(", re.A)
_ASSEMBLY = re.compile(r"\b([A-Za-z_]\w*)((?:\s+(?:volatile|inline|goto)\b)*)\s*\(", re.A)
_OFFSET = re.compile(r",\s*[A-Za-z_]\w*(\s*[.\[][^,]*)\)\Z", re.A)
_NUMBER_LIKE = re.compile(r"(?<![\w.])\d\w*", re.A)
_NUMBER = re.compile(
    r"(?:0[xX][0-9a-fA-F]+|0[bB][01]+|\d+(?:[eE]\d*)?)(?:[uUlLfF]|wb)*\Z",
)
_STATIC_MACRO = re.compile(r"\bstatic(?=\s+[A-Z]\w*\s*\()", re.A)
_ALIGNMENT = re.compile(r"\b_*alignof_*(?=\s*\([^()]*(?:->|\.))", re.I | re.A)
# The spellings that the parser knows, and what a wrapper is called that may go to labels.
_KNOWN_ASSEMBLY = frozenset({"asm", "__asm__", "__asm", "asm_safe"})
_HIDDEN_GOTO = re.compile(r"_goto(?:_|$)")
_TEMPLATE_END = re.compile(r"[()\[\]:]")
_DECLARED = re.compile(r"[A-Za-z_]\w*\s*\Z", re.A)
_STORAGE = re.compile(r"\b(?:(?:static|const)\s+)+\Z", re.A)
_LONGEST_STORAGE = 80
_SHORTEST_HEAD = len("if")
# What a macro's call on the same line heads: a statement with a keyword, or a call.
_FOLLOWING = re.compile(r"(?:if|for|while|do|switch|return|goto|break|continue)\b|[A-Za-z_]\w*\s*\(", re.A)


def repair(
    text: str, before: Mapping[int, str], dialect: Dialect, *, assembly: bool
) -> tuple[str, Mapping[int, str]]:
    """Rewrite what the first try could not read of a body, and say what stood where (by offset).

    ``before`` says that of what was rewritten before.

    With ``assembly`` all that an asm statement holds goes; without it only its
    template does, and its operands stay for whoever wants to know what it writes.
    """
    masked, strings = mask(text)
    rewriting = Rewriting(masked, dialect)
    _assembly(rewriting, whole=assembly)
    for step in _STEPS:
        step(rewriting)
    replaced = {start: fold(restored(text, before, start, end)) for start, end in rewriting.texts.items()}
    result = restore(rewriting.result(), text, strings).replace(HELD_NEWLINE, "\n")
    return result, {**before, **rewriting.notes, **replaced}


def _assembly(rewriting: Rewriting, *, whole: bool) -> None:
    text, known = rewriting.text, rewriting.dialect.assembly
    for match in _ASSEMBLY.finditer(text):
        if match.group(1) not in known:
            continue
        opening = match.end() - 1
        close = rewriting.closing(opening)
        if close < 0:
            continue
        if not match.group(2) and _DECLARED.search(text[max(0, match.start() - 80) : match.start()]):
            # register long a0 asm("a0") = 1;
            rewriting.put(match.start(), close + 1)
            continue
        spelled = "asm goto" if _HIDDEN_GOTO.search(match.group(1)) else "asm"
        if match.group(1) not in _KNOWN_ASSEMBLY and len(match.group(1)) >= len(spelled):
            rewriting.put(match.start(), match.end(1), spelled)
        begin = skip_space(text, opening + 1)
        end = close if whole else _template_end(text, opening, close)
        if begin + len('""') <= end:
            rewriting.put(begin, end, '""')


def _template_end(text: str, opening: int, close: int) -> int:
    depth = 0
    for match in _TEMPLATE_END.finditer(text, opening, close):
        token = match.group()
        if token == ":" and depth == 1:
            return match.start()
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token, 0)
    return close


def _calls(rewriting: Rewriting) -> None:
    """Macros that head a block or end without a semicolon, and designators of offsetof."""
    text = rewriting.text
    for match in _CALL.finditer(text):
        word, opening = match.group(1), match.end() - 1
        if word in KEYWORDS or word in rewriting.dialect.assembly:
            continue
        close = rewriting.closing(opening)
        if close < 0:
            continue
        if word in rewriting.dialect.type_operators:
            designator = _OFFSET.search(text[opening : close + 1])
            if designator:
                rewriting.put(opening + designator.start(1), opening + designator.end(1))
            continue
        storage = _STORAGE.search(text[max(0, match.start() - _LONGEST_STORAGE) : match.start()])
        if begins_statement(text, match.start() - (len(storage.group()) if storage else 0)):
            _statement(rewriting, match.start(), word, opening, close)


def _statement(rewriting: Rewriting, start: int, word: str, opening: int, close: int) -> None:
    """A macro's call at the beginning of a statement that C does not know as one."""
    text = rewriting.text
    following = skip_space(text, close + 1)
    after = text[following : following + 1]
    gap = text[close + 1 : following]
    if after == "{":
        headed = True
    elif after == "=" and text[skip_space(text, following + 1) :][:1] == "{":
        rewriting.declare(start, opening, close)
        return
    elif not (after.isalpha() or after in ("_", "}")):
        return
    elif "\n" in gap:
        # What stands further in belongs to the macro.
        headed = after != "}" and _column(text, following) > _column(text, start)
    else:
        headed = _FOLLOWING.match(text, following) is not None
        if not headed:
            return
    if headed:
        if len(word) >= _SHORTEST_HEAD:
            rewriting.head(start, word, opening, close)
        return
    place = room(text, close + 1, following)
    if place is not None:
        rewriting.put(place, place + 1, ";")


def _column(text: str, offset: int) -> int:
    """How far from the margin ``offset`` stands."""
    line = text.rfind("\n", 0, offset) + 1
    return len(text[line:offset].expandtabs())


def _arguments(rewriting: Rewriting) -> None:
    """Arguments of macros that are no expressions: operators, statements, nothing at all."""
    text = rewriting.text
    last = 0
    for match in _CALL.finditer(text):
        word, opening = match.group(1), match.end() - 1
        if opening < last or word in KEYWORDS or word in rewriting.dialect.assembly:
            continue
        close = rewriting.closing(opening)
        if close >= 0:
            for start, end in unexpressive(text, opening, close):
                rewriting.stand_in(start, end)
                last = end


def _numbers(rewriting: Rewriting) -> None:
    """Macro arguments that begin with a digit and are no number (they are pasted to a name)."""
    for match in _NUMBER_LIKE.finditer(rewriting.text):
        if not _NUMBER.match(match.group()):
            rewriting.put(match.start(), match.start() + 1, "_")


def _static_macros(rewriting: Rewriting) -> None:
    for match in _STATIC_MACRO.finditer(rewriting.text):
        rewriting.put(match.start(), match.end())


def _alignment(rewriting: Rewriting) -> None:
    """alignof of an expression: a name that the parser takes for a call."""
    for match in _ALIGNMENT.finditer(rewriting.text):
        rewriting.put(match.start(), match.start() + 1, "x")


_STEPS: tuple[Callable[[Rewriting], None], ...] = (
    _calls,
    _arguments,
    _numbers,
    _static_macros,
    _alignment,
)

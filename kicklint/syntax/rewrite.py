"""Length-preserving rewriting of kernel C into C that the parser knows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kicklint.syntax.arguments import split_arguments, unexpressive
from kicklint.syntax.dialect import Dialect, Role
from kicklint.syntax.notes import LABEL, NOTHING
from kicklint.syntax.scan import blank, closing, occurrences, skip_space

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.A)
# A name, and none that was made of a type.
_NAME = re.compile(r"(?!(?:struct|union|enum)_)[A-Za-z_]\w*", re.A)
_LAST_WORD = re.compile(r"[A-Za-z_]\w*\Z", re.A)
_CASE_RANGE = re.compile(r"\.\.\.|[;{}:]")
_COLON_BEFORE_BRACE = re.compile(r":\s*\}")
_LABEL = re.compile(r"[;{}:\n]\s*([A-Za-z_]\w*)\s*\Z", re.A)
_KEYWORD_TYPE = r"(?:(?:unsigned|signed|long|short|int|char|void|float|double|_Bool)\b\s*)+"
_TYPE_ARGUMENT = re.compile(
    r"[(,](\s*)((?:(?:const|volatile)\s+)*"
    rf"(?:(?:struct|union|enum)\s+\w+|{_KEYWORD_TYPE}|[A-Za-z_]\w*(?=\s*\*\s*[*,)]))"
    r"[\s*]*)(?=[,)])",
    re.A,
)
KEYWORDS = frozenset(
    {"if", "while", "for", "switch", "return", "case", "sizeof", "else", "do", "goto", "typeof", "defined"}
)
_LONGEST_LABEL = 120
# What a name begins with that would be a keyword to the parser.
_PLAIN = "k"
_MOST_UNCLOSED = 100
_OPERATOR = re.compile(r"[;,)=+*/&|<>.?:\]\[-]")


@dataclass(slots=True)
class Rewriting:
    """A text while it is rewritten. ``notes`` says by offset what stood where another word stands."""

    text: str
    dialect: Dialect
    notes: dict[int, str] = field(default_factory=dict)
    texts: dict[int, int] = field(default_factory=dict)
    """Where a name stands in place of other text, and where that ends."""
    _edits: list[tuple[int, str]] = field(default_factory=list)
    _unclosed: int = 0

    def result(self) -> str:
        """The text with every edit applied. Of edits that overlap the first in the text wins."""
        pieces: list[str] = []
        last = 0
        for start, replacement in sorted(self._edits, key=lambda edit: edit[0]):
            if start < last:
                continue
            pieces += self.text[last:start], replacement
            last = start + len(replacement)
        pieces.append(self.text[last:])
        return "".join(pieces)

    def put(self, start: int, end: int, replacement: str = "") -> None:
        """Write ``replacement`` over the text from ``start``, and blanks from there up to ``end``.

        No line end may stand where the replacement goes.
        """
        rest = blank(self.text[start + len(replacement) : end])
        self._edits.append((start, replacement + rest))

    def closing(self, opening: int) -> int:
        """The index of the parenthesis that closes the one at ``opening``, -1 when it is not near.

        After some that are not, no more are looked for: the text is no C.
        """
        if self._unclosed > _MOST_UNCLOSED:
            return -1
        end = closing(self.text, opening)
        if end < 0:
            self._unclosed += 1
        return end

    def words(self, start: int = 0, end: int | None = None) -> None:
        """Rewrite every word that the dialect knows."""
        text = self.text
        stop = len(text) if end is None else end
        for word, role in self.dialect.special(set(_IDENTIFIER.findall(text, start, stop))):
            for offset in occurrences(text, word, start, stop):
                self._word(role, word, offset)

    def _word(self, role: Role, word: str, start: int) -> None:
        after = start + len(word)
        if role is Role.ATTRIBUTE:
            self.put(start, after)
            return
        if role is Role.INLINE:
            self.put(start, after, "inline")
            return
        if role is Role.CASE:
            self._case(after)
            return
        if role is Role.NAME:
            self.put(start, after, _PLAIN + word[1:])
            return
        opening = skip_space(self.text, after)
        if self.text[opening : opening + 1] != "(":
            return
        end = self.closing(opening)
        if end < 0:
            return
        if role is Role.ATTRIBUTE_CALL:
            self.put(start, end + 1)
            if word in self.dialect.guards.cleanup:
                self.notes[start] = self.text[start : end + 1]
        elif role is Role.TYPEOF:
            self.put(opening, end + 1)
        elif role in (Role.LOOP, Role.GUARD) and self._heads_statement(start, end):
            self.head(start, word, opening, end)

    def _case(self, position: int) -> None:
        dots = _CASE_RANGE.search(self.text, position, position + 400)
        if dots and dots.group() == "...":
            self.put(dots.start(), dots.end(), "||")
            self.notes[dots.start()] = "..."

    def head(self, start: int, name: str, opening: int, end: int) -> None:
        """Make the macro call ``name(...)`` the head of a while statement, of an if if it is short."""
        word = "while" if len(name) >= len("while") else "if"
        self.notes[start] = name
        if skip_space(self.text, opening + 1) == end:
            self._bare_head(start, word, opening, end)
            return
        self.put(start, start + len(name), word)
        self.unexpressive(opening, end)

    def _bare_head(self, start: int, word: str, opening: int, end: int) -> None:
        """The same where nothing stands between the parentheses: C wants something there."""
        place = room(self.text, opening + 1, end)
        if place is not None:
            self.put(start, opening, word)
            self.put(place, place + 1, "1")
            self.notes[place] = NOTHING
            return
        word = word if len(word) + len("(1)") <= end + 1 - start else "if"
        if len(word) + len("(1)") <= end + 1 - start and "\n" not in self.text[start:end]:
            self.put(start, end + 1, f"{word}(1)")
            self.notes[start + len(word) + 1] = NOTHING

    def unexpressive(self, opening: int, end: int) -> None:
        """Put a name in the place of each argument of a call that is no expression."""
        for start, stop in unexpressive(self.text, opening, end):
            self.stand_in(start, stop)

    def stand_in(self, start: int, end: int) -> None:
        """Put a name in the place of the text between two offsets."""
        self.texts[start] = end
        self.put(start, end, "_" * len(self.text[start:end].split("\n", 1)[0]))

    def declare(self, start: int, opening: int, end: int) -> bool:
        """Make a macro call that an initialiser follows the declaration of what it names."""
        for begin, stop, _ in split_arguments(self.text, opening, end):
            name = _NAME.fullmatch(self.text[begin:stop].strip())
            if name is None:
                continue
            at = skip_space(self.text, begin)
            if at - start > len("int"):
                self.put(start, at, "int")
                self.put(at + len(name.group()), end + 1)
                return True
        return False

    def _heads_statement(self, start: int, end: int) -> bool:
        following = skip_space(self.text, end + 1)
        if _OPERATOR.match(self.text, following) and "\n" not in self.text[end:following]:
            return False
        if self.text[following : following + 1] in (";", ",", ")"):
            return False
        return begins_statement(self.text, start)

    def type_arguments(self, start: int, end: int) -> None:
        """Make one identifier of each type that is the argument of a macro call."""
        for match in _TYPE_ARGUMENT.finditer(self.text, start, end):
            opening = match.start()
            if self.text[opening] == "(" and not self._is_call(opening):
                continue
            self._join(match.start(2), match.end(2))

    def _is_call(self, opening: int) -> bool:
        before = self.text[max(0, opening - 80) : opening].rstrip()
        word = _LAST_WORD.search(before)
        if word is None:
            return False
        dialect = self.dialect
        return word.group() not in KEYWORDS | dialect.type_operators | dialect.typeof

    def _join(self, start: int, end: int) -> None:
        text = self.text[start:end]
        visible = text.rstrip()
        if "\n" in visible:
            first = visible.split("\n", 1)[0]
            joined = re.sub(r"\W", "_", first)
        else:
            joined = re.sub(r"\W", "_", visible)
        if joined == visible:
            joined = f"_{joined[1:]}"
        self.texts[start] = end
        self.put(start, end, joined)

    def labels(self, start: int, end: int) -> None:
        """Give a label that stands before a closing brace the statement that C wants."""
        for match in _COLON_BEFORE_BRACE.finditer(self.text, start, end):
            colon = match.start()
            begin = max(start, colon - _LONGEST_LABEL)
            label = _LABEL.search(self.text[begin:colon])
            if label is None or label.group(1) == "default":
                continue
            place = room(self.text, colon + 1, match.end() - 1)
            if place is not None:
                self.put(place, place + 1, ";")
            else:
                self.put(colon, colon + 1, ";")
                self.notes[begin + label.start(1)] = LABEL


def room(text: str, start: int, end: int) -> int | None:
    """Where between two offsets a space or a tab can give way to a character."""
    return next((index for index in range(start, end) if text[index] in " \t"), None)


def begins_statement(text: str, start: int) -> bool:
    """Whether a statement can begin at ``start``: what stands before it ends one, or heads one."""
    line = text.rfind("\n", 0, start) + 1
    while True:
        before = text[line:start].rstrip()
        if before and not before.lstrip().startswith("#"):
            break
        if line == 0:
            return True
        start = line
        line = text.rfind("\n", 0, line - 1) + 1
    if before[-1] in ";{}):":
        return True
    word = _LAST_WORD.search(before)
    return word is not None and word.group() in ("else", "do")

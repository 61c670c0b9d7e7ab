"""The words of a litmus test."""

from __future__ import annotations

import re

from kicklint.memory.errors import Declined

_WORDS = r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/%s)
      |(?P<string>"[^"]*")
      |(?P<number>0[xX][0-9a-fA-F]+|\d+)
      |(?P<name>[A-Za-z_]\w*)
      |(?P<mark>/\\|\\/|&&|\|\||[=!<>]=|<<|>>|[-+*/&|^~!<>=(){}\[\];:,.?])"""
# A thread is C, and has (*x) in it; what is around the threads has comments of OCaml.
_IN_THREAD = re.compile(_WORDS % "", re.DOTALL | re.VERBOSE)
_AROUND = re.compile(_WORDS % r"|\(\*.*?\*\)", re.DOTALL | re.VERBOSE)
_THREAD = re.compile(r"P\d+")


class Tokens:
    """The tokens of ``text`` from left to right, without comments."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        at, depth, inside = 0, 0, False
        while at < len(text):
            found = (_IN_THREAD if inside else _AROUND).match(text, at)
            if found is None:
                raise Declined(f"the character {text[at]!r}")
            at, kind, word = found.end(), found.lastgroup or "", found.group()
            if kind == "skip":
                continue
            self._tokens.append((kind, word))
            depth += {"{": 1, "}": -1}.get(word, 0)
            inside = depth > 0 or word != "}" if inside else _THREAD.fullmatch(word) is not None

    @property
    def next(self) -> str:
        """The token that comes next; "" at the end."""
        return self.ahead(0)

    @property
    def kind(self) -> str:
        """What it is: string, number, name or mark."""
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def ahead(self, distance: int) -> str:
        """The token ``distance`` behind the next one."""
        at = self._at + distance
        return self._tokens[at][1] if at < len(self._tokens) else ""

    def take(self) -> str:
        """The next token, which is used up."""
        if not self.next:
            raise Declined("a test that ends too early")
        self._at += 1
        return self._tokens[self._at - 1][1]

    def accept(self, text: str) -> bool:
        """Use up the next token if it is ``text``."""
        if self.next != text:
            return False
        self._at += 1
        return True

    def expect(self, text: str) -> None:
        """Use up ``text``. Raises Declined when something else comes."""
        if not self.accept(text):
            raise Declined(f"'{self.next}' where '{text}' should be")

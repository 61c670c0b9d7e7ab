"""The headers of an answer: a letter in, lines out as RFC 5322 and RFC 2047 have them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from email.header import Header
from email.utils import formataddr, getaddresses

from kicklint.base import Letter
from kicklint.render.plain import visible

WIDTH = 78


def headers(letter: Letter) -> Iterator[str]:
    """To its author, to everybody else who got it, and below it in the thread. From and Date are left
    to who sends it."""
    subject = letter.subject or "[PATCH]"
    if not subject.lower().startswith("re:"):
        subject = f"Re: {subject}"
    author = _addresses(letter.sender)
    others = _addresses(", ".join(each for each in (letter.to, letter.cc) if each), known=letter.sender)
    if author:
        yield from _listed("To", author)
    if others:
        yield from _listed("Cc", others)
    yield from _words("Subject", visible(subject))
    if letter.message_id:
        yield f"In-Reply-To: {visible(letter.message_id)}"
        chain = dict.fromkeys([*letter.references.split(), letter.message_id])
        yield from _words("References", visible(" ".join(chain)))
    yield "MIME-Version: 1.0"
    yield "Content-Type: text/plain; charset=utf-8"
    yield "Content-Transfer-Encoding: 8bit"


def _addresses(text: str, known: str = "") -> list[str]:
    """The addresses in ``text``, each once, without those in ``known``."""
    left = {address.lower() for _, address in getaddresses([visible(known)])}
    found: dict[str, str] = {}
    for name, address in getaddresses([visible(text)]):
        if "@" in address and address.isascii() and address.lower() not in left:
            found.setdefault(address.lower(), formataddr((name, address)))
    return list(found.values())


def _listed(name: str, values: list[str]) -> Iterator[str]:
    """One header with a list, broken behind commas."""
    line = f"{name}:"
    for number, each in enumerate(values):
        word = each + "," * (number < len(values) - 1)
        if len(line) + 1 + len(word) > WIDTH and line != f"{name}:":
            yield line
            line = ""
        line += f" {word}"
    yield line


def _words(name: str, value: str) -> list[str]:
    """One header, broken between words; encoded where it is more than ASCII."""
    if not value.isascii():
        text = Header(value, "utf-8", maxlinelen=WIDTH - 2, header_name=name).encode()
        return f"{name}: {text}".split("\n")
    return textwrap.wrap(
        f"{name}: {value}", WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False
    )

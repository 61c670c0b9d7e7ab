"""The text of a mail: which of its parts hold the diff, and in which reading.

The declared encoding is a hint. b4 hands over a decoded body under the old header, lists add
footers in another encoding, and character sets are missing or wrong; so every reading that is
possible is offered, the declared one first, and the reader of diffs takes the one that adds up.
"""

from __future__ import annotations

import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from email.message import Message

from kicklint.base import SourceError

_MOST_PARTS = 200
_DEEPEST = 20
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]{1,1000}={0,2}[ \t\r]*")
_QUOTED = re.compile(rb"=(?:[0-9A-Fa-f]{2}|[ \t]*\r?$)", re.MULTILINE)
_HTML = "text/html"
_PATCHES = ("application/octet-stream", "application/x-patch", "application/x-diff", "application/mbox")
_SUFFIXES = (".patch", ".diff", ".mbox", ".eml", ".txt")
_DIFF = re.compile(rb"diff --git |@@ -[0-9]+")
_SIGNED = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----$", re.MULTILINE)
# What a mail may say it is written in. Others, among them codecs that unpack or
# that take more than linear time, are not asked.
_CHARSETS = re.compile(
    r"(?:utf-8|utf-16(?:-[bl]e)?|ascii|iso8859-\d+|cp125\d|cp437|cp850|cp866|koi8-[rut]|gb2312|gbk|gb18030|big5"
    r"|euc_(?:jp|kr)|shift_jis|iso2022_jp|mac-roman|tis-620)"
)


def readings(message: Message) -> Iterator[list[str]]:
    """For every text part of ``message`` the texts that it may be, the likeliest first.

    Raises SourceError for a message that is nested too deep or has too many parts.
    """
    for part in _texts(message):
        encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
        found = [_decoded(each, part) for each in _unpacked(_bytes(part), encoding)]
        if _flowed(part):
            found = [_unflowed(each, part) for each in found] + found
        if _SIGNED.search(found[0]):  # RFC 4880, 7.1: dashes at the beginning of lines are escaped
            found = [re.sub(r"^- ", "", each, flags=re.MULTILINE) for each in found] + found
        yield list(dict.fromkeys(each.replace("\r\n", "\n") for each in found))


def _texts(message: Message) -> Iterator[Message]:
    count = 0
    stack: list[tuple[Message, int]] = [(message, 0)]
    while stack:
        part, depth = stack.pop()
        count += 1
        if count > _MOST_PARTS or depth > _DEEPEST:
            raise SourceError("the mail has too many parts inside of each other")
        payload = part.get_payload()
        if isinstance(payload, list):
            kind = part.get_content_type()
            if kind == "message/rfc822" and depth:
                continue  # a forwarded mail is no part of what this one says
            stack += [(each, depth + 1) for each in reversed(payload) if isinstance(each, Message)]
        elif _is_text(part):
            yield part


def _is_text(part: Message) -> bool:
    kind = part.get_content_type()
    if kind.startswith("application/"):
        return kind in _PATCHES or (part.get_filename() or "").lower().endswith(_SUFFIXES)
    return kind.startswith("text/") and kind not in (_HTML, "text/calendar", "text/enriched")


def forwarded(message: Message) -> list[Message]:
    """The mails that ``message`` has as its parts, as one that is forwarded whole or a digest."""
    payload = message.get_payload()
    parts = payload if isinstance(payload, list) else []
    found = [each for each in parts if isinstance(each, Message)]
    return [
        inner
        for each in found
        if each.get_content_type() == "message/rfc822" and isinstance(content := each.get_payload(), list)
        for inner in content[:1]
        if isinstance(inner, Message)
    ]


def only_as_html(message: Message) -> bool:
    """Whether a part in HTML seems to hold a diff."""
    return any(
        _DIFF.search(text) is not None
        for part in message.walk()
        if part.get_content_type() == _HTML and isinstance(text := part.get_payload(decode=True), bytes)
    )


def _bytes(part: Message) -> bytes:
    """The body as it was sent: the parser decodes nothing that says nothing of its encoding."""
    del part["Content-Transfer-Encoding"]
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _unpacked(raw: bytes, encoding: str) -> list[bytes]:
    """``raw`` by the transfer ``encoding`` that is declared, and as it is; the likelier first."""
    if encoding == "quoted-printable":
        honest = all(_QUOTED.match(raw, place.start()) for place in re.finditer(rb"=", raw))
        unpacked = quopri.decodestring(raw)
        return [unpacked, raw] if honest else [raw, unpacked]
    if encoding == "base64":
        unpacked = _base64(raw)
        return [unpacked, raw] if unpacked else [raw]
    if encoding in ("uuencode", "x-uuencode", "uue", "x-uue", "x-gzip", "gzip"):
        raise SourceError(f"the transfer encoding {encoding} is not read")
    return [raw]


def _base64(raw: bytes) -> bytes:
    """What the lines up to the first that is no base64 hold; a list may have put a footer behind them."""
    lines = []
    for line in raw.strip().split(b"\n"):
        if not _BASE64_LINE.fullmatch(line.strip() or b"="):
            break
        lines.append(line.strip())
    text = b"".join(lines)
    try:
        return binascii.a2b_base64(text[: len(text) // 4 * 4])
    except binascii.Error:
        return b""


def _decoded(raw: bytes, part: Message) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace")
    return decode(raw.removeprefix(codecs.BOM_UTF8), str(part.get_param("charset") or ""))


def decode(raw: bytes, charset: str) -> str:
    """``raw`` as ``charset`` says when that can be, else as UTF-8, else as Latin-1."""
    for name in (charset, "utf-8"):
        known = _known(name)
        if known:
            try:
                return raw.decode(known)
            except (UnicodeDecodeError, LookupError):
                continue
    return raw.decode("latin-1")


def _known(charset: str) -> str:
    try:
        name = codecs.lookup(charset.strip().strip("'\"")[:40]).name
    except (LookupError, ValueError):
        return ""
    return name if _CHARSETS.fullmatch(name) else ""


def _flowed(part: Message) -> bool:
    return str(part.get_param("format") or "").lower() == "flowed"


def _unflowed(text: str, part: Message) -> str:
    """RFC 3676: soft line breaks joined, stuffed spaces taken out."""
    delete = str(part.get_param("delsp") or "").lower() == "yes"
    out: list[str] = []
    joined, depth_before = "", -1
    for line in text.replace("\r\n", "\n").split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        body = line[depth:].removeprefix(" ")
        soft = body.endswith(" ") and body != "-- "
        if depth_before == depth:
            body = joined + body
        elif depth_before >= 0:
            out.append(">" * depth_before + (" " if depth_before else "") + joined)
        if soft:
            joined, depth_before = (body[:-1] if delete else body), depth
        else:
            out.append(">" * depth + (" " if depth else "") + body)
            joined, depth_before = "", -1
    if depth_before >= 0:
        out.append(joined)
    return "\n".join(out)

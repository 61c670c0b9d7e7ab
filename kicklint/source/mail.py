"""One mail, or one bare diff: bytes in, a patch out."""

from __future__ import annotations

import codecs
import email
import email.errors
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header, decode_header
from email.message import Message

from kicklint.base import FileChange, Letter, Patch, SourceError
from kicklint.source.diff_lines import Reading, scan
from kicklint.source.diff_read import MOST_LINES, read_diff
from kicklint.source.mail_text import decode, forwarded, only_as_html, readings
from kicklint.source.quoting import rejoined, unquoted

MOST_BYTES = 32 * 1024 * 1024
"""The largest mail that is read; the largest on the lists are near to one megabyte."""
_LONGEST_HEADER = 16_384
# A mail begins with headers, one of them at least of these; a page of an archive with its title.
_HEADER = re.compile(
    rb"(?:From [^\n]*\n)?(?:[A-Za-z0-9-]{1,80}:[^\n]*\n(?:[ \t][^\n]*\n)*){0,200}?"
    rb"(?i:from|subject|message-id|date|received|return-path|mime-version|content-type|to|delivered-to):"
)
_TAGS = re.compile(r"\[([^\]]{1,200})\]")
_NUMBER = re.compile(r"\b(\d{1,4})\s*/\s*(\d{1,4})\b")
_VERSION = re.compile(r"(?<![A-Za-z0-9])v(\d{1,3})(?![A-Za-z0-9])", re.IGNORECASE)
_BASE = re.compile(r"^base-commit: ([0-9a-f]{7,64})\s*$", re.MULTILINE)
_COMBINED = re.compile(r"^diff --(?:cc|combined) ", re.MULTILINE)
_CONTEXT = re.compile(r"^\*{15}[^\n]*\n\*\*\* \d", re.MULTILINE)
# What git puts into a cover letter about the version before, as a diff at the left margin.
_AGAINST = re.compile(r"^(?:[>|][ \t]?)*(?:Interdiff|Range-diff)\b[^\n]*:[ \t]*$", re.MULTILINE)
_COLOUR = re.compile(rb"\x1b\[[0-9;]{0,20}[mK]")
_DEEPEST = 4
_SHOWN_COMMIT = re.compile(r"commit ([0-9a-f]{7,64})")


def read_mail(data: bytes, place: str) -> Patch:
    """The patch that ``data`` holds; without files if there is none, with trouble if it cannot be read."""
    try:
        return _read(data, place)
    except SourceError as error:
        return Patch(_letter_of(data, place), trouble=str(error))
    except (RecursionError, email.errors.MessageError, ValueError, LookupError) as error:
        return Patch(
            Letter(place), trouble=f"the mail cannot be read ({type(error).__name__}: {_short(error)})"
        )


def _short(error: Exception) -> str:
    return ascii(str(error))[1:-1][:120]


def _letter_of(data: bytes, place: str) -> Letter:
    """The headers of a mail whose body is not to be read."""
    head = data[: 2 * _LONGEST_HEADER].split(b"\n\n", 1)[0]
    return _letter(email.message_from_bytes(head + b"\n\n"), "", place)


def _read(data: bytes, place: str) -> Patch:
    if len(data) > MOST_BYTES:
        raise SourceError(f"{len(data)} bytes, more than the {MOST_BYTES} that are read of one mail")
    if (count := data.count(b"\n")) > MOST_LINES:
        raise SourceError(f"{count} lines, more than the {MOST_LINES} that are read of one mail")
    if b"\0" in data:
        raise SourceError("holds a NUL byte, so it is no mail and no patch")
    data = _COLOUR.sub(b"", data.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n"))
    if not _HEADER.match(data[:_LONGEST_HEADER].replace(b"\r\n", b"\n")):
        text = decode(data, "").replace("\r\n", "\n")
        patch = _best([[text]], _bare_letter(text, place))
        if not patch.files:
            _refuse(text)
        return patch
    # The mbox line in front is no header.
    return _of_message(email.message_from_bytes(re.sub(rb"\AFrom [^\n]*\n", b"", data, count=1)), place, 0)


def _of_message(message: Message, place: str, depth: int) -> Patch:
    """The patch in ``message``, or in the one mail that it forwards."""
    texts = list(readings(message))
    whole = "\n".join(each[0] for each in texts if each)
    letter = _letter(message, whole, place)
    if letter.total and not letter.number:
        texts = [[_AGAINST.split(each, maxsplit=1)[0] for each in variants] for variants in texts]
    patch = _best(texts, letter)
    if patch.files:
        return patch
    inner = forwarded(message)
    if len(inner) == 1 and depth < _DEEPEST:
        found = _of_message(inner[0], place, depth + 1)
        return found if found.files else patch
    if only_as_html(message):
        raise SourceError("the patch is in HTML, which is not read; ask for plain text")
    _refuse(whole)
    return patch


def _refuse(text: str) -> None:
    """Raise SourceError for a ``text`` that holds a patch of a kind that is not read."""
    if _COMBINED.search(text):
        raise SourceError("the combined diff of a merge is not read; review the commits that it merges")
    if _CONTEXT.search(text):
        raise SourceError("a context diff is not read; ask for a unified one")


def _best(texts: Sequence[Sequence[str]], letter: Letter) -> Patch:
    """The reading with the most whole hunks; of each part one, and the diffs of all parts together."""
    diff: list[str] = []
    files: list[FileChange] = []
    quoted = loose = False
    for variants in texts:
        options = [option for text in variants for option in _options(text.split("\n"))]
        if not options:
            continue
        best = max(options, key=lambda each: each.worth)
        if quoted and not best.quoted:
            diff, files = [], []
        offset = len(diff)
        read = read_diff([*([None] * offset), *best.lines], best.reading)
        if read and not (best.quoted and files and not quoted):
            files += read
            diff += [line or "" for line in best.lines]
            quoted, loose = best.quoted, loose or best.reading is not Reading.STRICT
    loose = loose or _without_tabs(files)
    return Patch(letter, tuple(diff) if files else (), tuple(files), quoted, loose)


def _without_tabs(files: Sequence[FileChange]) -> bool:
    """Whether a mail program has made spaces of the tabs, which kernel code is indented by."""
    texts = [line.text for file in files for hunk in file.hunks for line in hunk.lines]
    return not any("\t" in each for each in texts) and any(each[:1] == " " for each in texts)


@dataclass(frozen=True, slots=True)
class _Option:
    """One way to read a text, and how much of a diff it gives."""

    lines: list[str | None]
    quoted: bool
    reading: Reading
    whole: int
    hunks: int
    held: int
    heads: int

    @property
    def worth(self) -> tuple[int, int, bool]:
        """The more the better: whole hunks, then lines of hunks, then white space that was kept."""
        return (self.whole, self.held, self.reading is not Reading.LOOSE)


def _options(lines: Sequence[str]) -> list[_Option]:
    """Ways to read ``lines`` that give a diff. One at the left margin is the mail's own, even where
    one is quoted too."""
    if len(lines) > MOST_LINES:
        raise SourceError(f"{len(lines)} lines, more than the {MOST_LINES} that are read of one mail")
    for quoted in (False, True):
        text: list[str | None] = unquoted(lines) if quoted else list(lines)
        first = _option(text, quoted, Reading.STRICT)
        if not (first.hunks or first.heads):
            continue
        mended = unquoted(rejoined(lines)) if quoted else text
        again = _option(mended, quoted, Reading.STRICT) if mended != text else first
        joined = _option(mended, quoted, Reading.JOINED) if again.whole < again.hunks else again
        if joined.whole == joined.hunks:  # only then is it sure what was broken
            return [joined]
        return [first, _option(text, quoted, Reading.LOOSE)] if first.whole < first.hunks else [first]
    return []


def _option(text: list[str | None], quoted: bool, reading: Reading) -> _Option:
    raw = scan(text, reading)
    hunks = [hunk for file in raw for hunk in file.hunks]
    return _Option(
        text,
        quoted,
        reading,
        whole=sum(hunk.left == (0, 0) for hunk in hunks),
        hunks=len(hunks),
        held=sum(len(hunk.lines) for hunk in hunks),
        heads=sum(bool(file.head) for file in raw),
    )


def _letter(message: Message, text: str, place: str) -> Letter:
    subject = header(message, "Subject")
    number, total, version = numbering(subject)
    base = _BASE.search(text)
    author = re.match(r"From: ([^\n]{1,300})\n", text.lstrip("\n"))
    return Letter(
        place,
        subject,
        header(message, "From") or (author[1] if author else ""),
        header(message, "To"),
        header(message, "Cc"),
        header(message, "Date"),
        header(message, "Message-ID"),
        header(message, "References") or header(message, "In-Reply-To"),
        number,
        total,
        version,
        base[1] if base else "",
    )


def _bare_letter(text: str, place: str) -> Letter:
    """What git show, an archive's page or a bare diff says of itself."""
    head = text[:_LONGEST_HEADER]
    first = next((line for line in head.split("\n") if line.strip()), "")
    sender = re.search(r"^(?:From|Author): *([^\n]{1,300})$", head, re.MULTILINE)
    date = re.search(r"^Date: *([^\n]{1,100})$", head, re.MULTILINE)
    if _SHOWN_COMMIT.match(first):
        body = re.search(r"\n\n {4}(\S[^\n]*)", head)
        subject = body[1] if body else first
    else:
        subject = "" if first.startswith(("diff ", "--- ", "Index: ")) else first[:300]
    base = _BASE.search(text)
    number, total, version = numbering(subject)
    return Letter(
        place,
        subject,
        sender[1] if sender else "",
        date=date[1] if date else "",
        number=number,
        total=total,
        version=version,
        base_commit=base[1] if base else "",
    )


def header(message: Message, name: str) -> str:
    """The header ``name``, decoded and on one line; "" when there is none."""
    raw = message.get(name)
    if raw is None:
        return ""
    text = str(raw)[:_LONGEST_HEADER]
    try:
        # What is no ASCII, without saying in which encoding, comes as a Header.
        parts = decode_header(raw if isinstance(raw, Header) else text)
    except (ValueError, email.errors.MessageError):
        parts = [(text, None)]
    words = [part if isinstance(part, str) else decode(part, str(charset or "")) for part, charset in parts]
    return " ".join("".join(words).split())


def numbering(subject: str) -> tuple[int, int, int]:
    """Number, total and version by the brackets of ``subject``: ``[RFC PATCH v2 3/7]`` is (3, 7, 2)."""
    tags = " ".join(match[1] for match in _TAGS.finditer(subject[:1000]))
    number = _NUMBER.search(tags)
    version = _VERSION.search(tags)
    return (
        int(number[1]) if number else 0,
        int(number[2]) if number else 0,
        int(version[1]) if version else 1,
    )

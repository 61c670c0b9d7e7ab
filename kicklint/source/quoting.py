"""A diff that a reply quotes, out of its quotation marks."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Programs break lines at 72 columns or more, at the last space before that.
_BROKEN_AT = 64
_LONGEST = 400
_CODE = (",", ";", "{", "}", "(", ")", "&", "|", "*/")
_MARKS = re.compile(r"(?:[>|][ \t]?){0,12}")
_MARK = re.compile(r"(?P<quote>(?:[>|][ \t]?){1,12})(?:diff --git |@@ -\d|--- [ab]/)")


def unquoted(lines: Sequence[str]) -> list[str | None]:
    """The lines quoted as deep as the diff is, without their marks; None where others stand between.

    One mail program sets a space between marks and another none, in one mail even. Empty when no
    diff is quoted.
    """
    quote = next((match["quote"] for line in lines if (match := _MARK.match(line))), "")
    if not quote:
        return []
    depth = sum(each in ">|" for each in quote)
    marks = re.compile(rf"(?:[>|][ \t]?){{{depth - 1}}}[>|](?P<rest>.*)", re.DOTALL)
    spaced = quote[-1:].isspace()
    found: list[str | None] = []
    for line in lines:
        match = marks.match(line)
        rest = match["rest"] if match is not None else ""
        if match is not None and (not spaced or not rest.strip() or rest[:1] == quote[-1]):
            found.append(rest[spaced:] if rest.strip() or not spaced else "")
        elif not found or found[-1] is not None:
            found.append(None)
        else:
            continue
    return found


def rejoined(lines: Sequence[str]) -> list[str]:
    """``lines`` with those joined again that marks in front made too long for a mail program.

    What was broken off stands without a mark between two lines that have one, and ends as code does; so
    do few comments.
    """
    found: list[str] = []
    for number, line in enumerate(lines):
        last = found[-1] if found else ""
        after = lines[number + 1] if number + 1 < len(lines) else ""
        bare = line.lstrip("> |")
        words = bare.split(maxsplit=1)
        if (
            words
            and len(last) <= _LONGEST
            and line.rstrip().endswith(_CODE)
            and _depth(line) < min(_depth(last), _depth(after))
            and len(last.expandtabs(8)) + 1 + len(words[0]) >= _BROKEN_AT
        ):
            found[-1] = f"{last.rstrip(' ')} {bare}"
        else:
            found.append(line)
    return found


def _depth(line: str) -> int:
    match = _MARKS.match(line)
    return sum(each in ">|" for each in match[0]) if match is not None else 0

"""A diff that a reply quotes, out of its quotation marks."""

from __future__ import annotations

import re
from collections.abc import Sequence

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

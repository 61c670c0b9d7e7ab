"""A diff that a reply quotes, out of its quotation marks."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARK = re.compile(r"(?P<quote>(?:[>|][ \t]?){1,12})(?:diff --git |@@ -\d|--- [ab]/)")


def unquoted(lines: Sequence[str]) -> list[str | None]:
    """The lines quoted as deep as the diff is, without their marks; None where others stand between.

    Empty when no diff is quoted.
    """
    quote = next((match["quote"] for line in lines if (match := _MARK.match(line))), "")
    if not quote:
        return []
    bare = quote.rstrip()
    found: list[str | None] = []
    for line in lines:
        if line.startswith(quote):
            found.append(line[len(quote) :])
        elif line.rstrip() == bare:
            found.append("")
        elif not found or found[-1] is not None:
            found.append(None)
        else:
            continue
    return found

"""Comments in the source that allow a finding: ``/* kicklint: allow request-less-kick -- reason */``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MARK = b"kicklint:"
# What stands before each line of a comment of several.
_MARGIN = re.compile(r"\n[ \t]*\*")
# Names are whatever stands there: what is no rule is reported, and not passed over.
_ALLOW = re.compile(r"kicklint:\s*allow\b\s*(?P<names>.*?)\s*(?:--\s*(?P<reason>.*?)\s*)?$", re.DOTALL)
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """One comment: the rules that it names, its reason, and the lines whose findings it is about.

    ``line`` is where it begins. It is about the lines that it stands on, and, when nothing
    else stands there, about the line behind it.
    """

    path: str
    line: int
    names: tuple[str, ...]
    reason: str
    lines: range


def allowances(path: str, source: bytes) -> Iterator[Allowance]:
    """The comments of the file ``path`` that begin with ``kicklint: allow``, in order."""
    if _MARK not in source:
        return
    # It brings the parser, and hardly a tree has such comments.
    from kicklint.syntax import comments

    text = source.decode("latin-1")
    for start, end in comments(text):
        body = text[start:end].removeprefix("/*").removesuffix("*/").lstrip("/")
        found = _ALLOW.match(" ".join(_MARGIN.sub(" ", body).split()))
        if found is None:
            continue
        first = text.count("\n", 0, start) + 1
        last = first + text.count("\n", start, end)
        begin = text.rfind("\n", 0, start) + 1
        behind = text.find("\n", end)
        around = text[begin:start] + text[end : behind if behind >= 0 else len(text)]
        reach = last + 1 if around.strip() else last + 2
        named, reason = (
            (found[each] or "").encode("latin-1").decode("utf-8", "replace") for each in ("names", "reason")
        )
        names = tuple(name[:_LONGEST] for part in named.split(",") if (name := part.strip()))
        yield Allowance(path, first, names, reason, range(first, reach))

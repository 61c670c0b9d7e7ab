"""What b4 review keeps of a series: the file that it names to the commands of its checks."""

from __future__ import annotations

import json
import re
from pathlib import Path

VARIABLE = "B4_TRACKING_FILE"
"""The environment variable in which b4 names the file."""
_MOST_BYTES = 16 * 1024 * 1024
_BRANCH = "b4/review/"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+@-]{0,200}")


def tracked_revisions(file: Path, message_id: str) -> str:
    """The commits (``A..B``) that b4 has made of the series with the cover letter ``message_id``.

    "" where ``file`` is not to be read or is about another series. b4's own commit at the tip of
    the branch, which holds its notes, is not one of them.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            return ""
        series = json.loads(file.read_bytes())["series"]
        named = str(series["header-info"]["msgid"])
        first, change = str(series["first-patch-commit"]), str(series["change-id"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ""
    if named.strip("<> ") != message_id.strip("<> ") or not _WORD.fullmatch(change):
        return ""
    return f"{first}~1..{_BRANCH}{change}~1" if re.fullmatch(r"[0-9a-f]{7,64}", first) else ""

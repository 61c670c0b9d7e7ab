"""A waiver as it is written into a file."""

from __future__ import annotations

import datetime
import json

from kicklint.base import Finding


def waiver_table(
    finding: Finding,
    reason: str,
    expires: datetime.date | None = None,
    link: str = "",
    key: str = "waiver",
) -> str:
    """The waiver as TOML, in the array ``key``."""
    values = {
        "rule": finding.rule,
        "function": finding.function,
        "path": finding.span.path,
        "fingerprint": finding.fingerprint,
        "reason": reason,
        "link": link,
    }
    lines = [f"{key} = {_string(value)}\n" for key, value in values.items() if value or key == "reason"]
    if expires is not None:
        lines.append(f"expires = {expires.isoformat()}\n")
    return f"\n[[{key}]]\n" + "".join(lines)


def _string(text: str) -> str:
    """``text`` as a basic string of TOML, which JSON's is but for surrogates and DEL."""
    valid = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(valid, ensure_ascii=False).replace("\x7f", "\\u007f")

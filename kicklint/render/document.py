"""JSON text, the same way in every format that is JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from kicklint.render.plain import encodable


def dump(value: Mapping[str, object] | Sequence[object], *, compact: bool = False) -> str:
    """``value`` as JSON text with a final newline; keys keep their order.

    Characters outside ASCII stand for themselves. What cannot be encoded as UTF-8
    is replaced.
    """
    if compact:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    else:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    return encodable(text) + "\n"

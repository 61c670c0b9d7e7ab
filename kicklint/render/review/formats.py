"""Which format of a review is rendered by what: the literal table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kicklint.base import Review
from kicklint.render.context import Context
from kicklint.render.review import json_review, lines, reply, text


def _sarif(review: Review, context: Context) -> str:
    # As in kicklint.render.formats: sarif_om takes 70 ms to import.
    from kicklint.render.review.sarif import render

    return render(review, context)


REVIEW_FORMATS: Mapping[str, Callable[[Review, Context], str]] = {
    "text": text.render,
    "reply": reply.render,
    "checkpatch": lines.render_checkpatch,
    "b4-json": lines.render_b4_json,
    "json": json_review.render,
    "sarif": _sarif,
}

# As in kicklint.render.formats.
REVIEW_FOR_PEOPLE = frozenset({"text"})

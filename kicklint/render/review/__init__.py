"""A review of patches in, text out: one file a format."""

from kicklint.render.review.formats import REVIEW_FOR_PEOPLE, REVIEW_FORMATS
from kicklint.render.review.inline import inline_comments
from kicklint.render.review.json_review import render_line

__all__ = ["REVIEW_FORMATS", "REVIEW_FOR_PEOPLE", "inline_comments", "render_line"]

"""Where something stands in the source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one file.

    ``path`` is relative to the tree with forward slashes. Lines count from 1.
    Columns count *bytes* from 1 (a face that needs another unit converts them
    with the line's text); ``end_column`` is exclusive. A span that covers
    several lines keeps its own ``end_line``.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

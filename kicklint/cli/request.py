"""What the options ask of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kicklint.cli.progress import Progress

if TYPE_CHECKING:
    from kicklint.engine import AnalysisRequest


def make_request(
    paths: Sequence[Path],
    tree: Path | None,
    architectures: tuple[str, ...] = (),
    select: frozenset[str] = frozenset(),
    jobs: int = 1,
    progress: Progress | None = None,
) -> AnalysisRequest:
    """The request for ``paths`` in ``tree``. Raises SourceError when there is no tree."""
    # The engine brings tree-sitter: 40 ms that --help and --version need not wait for.
    from kicklint import engine

    root, scope = engine.resolve_scope(paths, tree)
    return engine.AnalysisRequest(
        tree=root, scope=scope, architectures=architectures, select=select, jobs=jobs, progress=progress
    )

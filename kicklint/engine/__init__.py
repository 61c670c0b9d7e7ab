"""analyse(tree, scope, rulebook) -> Report, and the smaller questions about a tree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kicklint.base import Coverage, Report, Site
from kicklint.engine.analysis import AnalysisRequest, analyse, analyse_tree
from kicklint.engine.scope import resolve_scope
from kicklint.source import DirectoryTree, SourceTree

if TYPE_CHECKING:
    from kicklint.engine.function_graph import FunctionGraph
    from kicklint.engine.sources import Parsed
    from kicklint.store import Store

__all__ = [
    "AnalysisRequest",
    "analyse",
    "analyse_edits",
    "analyse_tree",
    "coverage",
    "functions_in",
    "resolve_scope",
    "show",
    "sites",
]

# What reads and analyses C is imported late: a check whose results are known does without.


def analyse_edits(
    trees: Sequence[SourceTree],
    request: AnalysisRequest,
    parsed: Parsed | None = None,
    *,
    whole: bool = False,
) -> tuple[Report, ...]:
    """The reports on ``trees``, each an edit of the one before; see comparing.py."""
    from kicklint.engine.comparing import analyse_edits as compared

    return compared(trees, request, parsed, whole=whole)


def coverage(tree: Path) -> Coverage:
    """How much of ``tree`` the front end understands. Raises SourceError."""
    from kicklint.engine.sources import dialect
    from kicklint.syntax.coverage import measure

    return measure(DirectoryTree(tree), dialect())


def functions_in(tree: SourceTree, path: str, store: Store | None = None) -> frozenset[str]:
    """The names of the functions that the file ``path`` of ``tree`` defines; none for no such file.

    A file that ``store`` has from an earlier run is not parsed.
    """
    from kicklint.engine.sources import Sources

    return frozenset(
        each.name for file in Sources(tree, store=store).load((path,)) for each in file.functions
    )


def show(request: AnalysisRequest, function: str) -> FunctionGraph:
    """The control-flow graph of ``function``. Raises SourceError when there is none."""
    from kicklint.engine.function_graph import show_function

    return show_function(request, function)


def sites(request: AnalysisRequest) -> tuple[Site, ...]:
    """Every place of the tree where the protocol is touched. Raises SourceError."""
    from kicklint.engine.inventory import sites as listed

    return listed(request)

"""analyse(tree, scope, rulebook) -> Report, and the smaller questions about a tree."""

from pathlib import Path

from kicklint.base import Coverage
from kicklint.engine.analysis import AnalysisRequest, analyse, analyse_tree
from kicklint.engine.comparing import analyse_edits
from kicklint.engine.inventory import sites
from kicklint.engine.scope import resolve_scope
from kicklint.engine.show import FunctionGraph, show_function
from kicklint.engine.sources import Parsed, dialect
from kicklint.source import DirectoryTree
from kicklint.syntax.coverage import measure

__all__ = [
    "AnalysisRequest",
    "FunctionGraph",
    "Parsed",
    "analyse",
    "analyse_edits",
    "analyse_tree",
    "coverage",
    "dialect",
    "resolve_scope",
    "show",
    "sites",
]


def coverage(tree: Path) -> Coverage:
    """How much of ``tree`` the front end understands. Raises SourceError."""
    return measure(DirectoryTree(tree), dialect())


def show(request: AnalysisRequest, function: str) -> FunctionGraph:
    """The control-flow graph of ``function``. Raises SourceError when there is none."""
    return show_function(request, function)

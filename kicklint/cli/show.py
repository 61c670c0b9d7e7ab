"""kicklint show: one function's control-flow graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicklint.cli.graphviz import svg
from kicklint.cli.options import CommaList, effort, flat, formats
from kicklint.cli.output import check_writable, write
from kicklint.cli.progress import progress
from kicklint.cli.request import make_request
from kicklint.render import FOR_PEOPLE

if TYPE_CHECKING:
    from kicklint.engine.function_graph import FunctionGraph


def _text(graph: FunctionGraph) -> str:
    return graph.text()


def _dot(graph: FunctionGraph) -> str:
    return graph.dot()


def _svg(graph: FunctionGraph) -> str:
    return svg(graph.dot())


GRAPH_FORMATS = {"text": _text, "dot": _dot, "svg": _svg}


@click.command()
@click.argument("function")
@click.option(
    "--tree",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The kernel tree. Default: the one around the current directory.",
)
@click.option(
    "--arch",
    "architectures",
    type=CommaList(),
    multiple=True,
    metavar="NAME,...",
    help="Only these architectures. Default: all in the tree.",
)
@formats(GRAPH_FORMATS)
@effort
def show(
    function: str,
    tree: Path | None,
    architectures: tuple[tuple[str, ...], ...],
    style: str,
    output: Path | None,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Show the control-flow graph of FUNCTION with its events and protocol states.

    The format svg needs Graphviz.
    """
    # The engine brings tree-sitter: 40 ms that --help and --version need not wait for.
    from kicklint import engine

    check_writable(output)
    with progress(quiet=quiet) as bar:
        request = make_request([], tree, flat(architectures), jobs=jobs, progress=bar)
        graph = engine.show(request, function.removesuffix("()"))
    write(GRAPH_FORMATS[style](graph), output, for_people=style in FOR_PEOPLE)
    if verbose:
        click.echo(f"kicklint: {request.tree}", err=True)

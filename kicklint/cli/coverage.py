"""kicklint coverage: how much of a tree was understood."""

from __future__ import annotations

from pathlib import Path

import click

from kicklint.cli.options import formats, own_rules
from kicklint.cli.output import check_writable, write
from kicklint.render import COVERAGE_FORMATS, FOR_PEOPLE


@click.command()
@click.argument("tree", required=False, type=click.Path(exists=True, path_type=Path))
@formats(COVERAGE_FORMATS)
@own_rules
def coverage(tree: Path | None, style: str, output: Path | None) -> None:
    """Measure the front end on TREE.

    Counts the functions that were found and those that were not wholly understood,
    and names, by Universal Ctags where it is installed, those that were not found.
    """
    # The engine brings tree-sitter: 40 ms that --help and --version need not wait for.
    from kicklint import engine

    check_writable(output)
    root, _scope = engine.resolve_scope([tree] if tree else [], None)
    write(COVERAGE_FORMATS[style](engine.coverage(root)), output, for_people=style in FOR_PEOPLE)

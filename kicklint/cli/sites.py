"""kicklint sites: the inventory."""

from __future__ import annotations

from pathlib import Path

import click

from kicklint.cli.options import effort, flat, formats, paths
from kicklint.cli.output import check_writable, write
from kicklint.cli.progress import progress
from kicklint.cli.request import make_request
from kicklint.render import FOR_PEOPLE, SITE_FORMATS


@click.command()
@paths
@formats(SITE_FORMATS)
@effort
def sites(
    paths: tuple[Path, ...],
    tree: Path | None,
    architectures: tuple[tuple[str, ...], ...],
    style: str,
    output: Path | None,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """List every place where the protocol is touched.

    Kinds: mode-write, mode-read, kick, wake, request-make, request-test,
    request-consume, guest-entry.
    """
    # The engine brings tree-sitter: 40 ms that --help and --version need not wait for.
    from kicklint import engine

    check_writable(output)
    with progress(quiet=quiet) as bar:
        request = make_request(paths, tree, flat(architectures), jobs=jobs, progress=bar)
        found = engine.sites(request)
    write(SITE_FORMATS[style](found), output, for_people=style in FOR_PEOPLE)
    if verbose:
        click.echo(f"kicklint: {request.tree}: {len(found)} sites", err=True)

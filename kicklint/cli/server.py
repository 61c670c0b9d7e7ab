"""kicklint server: findings in an editor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicklint import __version__
from kicklint.base import KicklintError
from kicklint.cli.examine import Wanted, requested, verdict
from kicklint.cli.options import CommaList, choose_rules, effort, flat, store
from kicklint.cli.policy import Policy, review_policy, waiver_place

if TYPE_CHECKING:
    from kicklint.server import Project


@click.command()
@click.option(
    "--arch",
    "architectures",
    type=CommaList(),
    multiple=True,
    metavar="NAME,...",
    help="Only these architectures. Default: all in the tree.",
)
@choose_rules
@review_policy
@effort
def server(
    architectures: tuple[tuple[str, ...], ...],
    select: tuple[tuple[str, ...], ...],
    ignore: tuple[tuple[str, ...], ...],
    policy: Policy,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Speak the Language Server Protocol on standard input and output.

    The trees of the documents that are open are analysed when a document is opened or saved, and a
    moment after the last key. Needs pygls: pip install 'kicklint[server]'.
    """
    try:
        # pygls takes 360 ms, and only this command needs it; it may not be installed.
        from kicklint.server import Project, serve
    except ImportError as error:
        raise KicklintError(f"{error.name} is not installed: pip install 'kicklint[server]'") from error

    kept = store()  # --no-cache is known in this thread only

    def open_project(root: Path) -> Project:
        wanted = Wanted((), root, flat(architectures), flat(select), flat(ignore), 1, policy)
        request, found = requested(wanted)
        return Project(replace(request, store=kept), verdict(found), *waiver_place(found, root))

    serve(__version__, open_project)

"""kicklint clean: forget the results of earlier runs."""

from __future__ import annotations

import os

import click

from kicklint.store import Store, default_folder


@click.command()
def clean() -> None:
    """Remove the results that earlier runs have kept in your cache folder."""
    folder = default_folder(os.environ)
    freed = Store(folder).clean() if folder is not None else 0
    if freed:
        click.echo(f"Removed {folder} ({freed / 1024:.0f} KiB).")
    else:
        click.echo("There is nothing to remove.")

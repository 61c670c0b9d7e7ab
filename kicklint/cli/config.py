"""kicklint config: what holds, and where it comes from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from kicklint.cli.output import write
from kicklint.settings import Settings, load_settings


@click.command()
@click.argument("tree", required=False, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--config",
    "configuration",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="This configuration instead of the one that is found.",
)
def config(tree: Path | None, configuration: Path | None) -> None:
    """Show the settings that hold for TREE, and the file that each comes from.

    The configuration is the nearest .kicklint.toml, or pyproject.toml with a
    [tool.kicklint], from the tree's top upward.
    """
    # The engine brings tree-sitter: 40 ms that --help and --version need not wait for.
    from kicklint import engine

    root, _scope = engine.resolve_scope([tree] if tree else [], None)
    found = load_settings(root, configuration)
    lines = [f"# {found.path}\n" if found.path is not None else f"# no configuration at or above {root}\n"]
    for field in dataclasses.fields(Settings):
        value = getattr(found.settings, field.name)
        if field.name == "waiver":
            lines.append(f"# {len(value)} {'waiver' if len(value) == 1 else 'waivers'}\n")
            continue
        origin = str(found.path) if field.name in found.given else "default"
        shown = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
        lines.append(f"{field.name} = {shown}  # {origin}\n")
    write("".join(lines), None, for_people=True)

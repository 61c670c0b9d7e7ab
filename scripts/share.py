"""Write share/: man pages by click-man and completions by click, which the wheel installs under its prefix.

    python scripts/share.py [--check]

--check writes nothing and ends with status 1 when something is not as it would be written.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click_man.core import generate_man_page

from kicklint import __version__
from kicklint.cli import main
from kicklint.cli.completion import SHELLS, script

ROOT = Path(__file__).resolve().parents[1]
PLACES = {
    "bash": "share/bash-completion/completions/kicklint",
    "zsh": "share/zsh/site-functions/_kicklint",
    "fish": "share/fish/vendor_completions.d/kicklint.fish",
}
# A page is the same whenever it is written.
DATE = "2026"


def pages(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, str]]:
    """The page of ``command`` and those of the commands below it, by file name."""
    context = click.Context(command, info_name=name, parent=parent)
    below = {}
    if isinstance(command, click.Group):
        found = {each: command.get_command(context, each) for each in command.list_commands(context)}
        below = {each: inner for each, inner in found.items() if inner is not None}
        command.commands.update(below)  # click-man knows of no commands that are imported late
    text = generate_man_page(context, version=__version__, date=DATE)
    # click-man cuts the sentence behind the name after 45 characters.
    cut, whole = (command.get_short_help_str(limit).rstrip(".") for limit in (45, 1000))
    text = text.replace(f"\\- {cut}...", f"\\- {whole}", 1)
    # \b keeps click from wrapping a paragraph; a page has no use for the character.
    text = re.sub(r"\x08\n?", "", text)
    yield f"share/man/man1/{context.command_path.replace(' ', '-')}.1", text.rstrip("\n") + "\n"
    for each, inner in below.items():
        yield from pages(inner, each, context)


def wanted() -> dict[str, str]:
    """Every file of share/ and what is in it."""
    return dict(pages(main, "kicklint")) | {PLACES[shell]: script(shell) for shell in SHELLS}


def differing() -> list[str]:
    """The files of share/ that are not as they would be written."""
    files = wanted()
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "share").rglob("*") if path.is_file()}
    return sorted(
        name
        for name in files.keys() | there
        if name not in files or name not in there or (ROOT / name).read_text("utf-8") != files[name]
    )


def run() -> int:
    """Write, or compare; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        print("".join(f"{name}: is not as scripts/share.py writes it\n" for name in differing()), end="")
        return int(bool(differing()))
    files = wanted()
    for name in differing():
        path = ROOT / name
        if name not in files:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run())

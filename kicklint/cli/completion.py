"""kicklint completion: what a shell has to be told to complete commands, options and rules."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from kicklint.cli.output import write

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


def script(shell: str) -> str:
    """The script for ``shell``; it asks the kicklint on PATH whenever something is to be completed."""
    words = {
        "complete_func": "_kicklint_completion",
        "complete_var": "_KICKLINT_COMPLETE",
        "prog_name": "kicklint",
    }
    # Not source(), which wants to run a bash of the right version.
    return (SHELLS[shell].source_template % words).strip("\n") + "\n"


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash   eval "$(kicklint completion bash)"
    zsh    eval "$(kicklint completion zsh)"
    fish   kicklint completion fish | source
    """
    write(script(shell), None)

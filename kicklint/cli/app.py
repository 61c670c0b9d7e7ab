"""The group of commands, and how every error ends."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from importlib import import_module
from typing import Any

import click

from kicklint import __version__
from kicklint.base import KicklintError
from kicklint.cli.ending import Terminated, ending_on_sigterm
from kicklint.cli.options import LENIENT, VERBOSITY
from kicklint.cli.status import COULD_NOT_RUN, INTERRUPTED, NO_FINDINGS, PIPE_CLOSED, TERMINATED

# Where each command is: the module, and the command's name in it. What one command needs, mails or a
# report in HTML, another should not wait for.
_COMMANDS = {
    "baseline": ("baseline", "baseline"),
    "check": ("check", "check"),
    "clean": ("clean", "clean"),
    "completion": ("completion", "completion"),
    "config": ("config", "config"),
    "coverage": ("coverage", "coverage"),
    "explain": ("rules", "explain"),
    "hook": ("hook", "hook"),
    "kbuild-check": ("kbuild", "kbuild_check"),
    "litmus": ("litmus", "litmus"),
    "review": ("review", "review"),
    "rules": ("rules", "rules"),
    "server": ("server", "server"),
    "show": ("show", "show"),
    "sites": ("sites", "sites"),
    "waive": ("waive", "waive"),
}

_EPILOG = """\b
Exit status: 0 no findings, 1 findings, 2 could not run.

\b
Shell completion: kicklint completion bash|zsh|fish
"""


class _Kicklint(click.Group):
    """A group whose commands never end in a traceback unless one was asked for.

    click handles its own usage errors (status 2). It would answer an interrupt and a
    closed pipe with status 1, which here says that there are findings. Commands are imported
    when they are asked for.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in order."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        found = getattr(import_module(f"kicklint.cli.{module}"), name)
        assert isinstance(found, click.Command)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn what goes wrong into a line and a status."""
        status = COULD_NOT_RUN
        # Where processes are not forked, they begin in the current directory, which may be a stranger's tree,
        # and would look for modules there.
        os.environ.setdefault("PYTHONSAFEPATH", "1")
        try:
            with ending_on_sigterm():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Terminated:
            status = TERMINATED
        except KeyboardInterrupt:
            status = INTERRUPTED
        except BrokenPipeError:
            _leave_pipe()
            status = PIPE_CLOSED
        except KicklintError as error:
            click.echo(f"kicklint: error: {error}", err=True)
        except Exception as error:  # whatever it is, a person sees a sentence
            _internal(error, ctx)
        if status == COULD_NOT_RUN and ctx.meta.get(LENIENT):
            status = NO_FINDINGS
        return ctx.exit(status)


def _internal(error: Exception, ctx: click.Context) -> None:
    """Say that kicklint itself failed; show where when that was asked for."""
    text = " ".join(str(error).split())
    kind = type(error).__name__
    click.echo(
        f"kicklint: internal error: {kind}: {text}" if text else f"kicklint: internal error: {kind}", err=True
    )
    if ctx.meta.get(VERBOSITY, 0) >= 2 or os.environ.get("KICKLINT_TRACEBACK", "0") not in ("", "0"):
        click.echo("".join(traceback.format_exception(error)).rstrip(), err=True)
    else:
        click.echo("This is a fault in kicklint. KICKLINT_TRACEBACK=1 or -v -v shows where.", err=True)


def _leave_pipe() -> None:
    """Let the interpreter's last flush go nowhere instead of into the closed pipe."""
    # Without a descriptor nothing can be flushed into a pipe.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=_Kicklint,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="kicklint", message="%(prog)s %(version)s")
def main() -> None:
    """A typestate linter for the KVM vCPU kick protocol."""

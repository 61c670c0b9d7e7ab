"""Options that several commands share."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from kicklint.rulebook import RuleInfo, load_rulebook, use_own_rules
from kicklint.store import Store, default_folder

Command = TypeVar("Command", bound=Callable[..., Any])

if TYPE_CHECKING:
    _Names = click.ParamType[tuple[str, ...]]
else:
    _Names = click.ParamType  # takes no type argument before click 8.4

# Key in click's context for how often -v was given.
VERBOSITY = "kicklint.verbosity"
# Key for whether what cannot be done is said and ends with status 0.
LENIENT = "kicklint.lenient"
# Key for whether results are neither kept nor taken from an earlier run.
NO_CACHE = "kicklint.no-cache"


class CommaList(_Names):
    """``a,b``: names separated by commas. Gives a tuple without the empty ones."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Split; fail when nothing is left."""
        names = tuple(name for part in str(value).split(",") if (name := part.strip()))
        if not names:
            self.fail("names separated by commas are expected", param, ctx)
        return names


class RuleList(CommaList):
    """``KICK001,guest-entry-...``: rules by id or name. Gives a tuple of ids."""

    name = "rules"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Look each up; fail with the nearest valid one when it is unknown."""
        try:
            return tuple(find_rule(name).id for name in super().convert(value, param, ctx))
        except LookupError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Ids and names after the last comma."""
        done, comma, word = incomplete.rpartition(",")
        return [
            CompletionItem(done + comma + each, help=rule.name)
            for rule in load_rulebook().rules
            for each in (rule.id, rule.name)
            if each.lower().startswith(word.lower())
        ]


def find_rule(identity: str) -> RuleInfo:
    """The rule with this id (in any case) or name. LookupError names the nearest."""
    rules = load_rulebook().rules
    wanted = identity.lower()
    for rule in rules:
        if wanted in (rule.id.lower(), rule.name):
            return rule
    known = [each for rule in rules for each in (rule.id.lower(), rule.name)]
    near = difflib.get_close_matches(wanted, known, 1, 0.5)
    hint = f"did you mean {near[0].upper() if near[0].startswith('kick') else near[0]}?" if near else ""
    raise LookupError(f"there is no rule {identity!r}; {hint or 'kicklint rules lists them'}")


def ids(names: Iterable[str]) -> tuple[str, ...]:
    """The ids of rules that are named by id or name. LookupError as :func:`find_rule`."""
    return tuple(find_rule(name).id for name in names)


def flat(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The values of a repeatable list option, once each, in the order given."""
    return tuple(dict.fromkeys(name for group in groups for name in group))


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _remember(ctx: click.Context, _param: click.Parameter, value: int) -> int:
    ctx.meta[VERBOSITY] = value
    return value


def paths(command: Command) -> Command:
    """PATH..., --tree and --arch: what is looked at."""
    for decorate in (
        click.option(
            "--arch",
            "architectures",
            type=CommaList(),
            multiple=True,
            metavar="NAME,...",
            help="Only these architectures. Default: all in the tree.",
        ),
        click.option(
            "--tree",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="The kernel tree. Default: found upward from PATH.",
        ),
        click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(exists=True, path_type=Path)),
    ):
        command = decorate(command)
    return command


def _use(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        use_own_rules(value.resolve())
        # The outermost context is closed in any case.
        ctx.find_root().call_on_close(lambda: use_own_rules(None))
        load_rulebook()


def own_rules(command: Command) -> Command:
    """--rules, which holds before anything else of the command line is looked at."""
    return click.option(
        "--rules",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar="KICKLINT_RULES",
        metavar="DIR",
        is_eager=True,
        expose_value=False,
        callback=_use,
        help="Own rules, vocabulary and architectures, put upon those that come with kicklint.",
    )(command)


def choose_rules(command: Command) -> Command:
    """--select and --ignore."""
    for decorate in (
        click.option("--ignore", type=RuleList(), multiple=True, metavar="RULE,...", help="Not these rules."),
        click.option(
            "--select",
            type=RuleList(),
            multiple=True,
            metavar="RULE,...",
            help="Only these rules, by id or name.",
        ),
    ):
        command = decorate(command)
    return command


def formats(names: Iterable[str]) -> Callable[[Command], Command]:
    """--format with these names, the first the default, and -o."""
    choices = list(names)

    def decorate(command: Command) -> Command:
        command = click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, allow_dash=True),
            metavar="FILE",
            help="Write to FILE, whole or not at all.",
        )(command)
        return click.option(
            "--format", "style", type=click.Choice(choices), default=choices[0], show_default=True
        )(command)

    return decorate


def colour(command: Command) -> Command:
    """--color."""
    return click.option(
        "--color",
        "colour",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="auto: on a terminal, unless NO_COLOR is set.",
    )(command)


def _forgo(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    ctx.meta[NO_CACHE] = value


def store() -> Store | None:
    """Where results are kept between runs; None when they are not to be, or there is no place."""
    context = click.get_current_context(silent=True)
    folder = default_folder(os.environ)
    if folder is None or (context is not None and context.meta.get(NO_CACHE)):
        return None
    return Store(folder)


def effort(command: Command) -> Command:
    """--jobs, --no-cache, --rules, -q and -v: what every command that analyses takes."""
    for decorate in (
        click.option(
            "-v",
            "--verbose",
            count=True,
            callback=_remember,
            help="Say more; twice: tracebacks of internal errors.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Findings only: no notes, summary or progress."),
        click.option(
            "--no-cache",
            is_flag=True,
            envvar="KICKLINT_NO_CACHE",
            expose_value=False,
            callback=_forgo,
            help="Neither use nor keep results of earlier runs.",
        ),
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(min=1),
            default=processors,
            metavar="N",
            help="Processes to work with. Default: the number of processors.",
        ),
        own_rules,
    ):
        command = decorate(command)
    return command


def path_prefix(command: Command) -> Command:
    """--path-prefix, as ``prefix``: "" or a folder with a slash behind it."""
    decorated: Any = click.option(
        "--path-prefix",
        "prefix",
        default="",
        metavar="DIR",
        callback=lambda _context, _option, value: f"{value.rstrip('/')}/" if value.strip("/.") else "",
        help="Put DIR/ before the paths in the report: where the tree lies in its repository.",
    )(command)
    result: Command = decorated
    return result

"""What a project has laid down: configuration, waivers, a baseline, paths to leave out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from kicklint.settings import (
    CONFIGURATION,
    PYPROJECT,
    Settings,
    SettingsFile,
    Waiver,
    load_settings,
    load_waivers,
)

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Policy:
    """The options of :func:`policy`, and after :meth:`found` what the configuration adds to them."""

    configuration: Path | None = None
    isolated: bool = False
    baseline: Path | None = None
    waivers: Path | None = None
    exclude: tuple[str, ...] = ()
    file: SettingsFile | None = None

    def found(self, root: Path) -> Policy:
        """With the configuration of the tree at ``root`` behind the command line. Raises SettingsError."""
        if self.isolated:
            return replace(self, file=SettingsFile(Settings()))
        file = load_settings(root, self.configuration)
        return replace(
            self,
            file=file,
            baseline=self.baseline or file.beside(file.settings.baseline),
            waivers=self.waivers or file.beside(file.settings.waivers),
            exclude=self.exclude or file.settings.exclude,
        )

    @property
    def settings(self) -> Settings:
        """What the configuration says; the defaults before it was looked for."""
        return self.file.settings if self.file is not None else Settings()

    def waived(self) -> tuple[tuple[str, Waiver], ...]:
        """Every waiver with the name of the file that it stands in. Raises SettingsError."""
        found: list[tuple[str, Waiver]] = []
        if self.file is not None and self.file.path is not None:
            found += [(self.file.path.name, each) for each in self.file.settings.waiver]
        if self.waivers is not None:
            found += [(self.waivers.name, each) for each in load_waivers(self.waivers)]
        return tuple(found)


def waiver_place(policy: Policy, root: Path) -> tuple[Path, str]:
    """The file that a new waiver goes to, and the key of the array there.

    It is where waivers are read from already, since a new ``.kicklint.toml`` would hide other settings.
    """
    if policy.waivers is not None:
        return policy.waivers, "waiver"
    found = policy.file.path if policy.file is not None else None
    if found is None or policy.isolated:
        return root / CONFIGURATION, "waiver"
    return found, "waiver" if found.name != PYPROJECT else "tool.kicklint.waiver"


def given(name: str) -> bool:
    """Whether the parameter ``name`` of the running command was given, on the line or in the environment."""
    source = click.get_current_context().get_parameter_source(name)
    return source not in (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)


def policy(command: Command) -> Command:
    """--config, --isolated, --baseline, --waivers and --exclude, handed on as one ``policy``."""
    return review_policy(
        click.option(
            "--baseline", type=_FILE, metavar="FILE", help="Only findings that this report has not count."
        )(command)
    )


def review_policy(command: Command) -> Command:
    """The same without --baseline, which a review has of itself."""

    @functools.wraps(command)
    def gathered(
        *args: Any,
        configuration: Path | None,
        isolated: bool,
        waivers: Path | None,
        exclude: tuple[str, ...],
        baseline: Path | None = None,
        **others: Any,
    ) -> Any:
        if isolated and configuration is not None:
            raise click.UsageError("give --config or --isolated, not both")
        chosen = Policy(configuration, isolated, baseline, waivers, exclude)
        return command(*args, policy=chosen, **others)

    decorated: Any = gathered
    for decorate in (
        click.option("--exclude", multiple=True, metavar="PATTERN", help="Report nothing for these paths."),
        click.option(
            "--waivers", type=_FILE, metavar="FILE", help="More waivers than the configuration has."
        ),
        click.option("--isolated", is_flag=True, help="Read no configuration."),
        click.option(
            "--config",
            "configuration",
            type=_FILE,
            metavar="FILE",
            help="The configuration. Default: .kicklint.toml or pyproject.toml, from the tree upward.",
        ),
    ):
        decorated = decorate(decorated)
    result: Command = decorated
    return result

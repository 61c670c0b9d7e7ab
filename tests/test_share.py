"""Man pages and completions: they name every option, and real shells and groff take them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from conftest import missing

from kicklint.cli import main
from kicklint.cli.completion import SHELLS, script

ROOT = Path(__file__).resolve().parents[1]
MAN = ROOT / "share/man/man1"
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    context = click.Context(command)
    for below in command.list_commands(context) if isinstance(command, click.Group) else ():
        each = command.get_command(context, below)  # which imports it
        assert each is not None
        yield from commands(each, f"{name}-{below}")


def program(name: str) -> str:
    return shutil.which(name) or missing(name, "run scripts/system.sh")


def output(*command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=ENVIRONMENT | (environment or {})
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_every_command_has_a_page_with_every_option() -> None:
    found = dict(commands(main, "kicklint"))
    assert {path.stem for path in MAN.iterdir()} == set(found), "run python scripts/share.py"
    for name, command in found.items():
        text = (MAN / f"{name}.1").read_text("utf-8")
        assert text.startswith('.TH "KICKLINT')
        for option in command.params:
            if isinstance(option, click.Option):
                for each in option.opts:
                    assert each.replace("-", "\\-") in text, f"{name}: {each}: run python scripts/share.py"


def test_what_is_installed_asks_kicklint() -> None:
    for path in (ROOT / "share").rglob("*kicklint*"):
        if path.is_file() and path.suffix != ".1":
            shell = next(each for each in SHELLS if each in path.as_posix())
            assert f"_KICKLINT_COMPLETE={shell}_complete" in path.read_text("utf-8")


def test_groff_takes_the_pages() -> None:
    groff = program("groff")
    for path in sorted(MAN.iterdir()):
        text = output(groff, "-man", "-Tascii", "-ww", "-P-cbou", str(path))
        assert "NAME" in text and "SYNOPSIS" in text and "\b" not in path.read_text("utf-8")


def test_the_wheel_has_them() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert shared == {"share": "share"}
    if os.environ.get("CI"):
        installed = Path(sys.prefix) / "share"
        for path in (ROOT / "share").rglob("*"):
            assert (installed / path.relative_to(ROOT / "share")).exists(), path


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_prints_what_is_installed(shell: str) -> None:
    assert output("kicklint", "completion", shell) == script(shell)


BASH = """
source <(kicklint completion bash)
COMP_WORDS=(kicklint {words}) COMP_CWORD={at} COMPREPLY=()
_kicklint_completion kicklint
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def test_bash() -> None:
    bash = program("bash")
    assert output(bash, "-c", BASH.format(words="che", at=1)).split() == ["check"]
    assert "--watch" in output(bash, "-c", BASH.format(words="check --", at=2)).split()
    rules = output(bash, "-c", BASH.format(words="check --select KICK00", at=3)).split()
    assert rules[:2] == ["KICK000", "KICK001"]


def test_zsh() -> None:
    zsh = program("zsh")
    loaded = (
        "autoload -U compinit; compinit -u -D; source <(kicklint completion zsh); print $_comps[kicklint]"
    )
    assert output(zsh, "-f", "-c", loaded).strip() == "_kicklint_completion"
    asked = {"COMP_WORDS": "kicklint che", "COMP_CWORD": "1", "_KICKLINT_COMPLETE": "zsh_complete"}
    assert "check" in output("kicklint", environment=asked).split()


def test_fish(tmp_path: Path) -> None:
    fish = program("fish")
    ask = "source (kicklint completion fish | psub); complete -C '{}'"
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    assert (
        output(fish, "--no-config", "-c", ask.format("kicklint che"), environment=home).split()[0] == "check"
    )
    said = output(fish, "--no-config", "-c", ask.format("kicklint explain KICK00"), environment=home)
    assert "KICK001" in said

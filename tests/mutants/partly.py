"""What the scripts over the mutants share: which cases are run, and results that a later run goes on from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mutants.bench import Case

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Some = TypeVar("_Some", bound=Case)


def options(about: str | None) -> argparse.ArgumentParser:
    """A parser for what ``chosen`` goes by, and for whether the table is kept."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rule", default="")
    parser.add_argument("--arch", default="")
    parser.add_argument("--only", default="", help="cases whose id holds this")
    parser.add_argument("--write", action="store_true", help="keep the table up to date")
    return parser


def keeping(parser: argparse.ArgumentParser) -> None:
    """Let ``parser`` know a file of results that a run goes on from, see ``kept_lines``."""
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--kept", action="store_true", help="run nothing that is not in FILE yet")


def chosen(cases: Iterable[_Some], wanted: argparse.Namespace) -> list[_Some]:
    """Those of ``cases`` that the command line asks for; an edit without meaning is of no rule."""
    worlds = wanted.arch.split(",") if wanted.arch else []
    return [
        each
        for each in cases
        if wanted.rule in ("", getattr(each, "rule", None))
        and (not worlds or each.architecture in worlds)
        and wanted.only in each.id
    ]


def kept_lines(file: Path | None) -> list[Any]:
    """The results in ``file``, as they were put there; none when there is no such file."""
    if file is None or not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def keep_line(file: Path | None, result: DataclassInstance) -> None:
    """Put ``result`` behind those in ``file``, if there is to be one."""
    if file is not None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(result)) + "\n")

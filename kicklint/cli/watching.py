"""--watch: the same check again whenever a file of the tree, or what was laid down for it, was changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicklint.base import KicklintError
from kicklint.cli.checking import Check
from kicklint.cli.policy import Policy
from kicklint.settings import CONFIGURATION, PYPROJECT

if TYPE_CHECKING:
    from kicklint.engine.sources import Parsed

_EVERY = 0.5
_Stamps = dict[Path, tuple[int, int]]


def watch(asked: Callable[[], Check]) -> None:
    """Run the check that is ``asked`` for, and again after each change, until it is interrupted.

    It is asked for anew each time, since the configuration may have changed. What did not change is neither
    parsed nor made into graphs again. An error, such as a file that cannot be read in the middle of a
    change, is said, and the next change is waited for. Raises KicklintError when nothing can be watched.
    """
    check = asked()
    parsed: Parsed = {}
    seen: _Stamps | None = None
    while True:
        found = _stamps(check)
        if found != seen:
            found = _settled(check, found)
            seen = found
            try:
                check = asked()
                # One process, since what it has parsed is what makes the next run short.
                replace(check, request=replace(check.request, jobs=1)).run(parsed)
                _forget(parsed)
            except KicklintError as error:
                click.echo(f"kicklint: error: {error}", err=True)
            if not check.context.quiet:
                click.echo("kicklint: waiting for a change; interrupt to end", err=True)
        time.sleep(_EVERY)


def _forget(parsed: Parsed) -> None:
    """Keep only the last text of every file."""
    last = {path: key for key in parsed for path in key[:1]}
    for key in [key for key in parsed if last[key[0]] != key]:
        del parsed[key]


def _settled(check: Check, found: _Stamps) -> _Stamps:
    """The stamps once they have stayed the same for a moment: an editor writes in several steps."""
    while True:
        time.sleep(_EVERY / 5)
        again = _stamps(check)
        if again == found:
            return found
        found = again


def _stamps(check: Check) -> _Stamps:
    # As in cli/examine.py.
    from kicklint import source

    tree = source.DirectoryTree(check.request.tree)
    stamps: _Stamps = {}
    for path in (*(tree.root / each for each in tree.paths()), *_laid_down(check.policy, tree.root)):
        try:
            state = path.stat()
        except OSError:
            continue  # it is not there, or went away just now
        stamps[path] = (state.st_mtime_ns, state.st_size)
    return stamps


def _laid_down(policy: Policy, root: Path) -> Iterator[Path]:
    """Where the configuration may be, or is named, and the other files that are asked what counts."""
    if policy.configuration is not None:
        yield policy.configuration
    elif not policy.isolated:
        for folder in (root, *root.parents):
            yield folder / CONFIGURATION
            yield folder / PYPROJECT
    yield from filter(None, (policy.waivers, policy.baseline))

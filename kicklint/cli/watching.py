"""--watch: the same check again whenever a file of the tree was changed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from kicklint.base import KicklintError
from kicklint.cli.checking import Check

if TYPE_CHECKING:
    from kicklint.engine.sources import Parsed

_EVERY = 0.5
_Stamps = dict[str, tuple[int, int]]


def watch(check: Check) -> None:
    """Run ``check``, and again after each change, until it is interrupted.

    What did not change is neither parsed nor made into graphs again. An error, such as a file that
    cannot be read in the middle of a change, is said, and the next change is waited for.
    """
    # One process, since what it has parsed is what makes the next run short.
    check = replace(check, request=replace(check.request, jobs=1))
    parsed: Parsed = {}
    seen: _Stamps | None = None
    while True:
        found = _stamps(check)
        if found != seen:
            found = _settled(check, found)
            seen = found
            try:
                check.run(parsed)
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
    for path in tree.paths():
        try:
            state = (tree.root / path).stat()
        except OSError:
            continue  # it went away just now
        stamps[path] = (state.st_mtime_ns, state.st_size)
    return stamps

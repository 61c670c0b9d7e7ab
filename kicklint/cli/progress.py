"""A bar on standard error, for work that takes a while on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Progress = Callable[[str, int, int], None]

# Shorter work is over before a bar could be read.
_PATIENCE = 0.5
_EVERY = 0.1
_WIDTH = 24


class _Bar:
    """Draws ``stage [####----] 12/40`` over itself."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._drawn = 0.0
        self._shown = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._begun < _PATIENCE or (now - self._drawn < _EVERY and done < total):
            return
        self._drawn = now
        filled = _WIDTH * min(done, total) // total if total > 0 else 0
        line = f"{stage} [{'#' * filled}{'-' * (_WIDTH - filled)}] {done}/{total}"
        click.echo(f"\r{line:<{self._shown}}", err=True, nl=False)
        self._shown = len(line)

    def erase(self) -> None:
        """Leave the line as it was."""
        if self._shown:
            click.echo(f"\r{'':<{self._shown}}\r", err=True, nl=False)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress | None]:
    """A function ``(stage, done, total)`` for the engine; None where no bar belongs."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    bar = _Bar()
    try:
        yield bar
    finally:
        bar.erase()

"""SIGTERM as an interrupt, so that a run that is told to end takes its processes and files with it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """The process was sent SIGTERM."""


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """Raise Terminated at SIGTERM, unless that is ignored, or another thread than the first runs this."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: what is cleaned up must not be cut short by a second one.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated

"""How Python runs while a world is analysed."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Python's own guard against runaway recursion; the depth of what is walked is
# bounded by the front end and by the simulator, well below this.
_RECURSION_LIMIT = 20_000
# So many objects more than what stayed the last time are worth a collection, which takes a tenth of a second.
_MANY = 100_000


class _Stayed:
    """How many objects were left by the last collection of what worlds had left behind."""

    count = 0


@contextmanager
def undisturbed() -> Iterator[None]:
    """Recursion as deep as it has to be, and no garbage collection.

    A world is millions of objects that stay until it is done, and the collector would go
    through all of them again and again: a third of the time. What a world leaves behind is set aside
    and collected before the next, if there is one, unless this is a part of something that is
    undisturbed already.
    """
    limit, collects = sys.getrecursionlimit(), gc.isenabled()
    if collects and gc.get_freeze_count() > 2 * _Stayed.count + _MANY:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _Stayed.count = gc.get_freeze_count()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.freeze()
            gc.enable()
        sys.setrecursionlimit(limit)

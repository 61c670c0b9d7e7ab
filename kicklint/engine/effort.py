"""How Python runs while a world is analysed."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Python's own guard against runaway recursion; the depth of what is walked is
# bounded by the front end and by the simulator, well below this.
_RECURSION_LIMIT = 20_000
# Objects that are left over from a world before: worth a collection, which takes a tenth of a second.
_MANY = 100_000


@contextmanager
def undisturbed() -> Iterator[None]:
    """Recursion as deep as it has to be, and no garbage collection.

    A world is millions of objects that stay until it is done, and the collector would go
    through all of them again and again: a third of the time. What is left of a world
    before is collected first, unless this is a part of something that is undisturbed already.
    """
    limit, collects = sys.getrecursionlimit(), gc.isenabled()
    if collects and gc.get_count()[0] > _MANY:
        gc.collect()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
        sys.setrecursionlimit(limit)

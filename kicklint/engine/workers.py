"""Worlds in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path

from kicklint.base import KicklintError
from kicklint.engine.escalation import WorldResult
from kicklint.engine.remembered import Remembered
from kicklint.engine.run import run_world
from kicklint.engine.scope import world_paths
from kicklint.engine.sources import Sources
from kicklint.rulebook import load_rulebook, own_rules, use_own_rules
from kicklint.source import DirectoryTree, KeptTree, SourceTree
from kicklint.store import Store

KILLED = "a process of the analysis was killed, perhaps because memory ran out; --jobs 1 needs less"
Progress = Callable[[str, int, int], None]


def in_processes(
    tree: SourceTree,
    names: tuple[str, ...],
    select: frozenset[str],
    store: Store | None,
    jobs: int,
    progress: Progress | None,
) -> dict[str, WorldResult]:
    """The results of the worlds ``names`` by name; the largest is begun first."""
    workers = min(jobs, len(names))
    pool = ProcessPoolExecutor(workers, initializer=begin, initargs=(own_rules(),))
    try:
        folder = store.folder if store is not None else None
        ordered = sorted(names, key=lambda name: (-len(world_paths(tree.paths(), name)), name))
        pending = {pool.submit(_world_of, tree.root, name, select, folder): name for name in ordered}
        found: dict[str, WorldResult] = {}
        for each in as_completed(pending):
            found[pending[each]] = each.result()
            if progress is not None:
                progress("analysing", len(found), len(names))
    except BrokenProcessPool as error:
        raise KicklintError(KILLED) from error
    except BaseException:  # an interrupt must not wait for worlds that nobody wants any more
        for process in list(pool._processes.values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return found


def begin(own: Path | None) -> None:
    """In a new process: the rules ``own`` of the one that began it, and an end no later than that one's."""
    use_own_rules(own)
    # The first process says when it is over, whoever of all of them was sent the signal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # comes back only when it was killed: else this process is ended before
        os._exit(1)


@lru_cache(maxsize=1)
def _sources(tree: Path, folder: Path | None) -> tuple[KeptTree, Sources, Store | None]:
    """The files of ``tree`` in this process, for all worlds that come to it, and the store in ``folder``."""
    kept = KeptTree(DirectoryTree(tree))
    store = Store(folder) if folder is not None else None
    return kept, Sources(kept, store=store), store


def _world_of(tree: Path, name: str, select: frozenset[str], folder: Path | None) -> WorldResult:
    kept, sources, store = _sources(tree, folder)
    result = run_world(name, load_rulebook(), sources, select)
    sources.leave(name)
    Remembered(kept, select, store).keep(result)
    return result

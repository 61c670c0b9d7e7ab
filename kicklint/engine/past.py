"""The summaries of a tree's worlds, from one run of kicklint to the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kicklint.engine.flows import Flows
from kicklint.engine.known import remember, written
from kicklint.engine.remembered import kept_key
from kicklint.engine.sources import Sources
from kicklint.engine.world import World
from kicklint.store import Store

# The first letters of the keys of summaries, which the store makes a folder of.
_FOLDER = "su"


@dataclass(frozen=True, slots=True)
class Past:
    """What ``store`` has of earlier runs over the tree at ``root``, whatever was in it then.

    There is one entry for each world. Whether a summary in it still holds is decided for each by itself.
    """

    store: Store
    root: Path

    def flows(self, architecture: str) -> Flows:
        """The graphs that earlier runs over the world of ``architecture`` have kept."""
        return Flows(self.store, self.root, architecture)

    def recall(self, world: World, sources: Sources) -> None:
        """Let ``world`` of ``sources``, which was just opened, know what is left of earlier runs.

        That is read when the world is run for the first time. In the first run of all only the graphs that
        opening it took are kept: nearly all functions are lowered then, for what is not asked for again.
        """
        if sources.flows is not None and not self.store.holds(self._key(world.architecture)):
            sources.flows.keep()
            sources.flows = None
        world.history.later = lambda: remember(world, self.store.get(self._key(world.architecture)))

    def keep(self, world: World, *, complete: bool) -> None:
        """Keep what was run over ``world``; ``complete`` says that every rule was, over all of it."""
        text = written(world, complete=complete)
        if text is not None:
            self.store.put(self._key(world.architecture), text)

    def _key(self, architecture: str) -> str:
        return kept_key(_FOLDER, "summaries", architecture, str(self.root))

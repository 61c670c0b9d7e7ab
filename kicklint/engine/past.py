"""The summaries of a tree's worlds, from one run of kicklint to the next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from kicklint.engine.known import remember, written
from kicklint.engine.remembered import program_digest
from kicklint.engine.world import World
from kicklint.rulebook import own_rules
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

    def recall(self, world: World) -> None:
        """Let ``world``, over which nothing has been run yet, know what is left of earlier runs."""
        remember(world, self.store.get(self._key(world)))

    def keep(self, world: World, *, complete: bool) -> None:
        """Keep what was run over ``world``; ``complete`` says that every rule was, over all of it."""
        text = written(world, complete=complete)
        if text is not None:
            self.store.put(self._key(world), text)

    def _key(self, world: World) -> str:
        digest = hashlib.blake2b(program_digest(own_rules()), digest_size=32)
        digest.update(f"summaries\0{world.architecture}\0{self.root}".encode("utf-8", "surrogateescape"))
        return _FOLDER + digest.hexdigest()[len(_FOLDER) :]

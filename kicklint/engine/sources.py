"""The parsed files of a tree, each once, and which of them make a world."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from kicklint.base import Note, Severity, SourceError, Span
from kicklint.engine.flows import Flows
from kicklint.engine.kept import Shelf
from kicklint.engine.remembered import file_key
from kicklint.events import EventGraph
from kicklint.flow import ControlFlowGraph
from kicklint.rulebook import own_rules, rules_directory
from kicklint.source import SourceTree
from kicklint.store import Store
from kicklint.syntax import Dialect, SyntaxFile, load_dialect, packed, parse_file, unpacked

# Five times the largest file of KVM. Parsing takes a hundred times a file's size, in bad cases more.
_LARGEST = 2 << 20


def dialect() -> Dialect:
    """The dialect that comes with kicklint, with that of own rules upon it."""
    return _dialect(own_rules())


@lru_cache(maxsize=4)
def _dialect(own: Path | None) -> Dialect:
    return load_dialect(rules_directory() / "dialect.toml", own)


@dataclass(slots=True)
class ReadFile:
    """A file that was parsed, with the graphs that were made of its functions since."""

    syntax: SyntaxFile
    flow: Shelf[ControlFlowGraph] = field(default_factory=Shelf)
    graphs: Shelf[EventGraph] = field(default_factory=Shelf)


Parsed = dict[tuple[str, bytes], ReadFile]
"""Files that were parsed before, by path and content."""


class Sources:
    """Parses files of ``tree`` on demand and keeps them.

    What ``parsed`` holds is not parsed again, nor is what ``store`` has from an earlier run. ``flows`` are
    the graphs of earlier runs over the world that is being looked at.
    """

    def __init__(
        self,
        tree: SourceTree,
        progress: Callable[[str, int, int], None] | None = None,
        parsed: Parsed | None = None,
        store: Store | None = None,
    ) -> None:
        self.tree = tree
        self.progress = progress
        self.store = store
        self.parsed: Parsed = {} if parsed is None else parsed
        self.again = parsed is not None
        self.flows: Flows | None = None
        self.files: dict[str, ReadFile] = {}
        self.notes: list[Note] = []
        self.failed: set[str] = set()

    def load(self, paths: tuple[str, ...]) -> list[SyntaxFile]:
        """The files at ``paths`` that are C and could be read; the others leave a note."""
        wanted = [path for path in paths if path.endswith((".c", ".h"))]
        found = []
        for index, path in enumerate(wanted):
            if path not in self.files and path not in self.failed:
                if self.progress is not None:
                    self.progress("parsing", index, len(wanted))
                self._parse(path)
            if path in self.files:
                found.append(self.files[path].syntax)
        return found

    def _parse(self, path: str) -> None:
        try:
            source = self.tree.read(path)
        except SourceError as error:
            self.failed.add(path)
            self.notes.append(Note("unreadable-file", Severity.ERROR, str(error), Span(path, 1, 1, 1, 1)))
            return
        if len(source) > _LARGEST:
            self.failed.add(path)
            said = f"{path}: {len(source) >> 20} MiB are more than is read ({_LARGEST >> 20} MiB); left out"
            self.notes.append(Note("large-file", Severity.ERROR, said, Span(path, 1, 1, 1, 1)))
            return
        key = (path, source)
        if key not in self.parsed:
            self.parsed[key] = ReadFile(self._read(path, source))
        self.files[path] = self.parsed[key]

    def _read(self, path: str, source: bytes) -> SyntaxFile:
        """The file as it was kept, else parsed and kept."""
        key = file_key(source) if self.store is not None else ""
        data = self.store.get(key) if self.store is not None else None
        if data is not None:
            with contextlib.suppress(ValueError):
                return unpacked(path, source, data, dialect())
        found = parse_file(path, source, dialect())
        found.let_go()
        if self.store is not None:
            self.store.put(key, packed(found))
        return found

    def keeps(self, path: str) -> bool:
        """Whether graphs of the file at ``path`` may be asked for again, by another world or tree."""
        return self.again or not path.startswith("arch/")

    def leave(self, architecture: str) -> None:
        """Forget the files that only the world of ``architecture`` has, unless other trees may have them."""
        if self.again or not architecture:
            return
        for path in [each for each in self.files if each.startswith(f"arch/{architecture}/")]:
            file = self.files.pop(path)
            self.parsed.pop((path, file.syntax.source), None)

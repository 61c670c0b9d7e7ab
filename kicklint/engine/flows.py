"""Control-flow graphs from one run of kicklint to the next.

What an edit or a patch bears on has to be lowered again and again: the functions around it, and those that
the search for state behind requests goes by. They are kept by the text of the function and by the answers
about names that were asked for (kept.py), so an edit elsewhere in the file does not matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kicklint.engine.kept import Kept, Question
from kicklint.engine.remembered import kept_key
from kicklint.flow import ControlFlowGraph, graph_of, rows_of
from kicklint.store import Store
from kicklint.syntax import Function, SyntaxFile

# The first letters of the keys, which the store makes a folder of.
_FOLDER = "gr"
# Entries of one file: three times what the largest file of KVM has functions.
_MOST = 1000


@dataclass(slots=True)
class _File:
    """The graphs of one file: by digest of the function's text, each as it is written."""

    file: SyntaxFile
    digests: dict[str, str]
    entries: dict[str, list[Any]]
    new: bool = False


@dataclass(slots=True)
class Flows:
    """The graphs that ``store`` has of the world of ``architecture`` in the tree at ``root``."""

    store: Store
    root: Path
    architecture: str
    _files: dict[tuple[str, int], _File] = field(default_factory=dict)

    def find(
        self, file: SyntaxFile, function: Function, watched: frozenset[str], ask: Callable[[Question], object]
    ) -> Kept[ControlFlowGraph] | None:
        """The graph of ``function`` of ``file``, and the answers that it goes by; None where it is not known.

        ``watched`` are the members whose reads are nodes, ``ask`` is as in Shelf.
        """
        known = self._file(file)
        try:
            watching, said, rows = known.entries[known.digests[function.identifier]]
            answers: dict[Question, object] = {(what, name): _answer(plain) for what, name, plain in said}
            if sorted(watched) == watching and all(ask(each) == answer for each, answer in answers.items()):
                return Kept(graph_of(rows, function.path, function.start_line), (), answers)
        except (KeyError, ValueError, TypeError, IndexError):
            return None  # nothing, or somebody else's idea of such a file
        return None

    def add(
        self,
        file: SyntaxFile,
        function: Function,
        watched: frozenset[str],
        made: ControlFlowGraph,
        answers: dict[Question, object],
    ) -> None:
        """Note the graph that was ``made``, for ``keep``."""
        known = self._file(file)
        digest = known.digests.get(function.identifier)
        if digest is not None:
            said = [[*question, answer] for question, answer in answers.items()]
            known.entries.pop(digest, None)
            known.entries[digest] = [sorted(watched), said, rows_of(made, function.start_line)]
            known.new = True

    def keep(self) -> None:
        """Write what was added."""
        merged: dict[str, dict[str, list[Any]]] = {}
        for (path, _), file in self._files.items():
            if file.new:
                merged.setdefault(path, {}).update(file.entries)
                file.new = False
        for path, entries in merged.items():
            kept = dict(list(entries.items())[-_MOST:])
            self.store.put(self._key(path), json.dumps(kept, separators=(",", ":")).encode())

    def _file(self, file: SyntaxFile) -> _File:
        place = (file.path, id(file))
        if place not in self._files:
            names = (each.identifier for each in file.functions)
            digests = dict(zip(names, file.digests, strict=True))
            self._files[place] = _File(file, digests, self._read(file.path))
        return self._files[place]

    def _read(self, path: str) -> dict[str, list[Any]]:
        text = self.store.get(self._key(path))
        try:
            said = json.loads(text) if text is not None else {}
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}

    def _key(self, path: str) -> str:
        return kept_key(_FOLDER, "flows", self.architecture, str(self.root), path)


def _answer(plain: Any) -> object:
    """An answer about a name: whether it is a function, or what matters of a macro (see ``meaning``)."""
    match plain:
        case [name, parameters, variadic, body]:
            return name, None if parameters is None else tuple(parameters), variadic, body
    return plain

"""How much of a tree the front end understands, measured against Universal Ctags."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kicklint.base import Coverage, DamagedFunction, KicklintError, MissedFunction
from kicklint.syntax.dialect import Dialect
from kicklint.syntax.model import Function, SyntaxFile
from kicklint.syntax.parse import parse_file

# The reason that explains nothing.
NOT_FOUND = "not found"
_LISTER = "ctags"
_OPTIONS = (
    "--options=NONE",
    "--language-force=C",
    "--kinds-C=f",
    "--fields=+n",
    "--output-format=json",
    "--sort=no",
    "-o",
    "-",
    "-L",
    "-",
)


class Files(Protocol):
    """What measuring needs of a source tree. Paths are relative to it, with forward slashes."""

    def paths(self) -> tuple[str, ...]:
        """Every file of the tree."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of one file; raises SourceError."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class _Tag:
    path: str
    line: int
    name: str


def measure(tree: Files, dialect: Dialect, *, paths: Sequence[str] | None = None) -> Coverage:
    """Parse the tree's C files (or those of ``paths``) and say what was understood.

    Where Universal Ctags is installed, every function definition that it lists is
    looked for by name and line; those not found are in ``missed``, each with the
    reason. Raises SourceError for a file that cannot be read, KicklintError when ctags fails.
    """
    chosen = [path for path in (tree.paths() if paths is None else paths) if path.endswith((".c", ".h"))]
    sources = {path: tree.read(path) for path in chosen}
    files = {path: parse_file(path, source, dialect) for path, source in sources.items()}
    functions = [function for file in files.values() for function in file.functions]
    damaged = [
        DamagedFunction(function.path, function.span.line, function.name, reason)
        for function in functions
        for reason in function.damage[:1]
    ]
    tags = _list_functions(sources)
    return Coverage(
        files=len(files),
        functions=len(functions),
        damaged=tuple(sorted(damaged)),
        reference=None if tags is None else len(tags),
        missed=() if tags is None else tuple(_missed(tags, files, dialect)),
    )


def _list_functions(sources: Mapping[str, bytes]) -> frozenset[_Tag] | None:
    """What ctags lists, None when it is not installed.

    It reads copies: the tree need not be on disk, and what it holds there may
    not be what was parsed.
    """
    program = shutil.which(_LISTER)
    if program is None:
        return None
    with tempfile.TemporaryDirectory(prefix="kicklint-") as name:
        folder = Path(name)
        for path, source in sources.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source)
        done = subprocess.run(
            (program, *_OPTIONS),
            input="\n".join(sources).encode(),
            cwd=folder,
            capture_output=True,
            check=False,
        )
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()
        raise KicklintError(f"{_LISTER} failed with status {done.returncode}: {message}")
    tags = set()
    for line in done.stdout.decode(errors="replace").splitlines():
        entry = json.loads(line)
        if entry.get("_type") == "tag":
            tags.add(_Tag(str(entry["path"]), int(entry["line"]), str(entry["name"])))
    return frozenset(tags)


def _missed(
    tags: Iterable[_Tag], files: Mapping[str, SyntaxFile], dialect: Dialect
) -> Iterable[MissedFunction]:
    by_path: dict[str, dict[int, list[Function]]] = defaultdict(lambda: defaultdict(list))
    macros: dict[str, str] = {}
    for file in files.values():
        for function in file.functions:
            by_path[file.path][function.span.line].append(function)
        for macro in file.macros:
            macros.setdefault(macro.name, f"{file.path}:{macro.span.line}")
    for tag in sorted(tags):
        here = by_path[tag.path][tag.line]
        if not any(function.name == tag.name for function in here):
            reason = _reason(tag, files[tag.path], here, macros, dialect)
            yield MissedFunction(tag.path, tag.line, tag.name, reason)


def _reason(
    tag: _Tag, file: SyntaxFile, here: Iterable[Function], macros: Mapping[str, str], dialect: Dialect
) -> str:
    for function in here:
        if function.name.startswith(f"{tag.name}("):
            return f"the macro {tag.name} makes the name: the function is known as {function.name}"
    for explanation in dialect.explanations:
        if explanation.pattern.search(tag.name):
            return explanation.reason
    if tag.name in macros:
        return f"{tag.name} is invoked here, a macro of {macros[tag.name]}, not a function"
    for line, reason in file.file_damage:
        if line >= tag.line:
            return f"line {line}: {reason}"
    return NOT_FOUND

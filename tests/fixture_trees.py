"""Annotated C in ``fixtures/rules`` as trees in memory, and what is expected of each line.

A comment at the end of a line states what the line is to give: ``/* expect: KICK003 */``,
``/* ok */`` (nothing, in a place where something could be), ``/* todo-expect: KICK003 */``
(a known miss) or ``/* todo-ok: KICK003 */`` (a known false report).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kicklint.base import Report, SourceError
from kicklint.engine.analysis import AnalysisRequest, analyse_tree
from kicklint.engine.sources import Parsed
from kicklint.source import OverlayTree, SourceTree

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "fixtures/rules"
DEMO = ROOT / "fixtures/demo-tree"
RUN = "arch/toyarch/kvm/run.c"
ENTRY = "arch/toyarch/kvm/entry.S"
HEADER = "include/linux/kvm_host.h"

_NOTE = re.compile(r"/\* (?:(expect|todo-expect|todo-ok): (KICK\d{3}(?:, KICK\d{3})*)|ok) \*/")
_WORLD = re.compile(r"/\* world: (\w+) \*/")
_PARSED: Parsed = {}

THE_FIRST = frozenset({"KICK000", "KICK001", "KICK002", "KICK003"})
"""The rules that the fixtures of these four are judged by, together."""

Marks = frozenset[tuple[str, int]]
"""Pairs of rule and line."""


@dataclass(frozen=True)
class MemoryTree:
    """A tree that is a table of paths and texts."""

    files: tuple[tuple[str, bytes], ...] = ()
    root: Path = Path("memory")

    def paths(self) -> tuple[str, ...]:
        """The paths, in the order of the table."""
        return tuple(path for path, _ in self.files)

    def read(self, path: str) -> bytes:
        """The bytes of one file."""
        for each, text in self.files:
            if each == path:
                return text
        raise SourceError(f"{path}: is not in the tree")

    def architectures(self) -> tuple[str, ...]:
        """The names X of arch/X/kvm."""
        parts = [path.split("/") for path in self.paths()]
        return tuple(sorted({each[1] for each in parts if each[0] == "arch" and each[2] == "kvm"}))


@dataclass(frozen=True)
class Expectation:
    """What the annotations of one file say: findings there must be, known misses, known false reports."""

    expected: Marks
    missed: Marks
    false: Marks
    noted: frozenset[int]


def expectation(text: str, rules: frozenset[str] = frozenset()) -> Expectation:
    """Read the annotations of a fixture, for ``rules`` only (empty: all)."""
    kinds: dict[str, set[tuple[str, int]]] = {"expect": set(), "todo-expect": set(), "todo-ok": set()}
    noted = set()
    for number, line in enumerate(text.splitlines(), 1):
        for match in _NOTE.finditer(line):
            noted.add(number)
            if match[1]:
                named = [rule for rule in match[2].split(", ") if not rules or rule in rules]
                kinds[match[1]] |= {(rule, number) for rule in named}
    return Expectation(
        frozenset(kinds["expect"]),
        frozenset(kinds["todo-expect"]),
        frozenset(kinds["todo-ok"]),
        frozenset(noted),
    )


@lru_cache(maxsize=1)
def base() -> SourceTree:
    """What every fixture is compiled against: the model's header and an entry in assembly."""
    entry = b"SYM_FUNC_START(__toy_enter_guest)\n\tret\nSYM_FUNC_END(__toy_enter_guest)\n"
    return MemoryTree(((HEADER, (DEMO / HEADER).read_bytes()), (ENTRY, entry)))


def tree_of(text: str, architecture: str = "toyarch", **more: str) -> OverlayTree:
    """A tree whose run loop is ``text``; ``more`` are other files of the architecture by name."""
    files: dict[str, bytes | None] = {run_of(architecture): text.encode()}
    for name, content in more.items():
        files[f"arch/{architecture}/kvm/{name}.c"] = content.encode()
    return OverlayTree(base(), files)


def run_of(architecture: str) -> str:
    """The file that a fixture is put at."""
    return RUN.replace("toyarch", architecture)


def world_of(text: str) -> str:
    """The architecture that the first line of a fixture asks for, or the made-up one."""
    match = _WORLD.match(text)
    return match[1] if match else "toyarch"


def report_on(tree: SourceTree, select: frozenset[str] = THE_FIRST) -> Report:
    """What the rules ``select`` say of ``tree``."""
    return analyse_tree(tree, AnalysisRequest(Path("memory"), select=select), _PARSED)


def found_in(report: Report, path: str = RUN) -> Marks:
    """The findings of one file, as rules and lines."""
    return frozenset((each.rule, each.span.line) for each in report.findings if each.span.path == path)


def fixtures() -> list[Path]:
    """Every annotated file, in order."""
    return sorted(FIXTURES.glob("KICK*/*.c"))


def name_of(path: Path) -> str:
    """How a test of this fixture is called."""
    return path.relative_to(FIXTURES).with_suffix("").as_posix()

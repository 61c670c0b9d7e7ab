"""The house: sizes, imports, and what may be named where."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kicklint

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "kicklint"
SOURCES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

# (file, what it imports late): why. Times are of `python -X importtime`, Python 3.11.
# A late import is for start-up only; a cycle is solved by moving code.
LATE_IMPORTS = {
    ("render/formats.py", "kicklint.render.sarif"): "sarif_om takes 70 ms, and one format of four needs it",
    ("render/review/formats.py", "kicklint.render.review.sarif"): "as render/formats.py",
    (
        "cli/request.py",
        "kicklint",
    ): "the engine with tree-sitter takes 40 ms, which --help need not wait for",
    (
        "engine/analysis.py",
        "kicklint.engine.run",
    ): "reading and analysing C takes 150 ms, which known results need not wait for",
    ("engine/analysis.py", "kicklint.engine.sources"): "as kicklint.engine.run",
    ("engine/analysis.py", "kicklint.engine.workers"): "as kicklint.engine.run",
    ("engine/__init__.py", "kicklint.engine.comparing"): "as kicklint.engine.run",
    ("engine/__init__.py", "kicklint.engine.sources"): "as kicklint.engine.run",
    ("engine/__init__.py", "kicklint.engine.function_graph"): "as kicklint.engine.run",
    ("engine/__init__.py", "kicklint.engine.inventory"): "as kicklint.engine.run",
    ("engine/__init__.py", "kicklint.syntax.coverage"): "as kicklint.engine.run",
    ("triage/comments.py", "kicklint.syntax"): "the parser takes 40 ms, which no tree without comments needs",
    ("cli/examine.py", "kicklint"): "as cli/request.py",
    ("cli/config.py", "kicklint"): "as cli/request.py",
    ("cli/review.py", "kicklint"): "as cli/request.py",
    ("cli/archive.py", "kicklint"): "as cli/request.py",
    ("cli/intake.py", "kicklint"): "as cli/request.py",
    ("cli/appendix.py", "kicklint"): "as cli/request.py",
    ("cli/watching.py", "kicklint"): "as cli/request.py",
    ("cli/hook.py", "kicklint"): "as cli/request.py",
    ("cli/server.py", "kicklint.server"): "pygls takes 360 ms and may not be installed",
    ("cli/waive.py", "kicklint.triage"): "as cli/request.py",
    ("cli/mending.py", "kicklint"): "as cli/request.py",
    ("cli/hook.py", "kicklint.triage"): "as cli/request.py",
    ("cli/sites.py", "kicklint"): "as cli/request.py",
    ("cli/show.py", "kicklint"): "as cli/request.py",
    ("cli/coverage.py", "kicklint"): "as cli/request.py",
}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def named(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def functions(path: Path) -> Iterator[_Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, _Function):
            yield node


def late_imports(path: Path) -> Iterator[tuple[str, str]]:
    for function in functions(path):
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom):
                yield named(path), node.module or "."
            elif isinstance(node, ast.Import):
                yield from ((named(path), alias.name) for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_size(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE
    long = {
        function.name: length
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    }
    assert not long


def test_imports_stand_at_the_top() -> None:
    found = {each for path in SOURCES for each in late_imports(path)}
    assert found == set(LATE_IMPORTS)


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_kernel_function_is_named(path: Path) -> None:
    """Names of kernel functions live in rules/."""
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"\bkvm_[a-z0-9_]+\b", text) == []


def test_no_room_for_odds_and_ends() -> None:
    vague = {"util", "utils", "helper", "helpers", "misc", "common"}
    assert [named(path) for path in SOURCES if vague & set(path.with_suffix("").parts)] == []


def test_every_room_says_what_it_is() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), named(path)


def test_import_contracts() -> None:
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if program is None:
        assert not os.environ.get("CI"), "import-linter is not installed"
        pytest.skip("import-linter is not installed: pip install kicklint[test]")
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not os.environ.get("CI"), reason="only CI tests the installed wheel")
def test_the_installed_wheel_is_tested() -> None:
    assert kicklint.__file__ is not None
    assert "site-packages" in Path(kicklint.__file__).parts
    assert ROOT not in [Path(each or ".").resolve() for each in sys.path]
    installed = Path(kicklint.__file__).parent
    for folder, inside in (("kicklint", installed), ("rules", installed / "rules")):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".toml", ".typed"):
                there = inside / path.relative_to(ROOT / folder)
                assert there.read_bytes() == path.read_bytes(), path


def test_nothing_names_a_machine() -> None:
    """No path of a developer's machine in what is published."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split("\0")
    pattern = re.compile(r"(?<![\w.])/(?:home|Users|work|root)/\w")
    wrong = [
        name
        for name in listed
        if name and (ROOT / name).is_file() and pattern.search((ROOT / name).read_text("utf-8", "replace"))
    ]
    assert wrong == []

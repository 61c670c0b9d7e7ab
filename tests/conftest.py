"""What tests of every room need: kernels and outside programs.

Where one is missing a test is skipped with a word on how to get it; under CI=true it
fails instead, because a gate that skips itself is none.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Tests test the analysis, not what an earlier run has said; tests/test_store.py sees to the latter.
os.environ["KICKLINT_NO_CACHE"] = "1"
IN_CI = os.environ.get("CI", "").lower() in ("true", "1")
_MULTITOOL = ROOT / ".cache/node/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"


def missing(what: str, remedy: str) -> NoReturn:
    """Skip, or fail under CI=true."""
    text = f"{what} is missing: {remedy}"
    if IN_CI:
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scripts_{name}", ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever takes a kernel carries the marker, so that ``-m 'not kernel'`` works."""
    for item in items:
        if {"kernel", "kernels"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("kernel")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def load_script() -> Callable[[str], ModuleType]:
    """Loads ``scripts/NAME.py`` as a module."""
    return _script


@pytest.fixture(scope="session")
def kernels() -> dict[str, Path]:
    """The unpacked kernels by version: 6.12 and 6.1."""
    script = _script("kernels")
    folder = script.default_folder()
    trees = {version: folder / version for version in script.VERSIONS}
    absent = [version for version, tree in trees.items() if not script.is_kernel(tree)]
    if absent:
        missing(f"kernel {', '.join(absent)} in {folder}", "run python scripts/kernels.py")
    return trees


@pytest.fixture(scope="session", params=["6.12", "6.1"])
def kernel(request: pytest.FixtureRequest, kernels: dict[str, Path]) -> Path:
    """Each kernel's tree in turn."""
    return kernels[request.param]


@pytest.fixture(scope="session")
def ctags() -> str:
    """Universal Ctags."""
    program = shutil.which("ctags")
    if program is not None:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        if "Universal Ctags" in version:
            return program
    missing("Universal Ctags", "run scripts/system.sh")


@pytest.fixture(scope="session")
def dot() -> str:
    """Graphviz."""
    return shutil.which("dot") or missing("Graphviz", "run scripts/system.sh")


@pytest.fixture(scope="session")
def chromium() -> str:
    """A browser to open reports in."""
    return shutil.which("chromium") or missing("Chromium", "run scripts/system.sh")


@pytest.fixture(scope="session")
def multitool() -> Path:
    """Microsoft's SARIF multitool; KICKLINT_MULTITOOL names another than scripts/system.sh gets."""
    program = Path(os.environ.get("KICKLINT_MULTITOOL") or _MULTITOOL)
    if not os.access(program, os.X_OK):
        missing("the SARIF multitool", "run scripts/system.sh")
    return program

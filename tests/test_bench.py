"""What `make bench` reckons with; the times themselves are no test's business."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from fixture_trees import DEMO

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    for name in ("measure", "show", "states", "trees"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    spec = importlib.util.spec_from_file_location("bench_bench", BENCH / "bench.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_exponent_of_growth(bench: ModuleType) -> None:
    for power in (0.5, 1.0, 2.0):
        points = [(size, 3 * size**power) for size in (10, 20, 40, 80)]
        assert bench.exponent(points) == pytest.approx(power)


def test_medians_ratios_and_drawing(bench: ModuleType) -> None:
    measure, show = sys.modules["measure"], sys.modules["show"]
    samples = [measure.Sample(wall, wall / 2, 100) for wall in (4.0, 1.0, 2.0)]
    fast = measure.summary(show.PARSE, samples)
    slow = measure.summary("kicklint, <cold>", [measure.Sample(8.0, 8.0, 200)])
    assert (fast.wall, fast.cpu, fast.fastest, fast.slowest) == (2.0, 1.0, 1.0, 4.0)
    lines = show.table([fast, slow], [show.PARSE, "missing"]).splitlines()
    assert lines[0].split()[-3:] == ["/", "tree-sitter", "parse"]
    assert lines[2].split()[-1] == "4.00"
    drawn = ElementTree.fromstring(show.chart([fast, slow], "a & b"))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}rect")) == 3
    found = json.loads(show.as_json([fast, slow], {"kernel": "x"}))
    assert (found["kernel"], found["results"][1]["memory"]) == ("x", 200)


def test_a_command_that_fails_is_no_time(bench: ModuleType, tmp_path: Path) -> None:
    measure = sys.modules["measure"]
    good = measure.Case("good", ((sys.executable, "-c", "x = bytearray(40 << 20)"),), tmp_path)
    taken = measure.once(good)
    assert taken.wall > 0
    assert 40 < taken.memory < 400
    bad = measure.Case("bad", ((sys.executable, "-c", "raise SystemExit(3)"),), tmp_path)
    with pytest.raises(SystemExit, match="status 3"):
        measure.once(bad)


def test_trees(bench: ModuleType, tmp_path: Path) -> None:
    trees = sys.modules["trees"]
    one = trees.multiplied(DEMO, tmp_path / "1", 1)
    three = trees.multiplied(DEMO, tmp_path / "3", 3)
    generic = sum((DEMO / path).stat().st_size for path in trees.kvm_files(DEMO) if path[:4] != "arch")
    assert three - generic == 3 * (one - generic)
    assert sorted(path.name for path in (tmp_path / "3/arch").iterdir()) == ["riscv0n", "riscv1n", "riscv2n"]
    assert trees.copied(DEMO, tmp_path / "c") == one


def test_what_stands_on_the_disk_before_a_run(bench: ModuleType, tmp_path: Path) -> None:
    trees, states, measure = (sys.modules[name] for name in ("trees", "states", "measure"))
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    trees.copied(DEMO, tree)
    path = "virt/kvm/kvm_main.c"
    plain = (tree / path).read_text()
    check = measure.Case(
        "check", ((sys.executable, "-c", f"open({str(cache / 'run')!r}, 'a').write('1')"),), tree
    )
    found = states.States(tree, {"generic": path}, check, cache)
    found.commit()
    found.known("generic", staged=True)()
    changed = (tree / path).read_text()
    assert changed.replace("\tbarrier();\n", "", 1) == plain
    assert git(tree, "diff", "--cached", "--name-only") == path
    assert (cache / "run").read_text() == "1"
    patch = tmp_path / "patch"
    patch.write_text(found.patch("generic"))
    found.known()()
    assert (tree / path).read_text() == plain
    assert git(tree, "status", "--porcelain") == ""
    assert (cache / "run").read_text() == "1"  # filled once, and copied
    git(tree, "apply", str(patch))
    assert (tree / path).read_text() == changed
    found.empty()
    assert (tree / path).read_text() == plain
    assert not list(cache.iterdir())


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_it_runs(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(BENCH / "bench.py"),
        "--kernel",
        str(DEMO),
        "--runs",
        "1",
        "--only",
        "parse",
    ]
    command += ["--json", str(tmp_path / "b.json"), "--svg", str(tmp_path / "b.svg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tree-sitter parse" in done.stdout
    assert (tmp_path / "b.svg").is_file()

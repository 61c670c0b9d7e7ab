"""Results of earlier runs: kept whole or not at all, believed only where nothing differs, never needed."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fixture_trees import DEMO, ENTRY, FIXTURES, tree_of
from patches import diff, edited, mail, text_of

from kicklint.base import Finding, Report, Severity, SourceError, Span, Step, StepKind
from kicklint.engine import remembered
from kicklint.engine.analysis import AnalysisRequest, analyse_tree
from kicklint.engine.drafts import Draft
from kicklint.engine.escalation import WorldResult
from kicklint.source import DirectoryTree, KeptTree, OverlayTree, SourceTree
from kicklint.store import Store, decoded, default_folder, encoded

KEY = "ab" + "0" * 62
OTHER = "cd" + "1" * 62
RUN = "arch/riscv/kvm/vcpu.c"
HOST = "include/linux/kvm_host.h"
# Path, what is replaced, by what; the report of the demo tree differs after each but the first.
EDITS = (
    (RUN, "", ""),
    (HOST, "struct kvm;\n", "struct kvm;\n\n"),
    (HOST, "READ_ONCE(vcpu->requests) != 0", "0"),
    (RUN, "|| kvm_request_pending(vcpu) ||", "||"),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def changed(*edits: tuple[str, str, str]) -> SourceTree:
    tree: SourceTree = DirectoryTree(DEMO)
    for path, old, new in edits:
        text = tree.read(path).decode()
        assert old in text
        tree = OverlayTree(tree, {path: text.replace(old, new, 1).encode()})
    return tree


def kicklint(folder: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder), "KICKLINT_NO_CACHE": ""}
    command = [sys.executable, "-m", "kicklint.cli", *arguments]
    settings: dict[str, object] = {"env": environment, **options}
    return subprocess.run(command, capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload, no-any-return]


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def results(folder: Path) -> list[Path]:
    """What worlds say. Files, summaries, graphs, edits and comparisons have folders of their own."""
    return [path for path in entries(folder) if path.parent.name not in ("co", "ed", "fi", "gr", "su")]


# The store itself


def test_what_was_put_is_there(store: Store) -> None:
    assert store.get(KEY) is None
    store.put(KEY, b"one")
    store.put(OTHER, b"")
    assert (store.get(KEY), store.get(OTHER)) == (b"one", b"")
    store.put(KEY, b"two")
    assert Store(store.folder).get(KEY) == b"two"


def test_a_file_that_was_cut_or_changed_is_not_there(store: Store) -> None:
    data = bytes(range(256)) * 4
    store.put(KEY, data)
    (file,) = entries(store.folder)
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert store.get(KEY) is None, length
        assert not file.exists()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert store.get(KEY) is None, place
    file.write_bytes(whole + b"\0")
    assert store.get(KEY) is None
    store.put(KEY, data)
    assert store.get(KEY) == data


def test_an_entry_that_unpacks_to_more_than_is_allowed_is_not_there(store: Store) -> None:
    store.put(KEY, bytes(65 << 20))
    assert entries(store.folder) == []


def test_the_folder_stays_within_its_bounds(tmp_path: Path) -> None:
    data = os.urandom(1000)
    for number in range(40):
        Store(tmp_path / "s", limit=20_000).put(f"{number:064x}", data)
        for path in entries(tmp_path / "s"):
            os.utime(path, (path.stat().st_mtime - 10,) * 2)
    kept = Store(tmp_path / "s")
    assert kept.get(f"{39:064x}") == data
    assert kept.get(f"{0:064x}") is None
    assert 10_000 < sum(path.stat().st_size for path in entries(tmp_path / "s")) < 22_000


def test_what_a_killed_process_left_is_removed_in_time(store: Store) -> None:
    store.put(KEY, b"one")
    old, new = store.folder / "ab" / ".old", store.folder / "ab" / ".new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    Store(store.folder).put(OTHER, b"two")
    assert not old.exists()
    assert new.exists()  # somebody may be writing it
    assert store.get(KEY) == b"one"


def test_a_folder_that_others_may_write_is_not_believed(store: Store) -> None:
    store.put(KEY, b"one")
    store.folder.chmod(0o777)
    other = Store(store.folder)
    assert other.get(KEY) is None
    other.put(OTHER, b"two")
    assert len(entries(store.folder)) == 1


def test_no_place_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    store = Store(blocked / "results")
    store.put(KEY, b"one")
    assert store.get(KEY) is None
    assert store.clean() == 0


def test_a_disk_that_is_full_is_no_error_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys, os\nfrom pathlib import Path\nfrom kicklint.store import Store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        f"store = Store(Path({str(tmp_path / 's')!r}))\nstore.put({KEY!r}, os.urandom(5000))\n"
        f"assert store.get({KEY!r}) is None\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert entries(tmp_path) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN  # Python's own, here as there


def test_many_write_and_read_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom kicklint.store import Store\n"
        "for turn in range(60):\n"
        f"    store = Store(Path({str(tmp_path / 's')!r}), limit=30_000)\n"
        "    key, data = f'{turn % 7:064x}', bytes([turn % 7]) * 50_000\n"
        "    store.put(key, data)\n    found = store.get(key)\n    assert found in (None, data)\n"
    )
    with ThreadPoolExecutor(10) as pool:
        command = [sys.executable, "-c", code]
        done = list(pool.map(lambda _: subprocess.run(command, capture_output=True, check=False), range(10)))
    assert [each.stderr for each in done] == [b""] * 10
    assert not [path for path in entries(tmp_path) if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/c/kicklint/results"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/kicklint/results"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/kicklint/results"),
        ({"HOME": "relative"}, None),
        ({}, None),
    ],
)
def test_where_it_is(environment: dict[str, str], folder: str | None) -> None:
    assert default_folder(environment) == (Path(folder) if folder else None)


# Values


def test_values_come_back_as_they_were() -> None:
    span = Span("a\udcff.c", 1, 2, 3, 4)
    finding = Finding("R", "n", Severity.ERROR, "m\n\u2028", span, "f", "", ("x86",))
    finding = replace(finding, trail=(Step(StepKind.CALL, span, "f", "s"),))
    draft = Draft(("R", span, "f"), finding)
    guards = (("R", (Step(StepKind.EVENT, span, "g", "t", 2, "s", False),)),)
    result = WorldResult(
        "x86", (draft,), (), frozenset({"R"}), True, frozenset({"b", "a"}), frozenset(), guards
    )
    text = encoded(result)
    assert decoded(WorldResult, text) == result
    assert encoded(decoded(WorldResult, text)) == text


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"null", b"[1,2]", b'["x",[],[],[],1,[],[],[]]', b"\xff"]
)
def test_something_else_is_no_value(text: bytes) -> None:
    with pytest.raises(ValueError):
        decoded(WorldResult, text)


# Reports


def test_no_report_changes(store: Store) -> None:
    request = AnalysisRequest(DEMO, store=store)
    trees = [changed(edit) for edit in EDITS] + [changed(*EDITS), OverlayTree(changed(), {RUN: None})]
    plain = [analyse_tree(tree, replace(request, store=None)) for tree in trees]
    assert len({each.findings for each in plain}) > 2  # the edits do something
    for _ in range(2):
        assert [analyse_tree(tree, request) for tree in trees] == plain
    assert len(results(store.folder)) == len(trees)


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("KICK01[0-9]")))
def test_fixtures_give_the_same_report(name: str, store: Store) -> None:
    for path in sorted((FIXTURES / name).glob("*.c"))[:2]:
        tree = tree_of(path.read_text(encoding="utf-8"))
        request = AnalysisRequest(tree.root, store=store)
        plain = analyse_tree(tree, replace(request, store=None))
        assert [analyse_tree(tree, request) for _ in range(2)] == [plain, plain]


def test_every_file_of_a_world_counts(store: Store) -> None:
    """Also assembly, which says what may be a guest entry: whatever is read is part of the key."""
    text = (FIXTURES / "KICK003/calls.c").read_text(encoding="utf-8")

    class Noting:
        def __init__(self, tree: SourceTree) -> None:
            self.tree, self.root = tree, tree.root
            self.paths, self.architectures = tree.paths, tree.architectures
            self.asked: set[str] = set()

        def read(self, path: str) -> bytes:
            self.asked.add(path)
            return self.tree.read(path)

    tree = Noting(tree_of(text))
    request = AnalysisRequest(tree.root, store=store)
    analyse_tree(tree, replace(request, store=None))
    assert ENTRY in tree.asked
    read = tree.asked
    tree.asked = set()
    known = remembered.Remembered(KeptTree(tree), frozenset(), store)
    assert known.find("toyarch") is None
    assert read <= tree.asked
    for path in sorted(read):
        try:
            there = tree_of(text).read(path)
        except SourceError:
            there = b""  # one that was looked for in vain may come
        other = OverlayTree(tree_of(text), {path: there + b"\n"})
        plain = analyse_tree(other, replace(request, store=None))
        assert [analyse_tree(other, request) for _ in range(2)] == [plain, plain]
    assert len(results(store.folder)) == len(read)


def test_other_rules_or_another_program_are_another_result(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = AnalysisRequest(DEMO, store=store)
    analyse_tree(changed(), replace(request, select=frozenset({"KICK001"})))
    analyse_tree(changed(), request)
    assert len(results(store.folder)) == 2
    monkeypatch.setattr(remembered, "program_digest", lambda own: b"another")
    analyse_tree(changed(), request)
    assert len(results(store.folder)) == 3


@pytest.mark.parametrize("rule", [f"KICK{number:03}" for number in range(1, 19)])
def test_what_all_rules_say_is_what_one_of_them_says(rule: str, store: Store) -> None:
    """Whatever was kept of all of them; the fixture of KICK008 has what two other rules leave to it."""
    for place in (f"KICK{rule[-3:]}", "KICK008"):
        path = next(each for each in sorted((FIXTURES / place).glob("*.c")) if "good" not in each.stem)
        tree = tree_of(path.read_text(encoding="utf-8"))
        request = AnalysisRequest(tree.root, store=store, select=frozenset({rule}))
        plain = analyse_tree(tree, replace(request, store=None))
        analyse_tree(tree, replace(request, select=frozenset()))
        kept = len(results(store.folder))
        assert analyse_tree(tree, request) == plain
        hidden = rule in ("KICK009", "KICK010") and place == "KICK008"
        assert len(results(store.folder)) == kept + hidden


def test_a_tree_with_a_file_that_cannot_be_read_is_not_kept(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    subprocess.run(["cp", "-r", str(DEMO), str(folder)], check=True)
    (folder / "virt/kvm/gone.c").symlink_to(folder / RUN)
    tree = DirectoryTree(folder)
    report = _vanishing(tree, "virt/kvm/gone.c", AnalysisRequest(folder, store=store))
    assert [note.code for note in report.notes] == ["unreadable-file"]
    assert results(tmp_path / "results") == []


def _vanishing(tree: DirectoryTree, path: str, request: AnalysisRequest) -> Report:
    """The report on ``tree`` when the file ``path`` is removed after it was listed."""

    class Vanishing:
        root = tree.root
        architectures = tree.architectures
        read = tree.read

        def paths(self) -> tuple[str, ...]:
            found = tree.paths()
            (tree.root / path).unlink(missing_ok=True)
            return found

    return analyse_tree(Vanishing(), request)


def test_the_command_line(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    arguments = ("check", str(DEMO), "--format", "json")
    plain = kicklint(cache, *arguments, "--no-cache")
    assert (plain.returncode, entries(cache)) == (1, [])
    runs = [kicklint(cache, *arguments) for _ in range(2)]
    assert [(each.returncode, each.stdout) for each in runs] == [(1, plain.stdout)] * 2
    assert len(results(cache)) == 1
    assert stat.S_IMODE((cache / "kicklint/results").stat().st_mode) & 0o077 == 0
    (cache / "kicklint/kernels").mkdir()
    assert kicklint(cache, "clean").stdout.startswith("Removed ")
    assert [path.name for path in (cache / "kicklint").iterdir()] == ["kernels"]
    assert kicklint(cache, "clean").stdout == "There is nothing to remove.\n"


def test_several_processes_give_the_same_report(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    subprocess.run(["cp", "-r", str(DEMO), str(tree)], check=True)
    subprocess.run(["cp", "-r", str(tree / "arch/riscv"), str(tree / "arch/mips")], check=True)
    cache = tmp_path / "cache"
    cache.mkdir()
    runs = [
        kicklint(cache, "check", str(tree), "--format", "json", *more).stdout
        for more in (["--no-cache", "--jobs", "1"], ["--jobs", "2"], ["--jobs", "2"], ["--jobs", "1"])
    ]
    assert len(set(runs)) == 1
    assert len(results(cache)) == 2


@pytest.mark.parametrize("home", ["read-only", "missing", "none"])
def test_without_a_home_it_works_all_the_same(home: str, tmp_path: Path) -> None:
    environment = {name: text for name, text in os.environ.items() if name not in ("XDG_CACHE_HOME", "HOME")}
    environment["KICKLINT_NO_CACHE"] = ""
    if home != "none":  # nothing can be made in /proc, not even by root
        environment["HOME"] = "/proc" if home == "read-only" else str(tmp_path / "nobody")
    done = kicklint(tmp_path, "check", str(DEMO), "--format", "concise", env=environment)
    assert done.returncode == 1, done.stderr
    assert "[KICK001]" in done.stdout
    assert done.stderr.count("\n") == 1


def test_a_review_is_the_same(tmp_path: Path) -> None:
    patch = tmp_path / "patch.eml"
    weaker = edited(RUN, ("|| kvm_request_pending(vcpu) ||", "||"))
    patch.write_bytes(mail(diff(RUN, text_of(RUN), weaker)))
    cache = tmp_path / "cache"
    cache.mkdir()
    arguments = ("review", str(patch), "--tree", str(DEMO), "--format", "json")
    plain = kicklint(cache, *arguments, "--no-cache")
    assert '"rule": "KICK003"' in plain.stdout
    runs = [kicklint(cache, *arguments).stdout for _ in range(2)]
    assert runs == [plain.stdout] * 2
    assert len(results(cache)) >= 2

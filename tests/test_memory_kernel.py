"""The kernel's own litmus tests come out as their files, and the documentation, say."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from kicklint.memory import Declined, Verdict, check, read_litmus, write_litmus

MODEL = Path("tools/memory-model")
_RESULT = re.compile(r"Result: (\w+)")
_LISTED = re.compile(r" {0,2}(\d+)(?: (.*))?")
# A grace period is outside of what is modelled: named, and never answered.
_DECLINED = {"RCU+sync+free": "synchronize_rcu()"}


def _tests(kernel: Path) -> list[Path]:
    found = sorted((kernel / MODEL / "litmus-tests").glob("*.litmus"))
    assert len(found) >= 30, "the folder is there but holds no tests"
    return found


def test_every_test_of_the_folder_has_the_result_in_its_file(kernel: Path) -> None:
    wanted, found = {}, {}
    for path in _tests(kernel):
        text = path.read_text()
        stated = _RESULT.search(text)
        assert stated is not None, path
        wanted[path.stem] = stated[1]
        found[path.stem] = str(check(read_litmus(text)).verdict)
    assert found == wanted


def test_what_is_written_is_the_test_that_was_read(kernel: Path) -> None:
    for path in _tests(kernel):
        program = read_litmus(path.read_text())
        again = read_litmus(write_litmus(program))
        assert check(again).verdict == check(program).verdict, path


def test_the_whole_folder_takes_no_time(kernel: Path) -> None:
    for path in _tests(kernel):
        program = read_litmus(path.read_text())
        begun = time.perf_counter()
        check(program)
        # A hundred milliseconds on a machine that has nothing else to do.
        assert time.perf_counter() - begun < 1, path


def _listings(text: str) -> list[str]:
    """The numbered listings of a document, without their numbers."""
    found: list[str] = []
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        listed = _LISTED.fullmatch(line)
        if listed is not None and int(listed[1]) == len(lines) + 1:
            lines.append(listed[2] or "")
            continue
        if len(lines) > 4:
            found.append("\n".join(lines) + "\n")
        lines = []
    return found


def test_the_documentation_has_the_results_that_it_shows(kernel: Path) -> None:
    text = (kernel / MODEL / "Documentation/litmus-tests.txt").read_text()
    listings = _listings(text)
    wanted, found = [], []
    for listing, following in zip(listings, [*listings[1:], ""], strict=True):
        observed = re.search(r"^Observation (\S+) (\w+)", following, re.MULTILINE)
        if listing.startswith("C ") and observed is not None:
            wanted.append((observed[1], observed[2]))
            found.append((observed[1], str(check(read_litmus(listing)).verdict)))
    assert len(wanted) == 8
    assert found == wanted


def test_the_manual_shows_what_herd_says_of_store_buffering(kernel: Path) -> None:
    manual = (kernel / MODEL / "README").read_text()
    shown = re.search(r"Observation (\S+) (\w+)", manual)
    assert shown is not None
    test = kernel / MODEL / "litmus-tests" / f"{shown[1]}.litmus"
    assert check(read_litmus(test.read_text())).verdict == Verdict(shown[2])


def test_what_waits_for_readers_is_declined_by_name(kernel: Path) -> None:
    text = (kernel / MODEL / "Documentation/litmus-tests.txt").read_text()
    seen = set()
    for listing in _listings(text):
        name = listing.partition("\n")[0].removeprefix("C ").split()[0]
        if name in _DECLINED and listing.startswith("C "):
            seen.add(name)
            with pytest.raises(Declined, match=re.escape(_DECLINED[name])):
                check(read_litmus(listing))
    assert seen == set(_DECLINED)

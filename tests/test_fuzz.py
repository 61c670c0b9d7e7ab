"""Spoilt input of every kind ends in a report or a documented error; fuzz/run.py does the same for hours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = {"c": 40, "header": 25, "fragment": 60, "mail": 40, "rules": 80, "settings": 60, "baseline": 60}
# Shrinking would run what is slow and wrong a thousand times; the failing input is short enough.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
PIECES = (
    *(b"{", b"}", b"(", b")", b";", b"\n", b"\r\n", b"\0", b"\xff\xfe", b'"', b"'", b"/*", b"*/", b"\\"),
    *(b"#if A\n", b"#else\n", b"#endif\n", b"#define X \\\n", b"goto out;", b"return;", b"while (1) {"),
    *(b"switch (x) {", b"case 1:", b"vcpu->mode = IN_GUEST_MODE;", b"kvm_request_pending(vcpu)"),
    *(b"\x1b[31m", b"\xe2\x80\xae", b"[[waiver]]\n", b"= ", b"[", b"]", b"-1", b"null", b"\\u0000"),
    *(b"\n@@ -1 +1 @@\n", b"\n--- a/x\n+++ b/../x\n", b"From: x\n", b"99999999999999999999"),
)


@pytest.fixture(scope="module", autouse=True)
def deep() -> Iterator[None]:
    """The engine raises the recursion limit; hypothesis wants it to stay the same during a test."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20_000))
    yield
    sys.setrecursionlimit(limit)


@lru_cache(maxsize=1)
def targets() -> ModuleType:
    sys.path.insert(0, str(ROOT / "fuzz"))
    try:
        import targets as found
    finally:
        sys.path.pop(0)
    return found


Edit = Callable[[bytes, int, int, bytes], bytes]


def cut(data: bytes, start: int, length: int, _: bytes) -> bytes:
    return data[:start] + data[start + length :]


def ended(data: bytes, start: int, _: int, __: bytes) -> bytes:
    return data[:start]


def twice(data: bytes, start: int, length: int, _: bytes) -> bytes:
    return data[: start + length] + data[start:]


def put(data: bytes, start: int, _: int, piece: bytes) -> bytes:
    return data[:start] + piece + data[start:]


def replaced(data: bytes, start: int, length: int, piece: bytes) -> bytes:
    return data[:start] + piece + data[start + length :]


def swapped(data: bytes, start: int, length: int, _: bytes) -> bytes:
    lines = data.split(b"\n")
    one, other = start % len(lines), (start + length) % len(lines)
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def deeper(data: bytes, start: int, length: int, piece: bytes) -> bytes:
    return data[:start] + piece * (length * 40) + data[start:]


def carriage(data: bytes, _: int, __: int, ___: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


EDITS: tuple[Edit, ...] = (cut, ended, twice, put, replaced, swapped, deeper, carriage)
SPOILT = st.lists(
    st.tuples(
        st.sampled_from(EDITS), st.floats(0, 1, exclude_max=True), st.integers(1, 60), st.sampled_from(PIECES)
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_spoilt_input(name: str) -> None:
    target = targets().TARGETS[name]
    seeds = targets().seeds(name)
    assert seeds

    @settings(
        max_examples=EXAMPLES[name], deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck)
    )
    @given(st.sampled_from(range(len(seeds))), SPOILT)
    def spoil(seed: int, edits: list[tuple[Edit, float, int, bytes]]) -> None:
        data = seeds[seed]
        for edit, place, length, piece in edits:
            data = edit(data, int(place * (len(data) + 1)), length, piece)
        target(data)

    spoil()


@pytest.mark.parametrize("name", EXAMPLES)
def test_any_bytes(name: str) -> None:
    @settings(
        max_examples=EXAMPLES[name] // 3,
        deadline=None,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(max_size=200))
    def run(data: bytes) -> None:
        targets().TARGETS[name](data)

    run()

"""Running a command and saying what it took."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """Something to measure: ``commands`` one after the other, after ``prepare``, which is not measured.

    ``statuses`` are those with which the commands may end.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    statuses: frozenset[int] = frozenset({0})
    prepare: Callable[[], object] | None = None


@dataclass(frozen=True)
class Sample:
    """What one run took: wall and processor time in seconds, the largest process in MiB."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Result:
    """The medians of the runs of one case, and the fastest and slowest."""

    name: str
    wall: float
    cpu: float
    memory: float
    fastest: float
    slowest: float
    runs: int


def once(case: Case) -> Sample:
    """Run ``case`` once. Raises SystemExit when a command does not end as it should."""
    if case.prepare is not None:
        case.prepare()
    wall = cpu = memory = 0.0
    for command in case.commands:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=case.folder,
            env={**_plain_environment(), **case.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Unlike resource.getrusage() this is of this child and what it waited for, and no other.
        _, status, usage = os.wait4(process.pid, 0)
        wall += time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in case.statuses:
            raise SystemExit(f"bench: {case.name}: status {process.returncode} of {' '.join(command)}")
        cpu += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss / 1024)
    return Sample(wall, cpu, memory)


def _plain_environment() -> dict[str, str]:
    """The environment without what would have Python compile its modules anew in every run."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def alternating(cases: Sequence[Case], runs: int, say: Callable[[str], object]) -> list[Result]:
    """The results of ``cases``, which are run one after the other, ``runs`` times over."""
    samples: dict[str, list[Sample]] = {case.name: [] for case in cases}
    for turn in range(runs):
        for case in cases:
            say(f"round {turn + 1} of {runs}: {case.name}")
            samples[case.name].append(once(case))
    return [summary(name, found) for name, found in samples.items()]


def summary(name: str, samples: Sequence[Sample]) -> Result:
    """The medians of ``samples``."""
    walls = [each.wall for each in samples]
    return Result(
        name,
        statistics.median(walls),
        statistics.median(each.cpu for each in samples),
        statistics.median(each.memory for each in samples),
        min(walls),
        max(walls),
        len(samples),
    )

"""The command line: options, statuses, where output goes, how errors end."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from samples import COVERAGE, EMPTY, FULL, RULES, SITES

import kicklint
from kicklint.base import Report, SourceError
from kicklint.cli import main
from kicklint.cli import progress as progress_module
from kicklint.cli.output import wants_colour
from kicklint.rulebook import Architecture, Rulebook

Run = Callable[..., Result]


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """As kicklint.engine.AnalysisRequest; test_the_engine_has_what_is_called holds them together."""

    tree: Path
    scope: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    select: frozenset[str] = frozenset()
    jobs: int = 1
    progress: Any = None
    arrived: Any = None
    store: Any = None


class Graph:
    def text(self) -> str:
        return "block 0\n"

    def dot(self) -> str:
        return "digraph f { a -> b }\n"


class Engine(ModuleType):
    """Answers what it is told to and remembers what it was asked."""

    AnalysisRequest = Request

    def __init__(self) -> None:
        super().__init__("kicklint.engine")
        self.asked: Request | None = None
        self.report: Report | BaseException = FULL

    def resolve_scope(self, paths: Any, tree: Path | None) -> tuple[Path, tuple[str, ...]]:
        return tree or Path("found"), tuple(map(str, paths))

    def analyse(self, request: Request, tree: Any = None) -> Report:
        self.asked = request
        if isinstance(self.report, BaseException):
            raise self.report
        return self.report

    def sites(self, request: Request) -> Any:
        self.asked = request
        return SITES

    def coverage(self, tree: Path) -> Any:
        self.asked = Request(tree)
        return COVERAGE

    def show(self, request: Request, function: str) -> Graph:
        self.asked = request
        if function != "known":
            raise SourceError(f"there is no function {function!r}")
        return Graph()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    fake = Engine()
    monkeypatch.setitem(sys.modules, "kicklint.engine", fake)
    monkeypatch.setattr(kicklint, "engine", fake, raising=False)
    for name in ("NO_COLOR", "KICKLINT_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    return fake


@pytest.fixture
def run(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Run:
    book = Rulebook(RULES, None, tuple[Architecture, ...](), None)  # type: ignore[arg-type]
    for module in ("options", "check", "examine", "rules"):
        monkeypatch.setattr(f"kicklint.cli.{module}.load_rulebook", lambda: book)
    # Trying an edit is an analysis by the real engine.
    monkeypatch.setattr("kicklint.cli.mending.mend", lambda report, *_: report)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(each) for each in arguments])

    return invoke


def test_the_engine_has_what_is_called() -> None:
    from kicklint import engine

    fields = {field.name: field.default for field in dataclasses.fields(engine.AnalysisRequest)}
    assert fields == {field.name: field.default for field in dataclasses.fields(Request)}
    for name in ("analyse", "sites", "coverage", "show", "resolve_scope"):
        assert callable(getattr(engine, name))


# Statuses


def test_status_of_a_check(run: Run, engine: Engine) -> None:
    assert run("check").exit_code == 1
    assert run("check", "--exit-zero").exit_code == 0
    engine.report = EMPTY
    assert run("check").exit_code == 0


def test_status_is_in_the_log(run: Run, engine: Engine) -> None:
    log = json.loads(run("check", "--format", "sarif").stdout)
    assert log["runs"][0]["invocations"][0]["exitCode"] == 1
    log = json.loads(run("check", "--format", "sarif", "--exit-zero").stdout)
    assert log["runs"][0]["invocations"][0]["exitCode"] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("chekc",),
        ("check", "--format", "xml"),
        ("check", "no/such/path"),
        ("check", "--tree", "no/such/tree"),
        ("check", "--jobs", "0"),
        ("check", "--arch", ","),
        ("check", "--select", "KICK001", "--ignore", "KICK001"),
        ("check", "--ignore", "KICK001,KICK003"),
        ("check", "-o", "no/such/directory/x.sarif"),
        ("explain",),
        ("explain", "KICK099"),
        ("show",),
        ("show", "unknown"),
        ("coverage", "no/such/tree"),
    ],
)
def test_could_not_run(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_nearest_rule(run: Run) -> None:
    assert "did you mean KICK003?" in run("check", "--select", "KICK03").stderr
    wrong = run("check", "--ignore", "guest-entry-without-check").stderr
    assert "did you mean guest-entry-without-request-check?" in " ".join(wrong.split())
    assert "kicklint rules lists them" in run("explain", "zzz").stderr


def test_errors_are_one_line(run: Run, engine: Engine) -> None:
    engine.report = SourceError("there is no kernel tree here")
    result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "kicklint: error: there is no kernel tree here\n"


def test_internal_error(run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.report = ZeroDivisionError("a\nb")
    result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "kicklint: internal error: ZeroDivisionError: a b\n" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" not in run("check", "-v").stderr
    assert "Traceback" in run("check", "-vv").stderr
    monkeypatch.setenv("KICKLINT_TRACEBACK", "1")
    assert "Traceback" in run("check").stderr


def test_a_crash_is_in_the_sarif_log(run: Run, engine: Engine, tmp_path: Path) -> None:
    engine.report = ZeroDivisionError("x")
    result = run("check", "--format", "sarif", "-o", tmp_path / "log")
    invocation = json.loads((tmp_path / "log").read_text())["runs"][0]["invocations"][0]
    assert (result.exit_code, invocation["exitCode"], invocation["executionSuccessful"]) == (2, 2, False)


def test_an_interrupt_is_no_finding(run: Run, engine: Engine) -> None:
    engine.report = KeyboardInterrupt()
    result = run("check")
    assert (result.exit_code, result.output) == (130, "")


# What is asked


def test_options_reach_the_engine(run: Run, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "virt").mkdir()
    arguments = [
        "--arch",
        "x86, arm64",
        "--arch",
        "x86",
        "--select",
        "kick003",
        "-j",
        "3",
        "--tree",
        tmp_path,
    ]
    run("check", tmp_path / "virt", *arguments)
    select = frozenset({"KICK003"})
    assert engine.asked == Request(tmp_path, (str(tmp_path / "virt"),), ("x86", "arm64"), select, 3)
    run("check")
    assert engine.asked is not None
    assert (engine.asked.scope, engine.asked.architectures, engine.asked.select) == ((), (), frozenset())
    assert engine.asked.jobs >= 1
    run("check", "--ignore", "guest-entry-without-request-check")
    assert engine.asked.select == {"KICK001"}
    run("check", "--select", "KICK001,KICK003", "--ignore", "KICK003")
    assert engine.asked.select == {"KICK001"}


# Where it goes


def test_formats(run: Run) -> None:
    assert run("check").stdout.startswith("KICK003")
    concise = run("check", "--format", "concise")
    assert len(concise.stdout.splitlines()) == 4
    assert concise.stderr.startswith("kicklint: Found 2 findings")
    assert run("check", "--format", "concise", "-q").stderr == ""
    assert json.loads(run("check", "--format", "json").stdout)["summary"]["findings"] == 2
    assert run("check", "--format", "sarif").stderr == ""


def test_output_is_whole_or_absent(run: Run, engine: Engine, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    umask = os.umask(0o022)
    try:
        result = run("check", "--format", "json", "-o", target)
    finally:
        os.umask(umask)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"Written to {target}." in result.stderr
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    before = target.read_bytes()
    engine.report = SourceError("no")
    run("check", "--format", "json", "-o", target)
    engine.report = RuntimeError("no")
    run("check", "--format", "json", "-o", target)
    assert target.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]
    assert "is a directory" in run("check", "-o", tmp_path).stderr


def test_output_through_a_link_and_into_a_device(run: Run, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    assert run("check", "-q", "-o", tmp_path / "link").exit_code == 1
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text().startswith("KICK003")
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o600
    assert run("check", "-q", "-o", "/dev/null").exit_code == 1
    assert run("check", "-q", "-o", "-").stdout.startswith("KICK003")


def test_colour(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in run("check").stdout
    assert "\x1b" in run("check", "--color", "always").stdout
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour("auto", None)
    assert not wants_colour("auto", tmp_path)
    assert not wants_colour("never", None)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour("auto", None)
    assert wants_colour("always", None)


def test_verbose_says_how_long_it_took(run: Run) -> None:
    assert re.search(r"kicklint: found: \d+\.\d\d s\n", run("check", "-v").stderr)


def test_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    with progress_module.progress(quiet=False) as bar:
        assert bar is None
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with progress_module.progress(quiet=True) as bar:
        assert bar is None
    monkeypatch.setattr(progress_module, "_PATIENCE", 0)
    with progress_module.progress(quiet=False) as bar:
        assert bar is not None
        bar("parsing", 1, 2)
        bar("parsing", 0, 0)
    out = capsys.readouterr().err
    assert "\rparsing [############------------] 1/2" in out
    assert out.endswith(" \r")


# The other commands


def test_sites(run: Run) -> None:
    assert "2 sites" in run("sites").stdout
    assert [each["kind"] for each in json.loads(run("sites", "--format", "json").stdout)] == [
        "mode-write",
        "request-make",
    ]
    assert run("sites", "--format", "csv").stdout.startswith("path,line,function,kind,detail,vcpu\n")


def test_coverage(run: Run, engine: Engine, tmp_path: Path) -> None:
    assert run("coverage", tmp_path, "--format", "json").exit_code == 0
    assert run("coverage").stdout.startswith("files      2\n")
    assert engine.asked == Request(Path("found"))


def test_rules_and_explain(run: Run) -> None:
    assert len(run("rules").stdout.splitlines()) == 2
    assert [each["id"] for each in json.loads(run("rules", "--format", "json").stdout)] == [
        "KICK001",
        "KICK003",
    ]
    assert run("explain", "kick001").stdout.startswith("KICK001 unguarded-exiting-transition (warning")
    both = run("explain", "KICK003", "unguarded-exiting-transition", "--format", "markdown").stdout
    assert both.index("# KICK003 ") < both.index("# KICK001 ")


def test_show(run: Run) -> None:
    assert run("show", "known()").stdout == "block 0\n"
    assert run("show", "known", "--format", "dot").stdout.startswith("digraph")
    missing = run("show", "unknown")
    assert (missing.exit_code, missing.stderr) == (2, "kicklint: error: there is no function 'unknown'\n")


def test_show_svg(run: Run, dot: str) -> None:
    result = run("show", "known", "--format", "svg")
    assert result.exit_code == 0
    assert "</svg>" in result.stdout


def test_show_svg_without_graphviz(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("show", "known", "--format", "svg")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "apt-get install graphviz" in result.stderr
    broken = tmp_path / "dot"
    broken.write_text("#!/bin/sh\necho no fonts >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert run("show", "known", "--format", "svg").stderr == "kicklint: error: Graphviz failed: no fonts\n"


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == f"kicklint {kicklint.__version__}\n"
    text = run("--help").stdout
    assert "kicklint completion bash" in text
    for name in ("check", "sites", "rules", "explain", "show", "coverage"):
        assert name in text
        assert run(name, "--help").exit_code == 0

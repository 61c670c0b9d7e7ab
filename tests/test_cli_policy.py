"""Waivers, baselines, configuration and kbuild from the command line, on a small tree with one finding."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from patches import BREAKS, GUARDED, MAIN, UNGUARDED, commit, diff, edited, git

from kicklint.cli import kbuild, main
from kicklint.cli.examine import Wanted, requested

DEMO = Path(__file__).resolve().parents[1] / "fixtures" / "demo-tree"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "linux"))


def run(*arguments: object) -> Result:
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def report(tree: Path, *options: object) -> dict[str, object]:
    value: dict[str, object] = json.loads(run("check", tree, "--format", "json", *options).stdout)
    return value


def fingerprint(tree: Path) -> str:
    findings = report(tree)["findings"]
    assert isinstance(findings, list) and len(findings) == 1
    return str(findings[0]["fingerprint"])


def test_waive(tree: Path) -> None:
    done = run(
        "waive", fingerprint(tree)[:6], tree, "--reason", 'the "later" test', "--expires", "2999-01-31"
    )
    assert done.exit_code == 0, done.output
    assert (tree / ".kicklint.toml").read_text("utf-8").startswith("[[waiver]]\n")
    done = run("check", tree)
    assert done.exit_code == 0
    assert "No findings in" in done.stdout and "1 waived" in done.stdout
    shown = run("check", tree, "--verbose").stdout
    assert 'waived: the "later" test (.kicklint.toml)' in shown
    assert run("check", tree, "--isolated").exit_code == 1
    # What the configuration held before stays.
    run("waive", fingerprint(tree), tree, "--reason", "again", "--link", "https://example.org/")
    assert (tree / ".kicklint.toml").read_text("utf-8").count("[[waiver]]") == 2


def test_any_reason_can_be_read_again(tree: Path) -> None:
    wanted = fingerprint(tree)
    for reason in (
        "gr\u00fcn \U0001f600",
        'a "quote" \\ and\ttab',
        "two\nlines\x7f\x1b[1m",
        "no \udcff byte",
    ):
        assert run("waive", wanted, tree, "--reason", reason).exit_code == 0
        (found,) = tomllib.loads((tree / ".kicklint.toml").read_text("utf-8"))["waiver"]
        assert found["reason"] == reason.replace("\udcff", "?")
        assert run("check", tree).exit_code == 0
        (tree / ".kicklint.toml").unlink()


def test_waive_refuses(tree: Path) -> None:
    assert run("waive", "0123", tree, "--reason", "x").exit_code == 2
    assert run("waive", fingerprint(tree), tree, "--reason", " ").exit_code == 2
    broken = tree / "waivers.toml"
    broken.write_text("[[waiver]\n", "utf-8")
    done = run("waive", fingerprint(tree), tree, "--reason", "x", "--waivers", broken)
    assert done.exit_code == 2 and "is not TOML" in done.stderr
    assert broken.read_text("utf-8") == "[[waiver]\n"
    assert not (tree / ".kicklint.toml").exists()


def test_a_waiver_in_the_source(tree: Path) -> None:
    path = tree / MAIN
    text = path.read_text("utf-8")
    line = "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"
    assert text.count(line) == 1
    allow = "/* kicklint: allow unguarded-exiting-transition -- a test follows */"
    path.write_text(text.replace(line, f"{line} {allow}"), "utf-8")
    assert run("check", tree).exit_code == 0
    path.write_text(text.replace(line, f"{line} /* kicklint: allow KICK001 */"), "utf-8")
    done = run("check", tree)
    assert done.exit_code == 1 and "[waiver-without-reason]" in done.stdout


def test_baseline(tree: Path, tmp_path: Path) -> None:
    file = tmp_path / "before.json"
    assert run("baseline", tree, "-o", file).exit_code == 0
    done = run("check", tree, "--baseline", file)
    assert done.exit_code == 0 and "No new findings" in done.stdout and "1 known" in done.stdout
    # Lines above move it; it is still known.
    path = tree / MAIN
    path.write_text("/* one more line */\n\n" + path.read_text("utf-8"), "utf-8")
    assert run("check", tree, "--baseline", file).exit_code == 0
    # Another one of the same kind is not.
    text = path.read_text("utf-8")
    again = text.replace(
        "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);",
        "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);\n\t\t\tvcpu->mode = EXITING_GUEST_MODE;",
    )
    path.write_text(again, "utf-8")
    assert run("check", tree, "--baseline", file).exit_code == 1
    gone = text.replace("WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);", ";")
    path.write_text(gone, "utf-8")
    done = run("check", tree, "--baseline", file)
    assert done.exit_code == 0 and "1 gone" in done.stdout
    file.write_text("no", "utf-8")
    done = run("check", tree, "--baseline", file)
    assert done.exit_code == 2 and str(file) in done.stderr


def test_configuration(tree: Path, tmp_path: Path) -> None:
    settings = tree / ".kicklint.toml"
    settings.write_text('format = "concise"\nignore = ["KICK001"]\n', "utf-8")
    assert run("check", tree).stdout == ""
    # The command line goes before the file.
    assert run("check", tree, "--select", "KICK001", "--format", "json").exit_code == 2
    settings.write_text('format = "concise"\nexclude = ["virt/kvm"]\n', "utf-8")
    assert run("check", tree).exit_code == 0
    assert run("check", tree, "--exclude", "arch/riscv").stdout.startswith("virt/kvm/")
    settings.write_text('format = "consise"\n', "utf-8")
    done = run("check", tree)
    assert done.exit_code == 2 and "key 'format'" in done.stderr
    settings.write_text('formt = "concise"\n', "utf-8")
    done = run("check", tree)
    assert done.exit_code == 2 and "did you mean 'format'?" in done.stderr
    assert run("check", tree, "--isolated").exit_code == 1


def test_config_says_where_from(tree: Path) -> None:
    file = tree / ".kicklint.toml"
    file.write_text(
        'select = ["KICK001"]\nremedies = false\n\n[[waiver]]\nrule = "KICK001"\npath = "a.c"\n', "utf-8"
    )
    lines = run("config", tree).stdout.splitlines()
    assert lines[0] == f"# {file}"
    assert f'select = ["KICK001"]  # {file}' in lines
    assert "jobs = 0  # default" in lines
    assert f"remedies = false  # {file}" in lines
    assert "# 1 waiver" in lines


def test_review_honours_policy(tree: Path, tmp_path: Path) -> None:
    patch = tmp_path / "a.patch"
    patch.write_text(BREAKS, "utf-8")
    reviewing = ("review", "--tree", tree, patch)
    assert run(*reviewing).exit_code == 1
    assert run(*reviewing, "--exclude", "virt/*").exit_code == 0
    settings = tree / ".kicklint.toml"
    settings.write_text('ignore = ["unguarded-exiting-transition"]\n', "utf-8")
    assert run(*reviewing).exit_code == 0
    assert run(*reviewing, "--isolated").exit_code == 1
    settings.write_text('[[waiver]]\nrule = "KICK001"\npath = "virt"\nreason = "tested later"\n', "utf-8")
    done = run(*reviewing)
    assert done.exit_code == 0 and "0 new findings in 1 patch; 1 waived." in done.stdout
    assert "KICK001" not in done.stdout
    assert "waived: tested later (.kicklint.toml)" in run(*reviewing, "--all").stdout
    found = json.loads(run(*reviewing, "--all", "--format", "json").stdout)["patches"][0]["findings"]
    assert [each["suppression"]["justification"] for each in found] == ["tested later"]
    log = json.loads(run(*reviewing, "--format", "sarif").stdout)["runs"][0]["results"]
    assert [each["suppressions"][0]["status"] for each in log] == ["accepted"]
    # A comment in the source after the patch counts as well.
    settings.unlink()
    line = "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"
    allow = f"/* kicklint: allow KICK001 -- tested later */\n\t\t\t{line}"
    patch.write_text(diff(MAIN, edited(MAIN, (UNGUARDED, GUARDED)), edited(MAIN, (line, allow))), "utf-8")
    (tree / MAIN).write_text(edited(MAIN, (UNGUARDED, GUARDED)), "utf-8")
    assert run(*reviewing).exit_code == 0


def test_statistics(tree: Path) -> None:
    assert run("check", tree, "--statistics").stdout == "    1  KICK001  unguarded-exiting-transition\n"
    assert json.loads(run("check", tree, "--statistics", "--format", "json").stdout)[0]["count"] == 1
    assert run("check", tree, "--statistics", "--format", "sarif").exit_code == 2


FLAGS = [
    "-Wp,-MMD,virt/kvm/.kvm_main.o.d",
    "-nostdinc",
    "-I./arch/riscv/include",
    "-include",
    "x.h",
    "-D__KERNEL__",
    "-fno-strict-aliasing",
    "-c",
    "-o",
    "virt/kvm/kvm_main.o",
]


def test_kbuild(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """kbuild runs $(CHECK) $(CHECKFLAGS) $(c_flags) FILE in the build's directory."""
    monkeypatch.chdir(tree)
    done = run("kbuild-check", *FLAGS, MAIN)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].startswith(f"{MAIN}:34:4: warning: ")
    assert run("kbuild-check", "--fail", *FLAGS, MAIN).exit_code == 1
    assert run("kbuild-check", *FLAGS, "arch/riscv/kvm/vcpu.c").stdout == ""
    (tree / "drivers").mkdir()
    (tree / "drivers" / "a.c").write_text("int a;\n", "utf-8")
    done = run("kbuild-check", *FLAGS, "drivers/a.c")
    assert (done.exit_code, done.output) == (0, "")
    assert run("kbuild-check", *FLAGS).exit_code == 2


def test_a_build_goes_on_where_nothing_can_be_checked(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only --fail ends a build: neither a broken configuration nor a fault of kicklint does."""
    monkeypatch.chdir(tree)
    (tree / ".kicklint.toml").write_text("selekt = []\n", "utf-8")
    done = run("kbuild-check", *FLAGS, MAIN)
    assert (done.exit_code, done.stdout) == (0, "") and "did you mean 'select'?" in done.stderr
    assert run("kbuild-check", "--fail", *FLAGS, MAIN).exit_code == 2

    def broken(_wanted: Wanted) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(kbuild, "requested", broken)
    done = run("kbuild-check", *FLAGS, MAIN)
    assert done.exit_code == 0 and "internal error" in done.stderr
    assert run("kbuild-check", "--fail", *FLAGS, MAIN).exit_code == 2


def test_kbuild_names_files_as_they_are_found_from_the_build(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With O= the build does not stand in the source."""
    for where, path in ((tree / "build", "../"), (tree.parent / "out", "../linux/"), (tree, "")):
        where.mkdir(exist_ok=True)
        monkeypatch.chdir(where)
        for named, shown in (
            (path, path),
            (f"{path}arch/riscv/kvm/../../../", path),
            (f"{tree}/", f"{tree}/"),
        ):
            lines = run("kbuild-check", *FLAGS, f"{named}{MAIN}").stdout.splitlines()
            assert lines[0] == f"{shown}{MAIN}: In function 'kvm_vcpu_kick':"
            assert lines[-1].startswith(f"{shown}arch/riscv/kvm/vcpu.c:37:2: note: ")


def test_kbuild_judges_generic_code_for_the_architecture_that_is_built(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The headers' folder says which, also where the build lies outside of the source."""
    monkeypatch.chdir(tree)
    shutil.copytree(tree / "arch/riscv", tree / "arch/other")
    for folder in ("-I./arch/other/include", "-I/usr/src/linux/arch/other/include/generated"):
        asked: list[tuple[str, ...]] = []

        def noted(wanted: Wanted, asked: list[tuple[str, ...]] = asked) -> object:
            asked.append(wanted.architectures)
            return requested(wanted)

        monkeypatch.setattr(kbuild, "requested", noted)
        assert run("kbuild-check", folder, "-I./arch/riscv/include", MAIN).exit_code == 0
        assert asked == [("other",)]


def test_provenance(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def logged() -> list[dict[str, str]]:
        log = json.loads(run("check", tree, "--format", "sarif").stdout)
        found: list[dict[str, str]] = log["runs"][0].get("versionControlProvenance", [])
        return found

    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert logged() == []
    git(tree, "init", "-q", "-b", "next")
    commit(tree, {}, "x")
    assert logged() == []  # without a remote there is no address to give
    git(tree, "remote", "add", "origin", "https://somebody:secret@example.org/linux.git")
    (found,) = logged()
    assert found["repositoryUri"] == "https://example.org/linux.git"
    assert found["branch"] == "next"
    assert len(found["revisionId"]) == 40
    # The branch follows another one here, and the first remote is a path of this machine.
    git(tree, "config", "branch.next.remote", ".")
    git(tree, "remote", "set-url", "origin", "/srv/mirror/linux.git")
    assert logged() == []
    git(tree, "remote", "add", "upstream", "git@example.org:more/linux.git")
    assert [each["repositoryUri"] for each in logged()] == ["ssh://git@example.org/more/linux.git"]


def test_provenance_of_a_kernel_in_a_folder(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that of the paths in the log, which have to begin at the top of the repository."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    git(tree.parent, "init", "-q")
    commit(tree.parent, {}, "All of it")
    git(tree, "remote", "add", "origin", "https://example.org/p.git")
    for options, found in (
        (("--path-prefix", "linux"), True),
        (("--path-prefix", "src"), False),
        ((), False),
    ):
        log = json.loads(run("check", tree, "--format", "sarif", *options).stdout)
        assert ("versionControlProvenance" in log["runs"][0]) is found


def test_a_waiver_goes_where_the_configuration_is(tree: Path) -> None:
    """A new .kicklint.toml would hide what the other files say."""
    (tree / "pyproject.toml").write_text('[tool.kicklint]\nignore = ["KICK017"]\n', "utf-8")
    identity = fingerprint(tree)
    assert run("waive", identity, tree, "--reason", "one").exit_code == 0
    assert not (tree / ".kicklint.toml").exists()
    assert 'ignore = ["KICK017"]' in (tree / "pyproject.toml").read_text("utf-8")
    assert run("check", tree).exit_code == 0
    (tree / "pyproject.toml").unlink()
    (tree / ".kicklint.toml").write_text('waivers = "accepted.toml"\n', "utf-8")
    (tree / "accepted.toml").write_text("", "utf-8")
    assert run("waive", identity, tree, "--reason", "two").exit_code == 0
    assert "two" in (tree / "accepted.toml").read_text("utf-8")
    assert run("check", tree).exit_code == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".kicklint.toml", 'waiver = [{rule = "KICK002", path = "x", reason = "y"}]\n'),
        ("pyproject.toml", '[tool]\nkicklint = {ignore = ["KICK002"]}\n'),
    ],
)
def test_a_file_that_no_table_can_be_added_to_is_left_alone(name: str, text: str, tree: Path) -> None:
    (tree / name).write_text(text, "utf-8")
    done = run("waive", fingerprint(tree), tree, "--reason", "x")
    assert done.exit_code == 2 and "put this there:\n[[" in done.stderr
    assert (tree / name).read_text("utf-8") == text


def test_slips_with_waivers(tree: Path) -> None:
    identity = fingerprint(tree)
    done = run("waive", identity, "--reason", "--tree", tree)
    assert done.exit_code == 2 and "a reason is needed" in done.output
    done = run("waive", identity, tree, "--reason", "x", "--expires", "2020-01-01")
    assert done.exit_code == 2 and "2020-01-01 is over" in done.output
    assert not (tree / ".kicklint.toml").exists()
    (tree / "other.toml").write_text("", "utf-8")
    done = run("check", tree, "--isolated", "--config", tree / "other.toml")
    assert done.exit_code == 2 and "not both" in done.output


@pytest.mark.parametrize(
    "style", ["text", "concise", "gcc", "github", "gitlab", "json", "junit", "rdjson", "sarif", "html"]
)
def test_paths_from_the_top_of_a_repository(tree: Path, style: str) -> None:
    plain, moved = (
        run("check", tree, "--format", style, *options).stdout
        for options in ((), ("--path-prefix", "src/linux"))
    )
    assert MAIN in plain and f"src/linux/{MAIN}" not in plain
    assert moved.count(f"src/linux/{MAIN}") > 0
    if style != "html":  # its coverage goes by the tree
        assert moved.count(f"src/linux/{MAIN}") == moved.count(MAIN)
    assert run("check", tree, "--format", style, "--path-prefix", "./").stdout == plain


def test_edits_from_the_top_of_a_repository(tree: Path) -> None:
    given = ("--path-prefix", "src/linux/")
    diff_of_all = run("check", tree, "--diff", *given).stdout
    assert diff_of_all.startswith(
        f"diff --git a/src/linux/{MAIN} b/src/linux/{MAIN}\n--- a/src/linux/{MAIN}\n"
    )
    log = json.loads(run("check", tree, "--remedies", "--format", "json", *given).stdout)
    edit = log["findings"][0]["edit"]
    assert edit["diff"] == diff_of_all
    assert [each["path"] for each in edit["replacements"]] == [f"src/linux/{MAIN}"]

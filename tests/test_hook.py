"""kicklint hook: git's own hooks with real commits, on repositories made of the demo tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from patches import BREAKS, DEMO, GUARDED, MAIN, UNGUARDED, commit, edited, git, mail, repository_at, text_of

from kicklint.cli import main
from kicklint.source import is_kvm_code

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = str(Path(sys.executable).parent / "kicklint")
OTHER = "drivers/a.c"


@pytest.fixture(autouse=True)
def _no_outer_git(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    repository = repository_at(tmp_path / "linux")
    (repository / "drivers").mkdir()
    commit(repository, {OTHER: "int a;\n"}, "Another file")
    return repository


def run(*arguments: object) -> Result:
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def try_commit(tree: Path, *options: str) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(tree), *identity, "commit", "-q", "-m", "x", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def stage(tree: Path, path: str, text: str) -> None:
    (tree / path).write_text(text, "utf-8")
    git(tree, "add", path)


def test_a_worse_commit_is_refused_and_others_are_not(tree: Path) -> None:
    assert run("hook", "install", "--tree", tree).exit_code == 0
    stage(tree, MAIN, edited(MAIN, (UNGUARDED, GUARDED)) + "\nint demo_more;\n")
    done = try_commit(tree)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    stage(tree, MAIN, text_of(MAIN))
    done = try_commit(tree)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "KICK001 unguarded-exiting-transition" in said
    assert re.search(r"34 \|\s+WRITE_ONCE\(vcpu->mode, EXITING_GUEST_MODE\);\n\s+\|\s+\^{10}", said)
    assert "the commit is refused" in done.stderr
    assert try_commit(tree, "--no-verify").returncode == 0
    # What is there now is nobody's fault any more.
    stage(tree, MAIN, text_of(MAIN) + "\nint demo_more;\n")
    assert try_commit(tree).returncode == 0


def test_what_is_staged_counts_and_not_the_work_tree(tree: Path) -> None:
    stage(tree, MAIN, edited(MAIN, (UNGUARDED, GUARDED)) + "\nint demo_more;\n")
    (tree / MAIN).write_text(text_of(MAIN), "utf-8")  # worse, and not staged
    assert run("hook", "run", "--tree", tree).exit_code == 0
    git(tree, "add", MAIN)
    (tree / MAIN).write_text(edited(MAIN, (UNGUARDED, GUARDED)), "utf-8")
    done = run("hook", "run", "--tree", tree, "--quiet")
    assert done.exit_code == 1
    assert "KICK001" in done.stdout


def test_a_commit_of_named_files_and_one_of_all(tree: Path) -> None:
    """git hands such a commit over with an index of its own."""
    run("hook", "install", "--tree", tree)
    (tree / MAIN).write_text(text_of(MAIN), "utf-8")
    for options in (["--", MAIN], ["-a"]):
        done = try_commit(tree, *options)
        assert done.returncode != 0 and "KICK001" in done.stdout + done.stderr
    (tree / OTHER).write_text("int b;\n", "utf-8")
    done = try_commit(tree, "--", OTHER)
    assert done.returncode == 0, done.stderr


def test_in_another_work_tree(tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tree, "worktree", "add", "-q", "-b", "topic", str(other))
    assert run("hook", "install", "--tree", other).exit_code == 0
    stage(other, MAIN, text_of(MAIN))
    done = try_commit(other)
    assert done.returncode != 0 and "KICK001" in done.stdout + done.stderr


def test_files_without_kvm_code_cost_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    stage(tree, OTHER, "int b;\n")
    # The engine is not even imported.
    program = (
        "import sys\nfrom kicklint.cli import main\n"
        "try:\n    main(['hook', 'run', *sys.argv[1:]])\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "assert 'kicklint.engine' not in sys.modules\n"
    )
    begun = time.monotonic()
    for arguments in ([], [OTHER]):
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert time.monotonic() - begun < 10
    stage(tree, MAIN, text_of(MAIN))
    assert run("hook", "run", OTHER).exit_code == 0
    assert run("hook", "run", OTHER, MAIN).exit_code == 1
    (tree / ".kicklint.toml").write_text('exclude = ["virt"]\n', "utf-8")
    done = subprocess.run([sys.executable, "-c", program, MAIN], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert run("hook", "run", "--isolated", MAIN).exit_code == 1


def test_waivers_hold(tree: Path) -> None:
    stage(tree, MAIN, text_of(MAIN))
    table = '[[waiver]]\nrule = "KICK001"\nfunction = "kvm_vcpu_kick"\nreason = "tested later"\n'
    (tree / ".kicklint.toml").write_text(table, "utf-8")
    assert run("hook", "run", "--tree", tree).exit_code == 0
    assert run("hook", "run", "--tree", tree, "--isolated").exit_code == 1


def test_no_commit_and_no_kvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    done = run("hook", "run")
    assert (done.exit_code, done.output) == (0, "")
    repository = tmp_path / "linux"
    repository_at(repository)
    git(repository, "update-ref", "-d", "HEAD")
    assert run("hook", "run", "--tree", repository).exit_code == 0
    assert run("hook", "run", "--tree", tmp_path).exit_code == 2


def test_between_two_revisions(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tree, {MAIN: text_of(MAIN)}, "Worse")
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", "HEAD^")
    monkeypatch.setenv("PRE_COMMIT_TO_REF", "HEAD")
    assert run("hook", "run", "--tree", tree, tree / MAIN).exit_code == 1


def test_a_mail_on_its_way_out(tree: Path, tmp_path: Path) -> None:
    file = tmp_path / "0001.patch"
    file.write_bytes(mail(BREAKS))
    assert run("hook", "install", "sendemail-validate", "--tree", tree).exit_code == 0
    script = tree / ".git/hooks/sendemail-validate"
    done = subprocess.run([script, file, file], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "KICK001" in done.stdout and "the mail is refused; a waiver, or --no-validate" in done.stderr
    file.write_bytes(b"From: a@example.org\nSubject: [PATCH 0/3] A cover letter\n\nHello.\n")
    done = subprocess.run([script, file, file], cwd=tree, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_foreign_hook_is_left_alone(tree: Path) -> None:
    path = tree / ".git/hooks/pre-commit"
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\nexit 0\n", "utf-8")
    done = run("hook", "install", "--tree", tree)
    assert done.exit_code == 2 and "is there already" in done.stderr
    assert run("hook", "remove", "pre-commit", "--tree", tree).exit_code == 2
    assert run("hook", "remove", "--tree", tree).exit_code == 0
    assert path.read_text("utf-8") == "#!/bin/sh\nexit 0\n"
    path.unlink()
    path.symlink_to("nowhere")
    assert run("hook", "install", "--tree", tree).exit_code == 2
    path.unlink()
    for _ in range(2):  # its own one it writes again
        assert run("hook", "install", "pre-commit", "sendemail-validate", "--tree", tree).exit_code == 0
    assert os.access(path, os.X_OK)
    assert run("hook", "remove", "--tree", tree).exit_code == 0
    assert not path.exists() and not (path.parent / "sendemail-validate").exists()
    git(tree, "config", "core.hooksPath", str(tree.parent / "hooks"))
    done = run("hook", "install", "--tree", tree)
    assert done.exit_code == 2 and "core.hooksPath" in done.stderr


def test_modules_of_the_tree_are_not_run(tree: Path) -> None:
    """Python looks for the modules of a ``python -m`` in the current directory first."""
    run("hook", "install", "--tree", tree)
    for name in ("click", "json", "multiprocessing"):
        (tree / f"{name}.py").write_text(f"open({name!r}, 'w').close()\n", "utf-8")
    stage(tree, MAIN, text_of(MAIN))
    done = try_commit(tree)
    assert done.returncode == 1 and "KICK001" in done.stdout + done.stderr
    assert not any((tree / name).exists() for name in ("click", "json", "multiprocessing"))


def test_the_pattern_of_pre_commit_is_that_of_the_engine() -> None:
    first, _ = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    pattern = re.compile(first["files"])
    for path in (
        MAIN,
        "arch/x86/kvm/vmx/vmx.c",
        "arch/arm64/include/asm/kvm_host.h",
        "arch/s390/include/uapi/asm/kvm.h",
        "include/linux/kvm_host.h",
        "include/kvm/arm_vgic.h",
        "include/uapi/linux/kvm.h",
        "include/trace/events/kvm.h",
        OTHER,
        "arch/x86/kernel/kvm.c",
        "tools/virt/kvm/a.c",
        "include/trace/events/kvm_more.h",
    ):
        assert bool(pattern.search(path)) == is_kvm_code(path), path


@pytest.fixture
def below(tmp_path: Path) -> Path:
    """A repository with the kernel in a folder of it."""
    top = tmp_path / "product"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    shutil.copytree(DEMO, top / "src/linux")
    (top / "src/linux" / MAIN).write_text(edited(MAIN, (UNGUARDED, GUARDED)), "utf-8")
    commit(top, {"README": "A product.\n"}, "All of it")
    return top


def test_a_kernel_in_a_folder_of_its_repository(below: Path) -> None:
    kernel = below / "src/linux"
    done = run("hook", "install", "--tree", kernel)
    assert done.exit_code == 0
    assert f"wrote {below}/.git/hooks/pre-commit, which judges the kernel in src/linux\n" in done.stderr
    stage(below, "README", "Another text.\n")
    assert try_commit(below).returncode == 0
    stage(kernel, MAIN, text_of(MAIN))
    for where, options in ((below, ()), (kernel, ()), (below, ("-a",))):
        done = try_commit(where, *options)
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        # The path is the one that git itself shows.
        assert f"--> src/linux/{MAIN}:34:4" in said
    assert run("hook", "remove", "--tree", kernel).exit_code == 0
    assert try_commit(below).returncode == 0


def test_named_files_lead_to_the_kernel(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pre-commit calls it: in the top of the repository, with the files that were staged."""
    monkeypatch.chdir(below)
    stage(below, f"src/linux/{MAIN}", text_of(MAIN))
    done = run("hook", "run", "--quiet", "README", f"src/linux/{MAIN}")
    assert done.exit_code == 1 and f"src/linux/{MAIN}:34:4" in done.stdout
    assert run("hook", "run", "README").exit_code == 0


def test_a_folder_without_a_kernel_gets_no_hook(below: Path) -> None:
    (below / "docs").mkdir()
    commit(below, {"docs/page": "Text.\n"}, "A page")
    done = run("hook", "install", "--tree", below / "docs")
    assert done.exit_code == 2 and "name a kernel tree" in done.stderr
    assert not (below / ".git/hooks/pre-commit").exists()


def test_a_mail_from_a_repository_with_more_than_the_kernel(below: Path) -> None:
    kernel = below / "src/linux"
    run("hook", "install", "sendemail-validate", "--tree", kernel)
    stage(kernel, MAIN, text_of(MAIN))
    commit(below, {}, "Worse")
    patch = git(below, "format-patch", "-1", "--stdout")
    letter = below / "0001.patch"
    git(below, "reset", "-q", "--hard", "HEAD~1")
    letter.write_text(patch + "\n", "utf-8")
    done = subprocess.run(
        [below / ".git/hooks/sendemail-validate", letter], cwd=below, capture_output=True, check=False
    )
    assert done.returncode == 1 and b"the mail is refused" in done.stderr, done.stderr


def test_commits_of_a_kernel_in_a_folder(below: Path) -> None:
    kernel = below / "src/linux"
    stage(kernel, MAIN, text_of(MAIN))
    commit(below, {"README": "Again.\n"}, "Worse")
    done = run("review", "--tree", kernel, "--git", "HEAD~1..HEAD", "--quiet")
    assert done.exit_code == 1 and f" --> {MAIN}:34:4" in done.stdout
    wanted = ("--path-prefix", "src/linux", "--format", "json")
    done = run("review", "--tree", kernel, "--git", "HEAD~1..HEAD", *wanted)
    (patch,) = json.loads(done.stdout)["patches"]
    assert f"src/linux/{MAIN}" in {each["path"] for each in patch["findings"]}
    git(below, "rm", "-rq", "--cached", "src")
    assert run("hook", "install", "--tree", kernel).exit_code == 2  # nothing of it is in the repository

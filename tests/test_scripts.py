"""The scripts that bring in what the tests need."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]

FILES = {
    "virt/kvm/kvm_main.c": True,
    "arch/x86/kvm/vmx/vmx.c": True,
    "arch/x86/include/asm/kvm_host.h": True,
    "arch/x86/kernel/cpu.c": False,
    "arch/kvm/x.c": False,
    "include/linux/kvm_host.h": True,
    "Documentation/virt/kvm/vcpu-requests.rst": True,
    "Documentation/virt/index.rst": False,
    "tools/memory-model/linux-kernel.cat": True,
    "tools/arch/x86/include/asm/x.h": False,
    "tools/include/x.h": False,
    "tools/virt/x.h": False,
    "drivers/include/x.h": False,
    "Makefile": False,
}


@pytest.fixture
def script(load_script: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/kernels.py with a small package of Debian's in place of /usr/src."""
    module = load_script("kernels")
    monkeypatch.setattr(module, "_SOURCES", tmp_path / "src")
    (tmp_path / "src").mkdir()
    with tarfile.open(tmp_path / "src/linux-source-9.9.tar.xz", "w:xz") as tar:
        for name in FILES:
            member = tarfile.TarInfo(f"linux-source-9.9/{name}")
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
        outside = tarfile.TarInfo("linux-source-9.9/virt/../../../outside")
        tar.addfile(outside, io.BytesIO(b""))
    return module


def call(script: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["kernels.py", *map(str, arguments)])
    status = script.main()
    assert isinstance(status, int)
    return status


def test_unpacks_what_is_wanted_once(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    into = tmp_path / "cache"
    assert call(script, monkeypatch, "--into", into, "9.9") == 0
    assert capsys.readouterr().out == f"{into}\n"
    assert [each.name for each in into.iterdir()] == ["9.9"]
    found = {path.relative_to(into / "9.9").as_posix() for path in into.rglob("*") if path.is_file()}
    assert found == {name for name, wanted in FILES.items() if wanted}
    assert not (tmp_path / "outside").exists()
    (into / "9.9/virt/kvm/kvm_main.c").write_text("as it was left")
    assert call(script, monkeypatch, "--into", into, "9.9") == 0
    assert (into / "9.9/virt/kvm/kvm_main.c").read_text() == "as it was left"


def test_a_kernel_without_the_memory_model_gets_it(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(script, monkeypatch, "--into", tmp_path, "9.9") == 0
    model = tmp_path / "9.9/tools/memory-model"
    files = sorted(path.relative_to(model) for path in model.rglob("*"))
    assert files
    shutil.rmtree(model)
    (tmp_path / "9.9/virt/kvm/kvm_main.c").write_text("as it was left")
    assert call(script, monkeypatch, "--into", tmp_path, "9.9") == 0
    assert sorted(path.relative_to(model) for path in model.rglob("*")) == files
    assert (tmp_path / "9.9/virt/kvm/kvm_main.c").read_text() == "as it was left"


def test_the_folder_that_is_named_is_used(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KICKLINT_KERNELS", str(tmp_path / "mine"))
    assert script.default_folder() == tmp_path / "mine"
    monkeypatch.delenv("KICKLINT_KERNELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert script.default_folder() == tmp_path / "xdg/kicklint/kernels"


def test_what_cannot_be_got_is_said(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(script.os, "geteuid", lambda: 1000)
    assert call(script, monkeypatch, "--into", tmp_path / "cache", "8.8") == 1
    assert "only root can install it" in capsys.readouterr().err
    (tmp_path / "src/linux-source-8.8.tar.xz").write_bytes(b"no archive")
    assert call(script, monkeypatch, "--into", tmp_path / "cache", "8.8") == 1
    assert "kernels: error: 8.8: " in capsys.readouterr().err
    assert list((tmp_path / "cache").iterdir()) == []
    (tmp_path / "cache/7.7").mkdir()
    assert call(script, monkeypatch, "--into", tmp_path / "cache", "7.7") == 1
    assert "is not a kernel tree" in capsys.readouterr().err


def test_usage(root: Path) -> None:
    command = [sys.executable, root / "scripts/kernels.py", "six"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", ["scripts/system.sh", ".ci/run"])
def test_shell_scripts_parse(root: Path, script: str) -> None:
    assert subprocess.run(["bash", "-n", root / script], check=False).returncode == 0
    assert (root / script).stat().st_mode & 0o111

"""--watch: again after a change, with an error in between, until it is interrupted."""

from __future__ import annotations

import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from click.testing import CliRunner
from patches import DEMO, GUARDED, MAIN, UNGUARDED, edited, text_of

from kicklint.cli import main

_SECONDS = 120


class Watched:
    """kicklint check --watch on a tree, and what it has printed."""

    def __init__(self, tree: Path, *options: str) -> None:
        program = str(Path(sys.executable).parent / "kicklint")
        command = [program, "check", str(tree), "--watch", "--format", "concise", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def until(self, text: str) -> str:
        """What is printed up to a line with ``text``."""
        assert self.process.stdout is not None
        end = time.monotonic() + _SECONDS
        said = b""
        while text.encode() not in said or not said.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(end - time.monotonic(), 0))
            assert ready, said.decode()
            piece = self.process.stdout.read1(1 << 16)
            assert piece, said.decode()
            said += piece
        return said.decode()

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(_SECONDS) == 130
        assert self.process.stdout is not None
        self.process.stdout.close()


def test_again_after_a_change(tmp_path: Path) -> None:
    tree = Path(shutil.copytree(DEMO, tmp_path / "linux"))
    watched = Watched(tree)
    try:
        assert "[KICK001]" in watched.until("waiting for a change")
        (tree / MAIN).write_text(edited(MAIN, (UNGUARDED, GUARDED)), "utf-8")
        said = watched.until("waiting for a change")
        assert "[KICK001]" not in said and "No findings" in said
        # A file that is new counts; one that has gone away as well.
        (tree / "virt/kvm/more.c").write_text("int more;\n", "utf-8")
        assert "6 files" in watched.until("waiting for a change")
        (tree / "virt/kvm/more.c").unlink()
        (tree / MAIN).write_text(text_of(MAIN), "utf-8")
        said = watched.until("waiting for a change")
        assert "[KICK001]" in said
    finally:
        watched.end()


def test_again_after_a_change_of_what_counts(tmp_path: Path) -> None:
    """A waiver that was written, or a configuration that was broken, is not only seen by the next command."""
    tree = Path(shutil.copytree(DEMO, tmp_path / "linux"))
    settings, waivers = tree / ".kicklint.toml", tree / "accepted.toml"
    waivers.write_text("", "utf-8")
    watched = Watched(tree)
    try:
        watched.until("waiting for a change")
        settings.write_text("selekt = []\n", "utf-8")
        assert "did you mean 'select'?" in watched.until("waiting for a change")
        settings.write_text('waivers = "accepted.toml"\n', "utf-8")
        assert "[KICK001]" in watched.until("waiting for a change")
        waivers.write_text('[[waiver]]\nrule = "KICK001"\npath = "virt"\nreason = "x"\n', "utf-8")
        assert "1 waived" in watched.until("waiting for a change")
        settings.unlink()
        assert "[KICK001]" in watched.until("waiting for a change")
    finally:
        watched.end()


def test_what_it_does_not_go_with() -> None:
    done = CliRunner().invoke(main, ["check", str(DEMO), "--watch", "--fix"])
    assert done.exit_code == 2 and "--watch" in done.stderr

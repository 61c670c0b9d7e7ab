"""docs/rules is what rules/ gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]


def test_pages_are_up_to_date(load_script: Load, root: Path) -> None:
    script = load_script("rule_pages")
    assert script.differences(root / "docs/rules") == [], "run python scripts/rule_pages.py"


def test_check_names_what_differs(
    load_script: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load_script("rule_pages")
    assert script.main([str(tmp_path)]) == 0
    assert script.main(["--check", str(tmp_path)]) == 0
    (tmp_path / "KICK001.md").write_text("another text", encoding="utf-8")
    (tmp_path / "KICK002.md").unlink()
    (tmp_path / "KICK999.md").write_text("no rule", encoding="utf-8")
    assert script.main(["--check", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert [name in said for name in ("KICK000", "KICK001", "KICK002", "KICK999")] == [
        False,
        True,
        True,
        True,
    ]
    assert script.main([str(tmp_path)]) == 0
    assert script.differences(tmp_path) == []
    assert not (tmp_path / "KICK999.md").exists()


def test_each_page_links_to_nothing_that_is_missing(load_script: Load) -> None:
    pages = load_script("rule_pages").pages()
    assert all(f"({name})" in pages["README.md"] for name in pages if name != "README.md")

"""rules/dialect.toml is read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from kicklint.base import RulebookError
from kicklint.syntax import ended, load_dialect, released

DIALECT = Path(__file__).parent.parent / "rules" / "dialect.toml"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = DIALECT.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "dialect.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_dialect_that_is_shipped_loads() -> None:
    dialect = load_dialect(DIALECT)
    assert "__user" in dialect.attributes
    assert "__must_hold" in dialect.attribute_calls


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("[loops]", "[loops]\nwodrs = []", "loops.wodrs"),
        ("[loops]", "[extra]\n[loops]", "extra"),
        ('patterns = ["', 'patterns = ["(", "', "loops.patterns"),
        ('typeof = ["typeof"', 'typeof = [1, "typeof"', "types.typeof"),
        ('typeof = ["typeof"', 'typeof = ["type of"', "types.typeof"),
        ('typeof = ["typeof"', 'typeof = ["typeof", "typeof"', "types.typeof"),
        ('"scoped_guard"', '"once"', "guards.words"),
        ("reason =", "because =", "listings.explanation[0].because"),
        ("operators =", "operations =", "types.operations"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    path = changed(tmp_path, old, new)
    with pytest.raises(RulebookError) as caught:
        load_dialect(path)
    assert str(caught.value).startswith(f"{path}: {key}: ")


def test_a_missing_key_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "dialect.toml"
    with pytest.raises(RulebookError, match="cannot be read"):
        load_dialect(path)
    path.write_text("[attributes]\nwords = []\n", encoding="utf-8")
    with pytest.raises(RulebookError, match="missing"):
        load_dialect(path)
    path.write_text("[attributes\n", encoding="utf-8")
    with pytest.raises(RulebookError, match="is not TOML"):
        load_dialect(path)


def test_what_gives_back_is_told_by_what_took() -> None:
    assert ended(released("raw_spinlock_irq")) == "the end of guard(raw_spinlock_irq)"
    assert ended("release_sock") == "release_sock"

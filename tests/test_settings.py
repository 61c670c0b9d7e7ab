"""Configuration files: where they are found, what they may say, how they fail."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from kicklint.base import SettingsError
from kicklint.settings import Settings, Waiver, load_settings, load_waivers

FULL = """
select = ["KICK001", "request-less-kick"]
ignore = ["KICK013"]
arch = ["x86"]
exclude = ["arch/x86/kvm/mmu"]
format = "concise"
jobs = 3
baseline = "before.json"
waivers = "waivers.toml"

[[waiver]]
rule = "KICK010"
function = "f"
reason = "seen"
expires = 2027-01-31
link = "https://example.org/1"
"""


def test_every_key(tmp_path: Path) -> None:
    (tmp_path / ".kicklint.toml").write_text(FULL, "utf-8")
    found = load_settings(tmp_path)
    assert found.settings == Settings(
        select=("KICK001", "request-less-kick"),
        ignore=("KICK013",),
        arch=("x86",),
        exclude=("arch/x86/kvm/mmu",),
        format="concise",
        jobs=3,
        baseline="before.json",
        waivers="waivers.toml",
        waiver=(
            Waiver("KICK010", "seen", "f", expires=datetime.date(2027, 1, 31), link="https://example.org/1"),
        ),
    )
    assert found.beside("before.json") == tmp_path / "before.json"
    assert found.beside("") is None


def test_the_nearest_file_holds(tmp_path: Path) -> None:
    below = tmp_path / "tree" / "virt"
    below.mkdir(parents=True)
    assert load_settings(below).path is None
    (tmp_path / "pyproject.toml").write_text("[tool.kicklint]\njobs = 1\n", "utf-8")
    assert load_settings(below).settings.jobs == 1
    # One that says nothing of kicklint is passed by.
    (tmp_path / "tree" / "pyproject.toml").write_text("[tool.other]\n", "utf-8")
    assert load_settings(below).settings.jobs == 1
    (tmp_path / "tree" / ".kicklint.toml").write_text("jobs = 2\n", "utf-8")
    assert load_settings(below).settings.jobs == 2
    assert load_settings(below, tmp_path / "pyproject.toml").settings.jobs == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("selct = []", "unknown key 'selct'; did you mean 'select'?"),
        ("select = 'KICK001'", "key 'select' must be a list"),
        ("select = ['KICK01']", "key 'select' names 'KICK01', which is no rule; did you mean"),
        ("jobs = -1", "'jobs' must not be negative"),
        ("jobs = true", "key 'jobs' must be of type int"),
        ("[[waiver]]\nrule = 'KICK001'", "a waiver needs one of"),
        ("[[waiver]]\nfunction = 'f'", "key 'waiver[0].rule' is missing"),
        ("[[waiver]]\nrule = 'KICK099'\nfunction = 'f'", "waiver[0].rule"),
        ("[[waiver]]\nrule = 'KICK001'\nfunction = 'f'\nexpires = 'soon'", "waiver[0].expires"),
        ("a = [", "is not TOML"),
        ('a = "\\ud800"', "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / ".kicklint.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)
    assert str(file) in str(error.value)
    assert said in str(error.value)


def test_a_waiver_file_holds_waivers_only(tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text("[[waiver]]\nrule = 'KICK001'\npath = 'a.c'\nreason = 'r'\n", "utf-8")
    assert load_waivers(file) == (Waiver("KICK001", "r", path="a.c"),)
    file.write_text("jobs = 1\n", "utf-8")
    with pytest.raises(SettingsError, match="unknown key 'jobs'"):
        load_waivers(file)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_waivers(tmp_path / "none.toml")
    file.write_bytes(b"\xff\x00")
    with pytest.raises(SettingsError, match="is not TOML"):
        load_waivers(file)

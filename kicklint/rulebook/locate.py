"""Where the rulebook's files are."""

from __future__ import annotations

from pathlib import Path

from kicklint.base import RulebookError


def rules_directory() -> Path:
    """The folder ``rules``: in the installed package, else in the checkout.

    A wheel carries the rules inside the package; an editable install sees the
    checkout, where they stand beside it.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "rules", package.parent / "rules"):
        if (candidate / "vocabulary.toml").is_file():
            return candidate
    raise RulebookError(
        f"the rules are missing from this installation (looked beside {package}); install kicklint again"
    )

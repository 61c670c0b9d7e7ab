"""Where the rulebook's files are."""

from __future__ import annotations

from pathlib import Path

from kicklint.base import RulebookError

_own: Path | None = None


def use_own_rules(folder: Path | None) -> None:
    """From now on put the rules in ``folder`` upon those that come with kicklint; None: none."""
    global _own  # noqa: PLW0603  # every room loads the rulebook; what it is made of is said once
    _own = folder


def own_rules() -> Path | None:
    """The folder that :func:`use_own_rules` named."""
    return _own


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

"""How much of a tree the front end understood: text or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kicklint.base import Coverage, DamagedFunction, MissedFunction
from kicklint.render.document import dump
from kicklint.render.plain import counted, visible


def render_text(coverage: Coverage) -> str:
    """The counts with their shares, then each damaged and each missed function by name."""
    return "".join(f"{line}\n" for line in _lines(coverage))


def _lines(coverage: Coverage) -> Iterator[str]:
    yield f"files      {coverage.files}"
    yield f"functions  {coverage.functions}"
    if coverage.reference is None:
        yield "reference  none: Universal Ctags is not installed"
    else:
        yield f"reference  {coverage.reference} functions by Universal Ctags"
        yield f"missed     {_share(len(coverage.missed), coverage.reference)}"
    yield f"damaged    {_share(len(coverage.damaged), coverage.functions)}"
    yield from _list("damaged", coverage.damaged)
    yield from _list("missed", coverage.missed)


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.2f} %)" if whole else str(part)


def _list(title: str, functions: Sequence[DamagedFunction | MissedFunction]) -> Iterator[str]:
    if not functions:
        return
    yield ""
    yield f"{counted(len(functions), 'function')} {title}:"
    for each in functions:
        yield f"  {visible(each.path)}:{each.line} {visible(each.function)}(): {visible(each.reason)}"


def render_json(coverage: Coverage) -> str:
    """An object: files, functions, reference (null without ctags), damaged, missed.

    The last two are lists of objects with path, line, function and reason.
    """
    return dump(
        {
            "files": coverage.files,
            "functions": coverage.functions,
            "reference": coverage.reference,
            "damaged": [_function(each) for each in coverage.damaged],
            "missed": [_function(each) for each in coverage.missed],
        }
    )


def _function(each: DamagedFunction | MissedFunction) -> dict[str, object]:
    return {"path": each.path, "line": each.line, "function": each.function, "reason": each.reason}

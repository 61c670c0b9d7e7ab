"""The edits that a rule's remedies come to for one finding, in the rule's order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from kicklint.base import Finding, Span, StepKind
from kicklint.remedy.editing import Change, FileText, guard, put_before, put_behind
from kicklint.remedy.moving import move, move_into, move_read
from kicklint.remedy.patterns import conjuncts, filled, matched
from kicklint.rulebook import Remedy, RemedyKind, RemedyPlace
from kicklint.syntax import Statement, SyntaxFile, statements

_CALLED = re.compile(r"\w+(?=\()")
_MOVES = (RemedyKind.MOVE_BEFORE, RemedyKind.MOVE_BEHIND, RemedyKind.MOVE_INTO, RemedyKind.MOVE_READ)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An edit of one file that has not been tried."""

    says: str
    changes: tuple[Change, ...]
    sure: bool


def candidates(
    finding: Finding, remedies: tuple[Remedy, ...], syntax: SyntaxFile, file: FileText
) -> Iterator[Candidate]:
    """What each of ``remedies`` that applies comes to; ``syntax`` and ``file`` are the finding's file."""
    for remedy in remedies:
        if not remedy.meant(finding.message, finding.architectures):
            continue
        changes = _Site(finding, syntax, file).changes(remedy)
        if changes:
            yield Candidate(remedy.says, tuple(changes), remedy.sure)


@dataclass(frozen=True, slots=True)
class _Site:
    """A finding with the text around it."""

    finding: Finding
    syntax: SyntaxFile
    file: FileText

    def changes(self, remedy: Remedy) -> list[Change] | None:
        span = self.place(remedy.at)
        path = self.path(span) if span is not None else ()
        if span is None or len(path) < 2:
            return None
        values = self.values(remedy, span)
        if values is None:
            return None
        if any(self.demands(filled(each, values), path) for each in remedy.against):
            return None
        if remedy.do in _MOVES:
            return self.moved(remedy, path)
        text = filled(remedy.text, values)
        if text is None or self.finding.function in _CALLED.findall(text):  # which would have no end
            return None
        if remedy.do is RemedyKind.REWRITE:
            return [Change(self.file.offset(span.line, span.column), self.end(span), text)]
        if remedy.do is RemedyKind.GUARD:
            return guard(self.file, path, text)
        if remedy.do is RemedyKind.INSERT_BEHIND:
            return put_behind(self.file, path, text)
        return self.before(remedy, path, text)

    def demands(self, pattern: str | None, path: tuple[Statement, ...]) -> bool:
        """Whether a condition that the last of ``path`` stands under can only be true with ``pattern``."""
        conditions = [
            self.file.text(*each.condition)
            for each, part in pairwise(path)
            if each.condition is not None and part == each.parts[0]
        ]
        parts = [part for each in conditions for part in conjuncts(each)]
        return pattern is not None and any(matched(pattern, each) is not None for each in parts)

    def before(self, remedy: Remedy, path: tuple[Statement, ...], text: str) -> list[Change] | None:
        """``text`` before the last of ``path``: moved there when it stands right behind, and in the place
        of what is to give way."""
        beside = path[-2].parts if path[-2].kind == "block" else ()
        at = beside.index(path[-1]) if path[-1] in beside else 0
        behind = beside[at + 1 : at + 2]
        if behind and self.expression(behind[0]) == text.rstrip(";"):
            return move(self.file, (*path[:-1], behind[0]), path, before=True)
        above = beside[at - 1] if at else None
        if above is not None and self.fits(remedy.instead, above):
            return [Change(above.start, above.end, text)]
        return put_before(self.file, path, text)

    def moved(self, remedy: Remedy, path: tuple[Statement, ...]) -> list[Change] | None:
        span = self.place(remedy.to)
        target = self.path(span) if span is not None else ()
        if span is None or len(target) < 2 or target[0] != path[0]:
            return None
        if remedy.do is RemedyKind.MOVE_INTO:
            return move_into(self.file, path, target, self.file.offset(span.line, span.column))
        if remedy.do is RemedyKind.MOVE_READ:
            return move_read(self.file, path, target)
        return move(self.file, path, target, before=remedy.do is RemedyKind.MOVE_BEFORE)

    def place(self, name: RemedyPlace) -> Span | None:
        """Where that is; None where it is in another file."""
        finding, trail = self.finding, self.finding.trail
        if name is RemedyPlace.FINDING:
            return finding.span
        if not trail:
            return None
        if name is RemedyPlace.TURN:
            missing = next((at for at, each in enumerate(trail) if each.kind is StepKind.MISSING), len(trail))
            before = [
                each.span
                for each in trail[:missing]
                if each.function == finding.function and each.span.path == finding.span.path
            ]
            others = [each for each in before if each != finding.span]
            found = others[-1] if others else trail[min(missing, len(trail) - 1)].span
        else:
            found = trail[0 if name is RemedyPlace.FIRST else -1].span
        return found if found.path == finding.span.path else None

    def path(self, span: Span) -> tuple[Statement, ...]:
        """From the body of the function down to the statement at ``span``."""
        offset = self.file.offset(span.line, span.column)
        for function in self.syntax.functions:
            if function.start_line <= span.line <= function.end_line:
                body = statements(function)
                found = body.path(offset) if body is not None else ()
                if found:
                    return found
        return ()

    def end(self, span: Span) -> int:
        return self.file.offset(span.end_line, span.end_column)

    def values(self, remedy: Remedy, span: Span) -> dict[str, str] | None:
        """What fills the holes of the remedy's text; None when the expression is none of those it is for."""
        values: dict[str, str] = {}
        if remedy.match:
            text = self.file.text(self.file.offset(span.line, span.column), self.end(span))
            found = next(
                (each for pattern in remedy.match if (each := matched(pattern, text)) is not None), None
            )
            if found is None:
                return None
            values = found
        if remedy.around:
            known = self.around(remedy, span)
            if known is None:
                return None
            values = {**known, **values}
        return values

    def around(self, remedy: Remedy, span: Span) -> dict[str, str] | None:
        """The one filling of ``remedy.around`` that the function has, where it stands right before what
        the remedy is for, or else anywhere."""
        body = next(iter(self.path(span)), None)
        beside: list[dict[str, str]] = []
        anywhere: list[dict[str, str]] = []
        for block in body.all() if body is not None else ():
            for part, behind in zip(block.parts, (*block.parts[1:], None), strict=False):
                asked = matched(remedy.around, self.expression(part))
                constants = {name: value for name, value in (asked or {}).items() if value.isupper()}
                if not constants:
                    continue
                anywhere += [constants] if constants not in anywhere else []
                if behind is not None and constants not in beside and self.fits(remedy.match, behind):
                    beside.append(constants)
        found = beside or anywhere
        return found[0] if len(found) == 1 else None

    def fits(self, patterns: tuple[str, ...], statement: Statement) -> bool:
        """Whether ``statement`` is one of ``patterns``."""
        return any(matched(each, self.expression(statement)) is not None for each in patterns)

    def expression(self, statement: Statement) -> str:
        return self.file.text(statement.start, statement.end).rstrip("; \t\n")

"""Assembling nodes: a cursor, labels, loops and scopes with their clean-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kicklint.base import Span
from kicklint.flow.ir import Branch, Choice, Expr, Instruction, Local, Node, Skip


@dataclass(slots=True)
class Scope:
    """One block: what has to run when control leaves it, newest last."""

    releases: list[Callable[[], object]] = field(default_factory=list)


@dataclass(slots=True)
class Target:
    """Where break and continue go, and how many scopes stay open there."""

    breaks: int
    continues: int | None
    depth: int


@dataclass(slots=True)
class PendingGoto:
    """A goto whose releases are known once its label has been seen."""

    node: int
    label: str
    scopes: tuple[Scope, ...]
    releases: tuple[int, ...]


class GraphBuilder:
    """Collects nodes; ``current`` is where the next one is linked, None when unreachable."""

    def __init__(self, path: str, span: Span) -> None:
        self.path = path
        self.instructions: list[Instruction] = []
        self.successors: list[list[int]] = []
        self.spans: list[Span] = []
        self.statements: list[int] = []
        self.span = span
        self.statement = 0
        self.temps = 0
        self.scopes: list[Scope] = []
        self.targets: list[Target] = []
        self.labels: dict[str, tuple[int, tuple[Scope, ...]]] = {}
        self.gotos: list[PendingGoto] = []
        self.locals: dict[str, Local] = {}
        self.problems: list[str] = []
        self.current: int | None = self._append(Skip())
        self.exit = self.label()

    def _append(self, instruction: Instruction) -> int:
        self.instructions.append(instruction)
        self.successors.append([])
        self.spans.append(self.span)
        self.statements.append(self.statement)
        return len(self.instructions) - 1

    def temp(self) -> int:
        """A fresh temporary."""
        self.temps += 1
        return self.temps

    def label(self) -> int:
        """A node to jump to."""
        return self._append(Skip())

    def emit(self, instruction: Instruction) -> int:
        """Append ``instruction`` after the current node and stand behind it."""
        node = self._append(instruction)
        if self.current is not None:
            self.successors[self.current].append(node)
        self.current = node
        return node

    def jump(self, label: int) -> None:
        """Go to ``label``; what follows is unreachable until another label is placed."""
        if self.current is not None:
            self.successors[self.current].append(label)
        self.current = None

    def place(self, label: int) -> None:
        """Fall into ``label`` and stand behind it."""
        if self.current is not None:
            self.successors[self.current].append(label)
        self.current = label

    def branch(self, condition: Expr, true: int, false: int) -> None:
        """Go to ``true`` or ``false``."""
        self._split(Branch(condition), (true, false))

    def choose(self, *labels: int) -> None:
        """Go to any of ``labels``."""
        self._split(Choice(), labels)

    def _split(self, instruction: Instruction, labels: tuple[int, ...]) -> None:
        reachable = self.current is not None
        node = self.emit(instruction)
        self.successors[node].extend(labels)
        if not reachable:
            self.successors[node].clear()
        self.current = None

    @contextmanager
    def scope(self) -> Iterator[Scope]:
        """A block: its releases run, newest first, where it is left by falling out."""
        scope = Scope()
        self.scopes.append(scope)
        try:
            yield scope
        finally:
            if self.current is not None:
                self.release([scope])
            self.scopes.pop()

    def release(self, scopes: list[Scope] | tuple[Scope, ...]) -> None:
        """Emit the releases of ``scopes`` (outermost first), newest first."""
        for scope in reversed(scopes):
            for release in reversed(scope.releases):
                release()

    def leave(self, depth: int, label: int) -> None:
        """Release the scopes above ``depth`` and go to ``label``."""
        self.release(self.scopes[depth:])
        self.jump(label)

    def define_label(self, name: str) -> None:
        """Stand at the C label ``name``."""
        node = self.label()
        self.labels[name] = (node, tuple(self.scopes))
        self.place(node)

    def goto(self, name: str) -> None:
        """Go to the C label ``name``, wherever it will stand."""
        if self.current is None:
            return
        node = self.emit(Skip())
        self.gotos.append(PendingGoto(node, name, tuple(self.scopes), ()))
        self.current = None

    def resolve_gotos(self) -> set[str]:
        """Link every goto to its label, with the releases of the scopes it leaves.

        Returns the labels that are not there; a goto to one of them leads nowhere.
        """
        missing: set[str] = set()
        for pending in self.gotos:
            found = self.labels.get(pending.label)
            if found is None:
                missing.add(pending.label)
                continue
            label, scopes = found
            common = 0
            for ours, theirs in zip(pending.scopes, scopes, strict=False):
                if ours is not theirs:
                    break
                common += 1
            self.current = pending.node
            self.release(pending.scopes[common:])
            self.jump(label)
        return missing

    def nodes(self) -> tuple[Node, ...]:
        """All nodes, with the empty ones between others taken out of the edges."""
        final = [self._follow(index) for index in range(len(self.instructions))]
        return tuple(
            Node(
                self.instructions[index],
                tuple(final[each] for each in self.successors[index]),
                self.spans[index],
                self.statements[index],
            )
            for index in range(len(self.instructions))
        )

    def _follow(self, index: int) -> int:
        seen = {index}
        while (
            isinstance(self.instructions[index], Skip)
            and len(self.successors[index]) == 1
            and index != self.exit
            and self.successors[index][0] not in seen
        ):
            index = self.successors[index][0]
            seen.add(index)
        return index

"""What a series is compared with: the trees that it may be for, in the order in which they are believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kicklint.base import Patch, SourceError
from kicklint.review.worlds import Fitted, MisfitError, fitted, relevant_changes
from kicklint.source import GitRepository, KeptTree, OverlayTree, RevisionTree, SourceTree


@dataclass(frozen=True, slots=True)
class Place:
    """Where bases are looked for: a tree on disk, the repository that it is the work tree of, and the
    revision that somebody named."""

    tree: SourceTree | None = None
    repository: GitRepository | None = None
    revision: str = ""

    def close(self) -> None:
        """End what reads the repository."""
        if self.repository is not None:
            self.repository.close()


@dataclass(frozen=True, slots=True)
class Base:
    """The tree before the series, what it is in words, and the worlds after its first patches."""

    tree: SourceTree
    said: str
    worlds: tuple[Fitted, ...]


def find_base(patches: Sequence[Patch], place: Place) -> tuple[Base | None, tuple[str, ...]]:
    """The base that all patches fit, or at least the first, and why those before it were not taken.

    None when there is none. Raises SourceError for a named revision that does not exist or fit.
    """
    refused: list[str] = []
    partly: Base | None = None
    for tree, said in _candidates(patches, place, refused):
        try:
            base = Base(tree, said, _forwards(tree, patches))
        except MisfitError as error:
            if place.revision:
                raise SourceError(f"--base {place.revision}: {error}") from error
            refused.append(f"{said}: {error}")
            continue
        if place.revision or len(base.worlds) == len(patches):
            return base, tuple(refused)
        partly = partly or base
    for count in range(len(patches), 0, -1) if place.tree is not None else ():
        held = _backwards(place.tree, patches, count) if place.tree is not None else None
        if held is not None and (partly is None or len(held.worlds) > len(partly.worlds)):
            return held, tuple(refused)
    return partly, tuple(refused)


def _candidates(
    patches: Sequence[Patch], place: Place, refused: list[str]
) -> Iterator[tuple[SourceTree, str]]:
    repository = place.repository
    if place.revision:
        commit = repository.commit(place.revision) if repository is not None else ""
        if repository is None or not commit:
            raise SourceError(f"--base {place.revision}: no such revision in {_where(place)}")
        short = commit[:12]
        said = short if commit.startswith(place.revision) else f"{place.revision} ({short})"
        yield KeptTree(RevisionTree(repository, commit)), f"revision {said}"
        return
    trailer = next((each.letter.base_commit for each in patches if each.letter.base_commit), "")
    if trailer and repository is not None:
        commit = repository.commit(trailer)
        if commit:
            yield KeptTree(RevisionTree(repository, commit)), f"base-commit {commit[:12]} of the mail"
        else:
            refused.append(f"base-commit {trailer[:12]} of the mail: not in {_where(place)}")
    if repository is not None:
        yield from _by_blobs(patches, repository, refused)
    if place.tree is not None:
        yield place.tree, "the tree as it is"


def _where(place: Place) -> str:
    if place.repository is not None:
        return str(place.repository.top)
    return f"{place.tree.root}, which is no git work tree" if place.tree is not None else "no tree"


def _by_blobs(
    patches: Sequence[Patch], repository: GitRepository, refused: list[str]
) -> Iterator[tuple[SourceTree, str]]:
    """The commit that has the blobs of the index lines, or HEAD with them put into it."""
    wanted: dict[str, str] = {}
    seen: set[str] = set()
    for change in (each for patch in patches for each in relevant_changes(patch)):
        if change.old is not None and change.old not in seen:
            if not change.old_blob:
                return
            wanted[change.old] = change.old_blob
        seen |= {path for path in (change.old, change.new) if path is not None}
    if not wanted:
        return
    texts = {path: repository.blob(name) for path, name in wanted.items()}
    absent = sorted(path for path, text in texts.items() if text is None)
    if absent:
        refused.append(f"the blobs of the index lines: that of {absent[0]} is not in the repository")
        return
    commit = repository.commit_with(wanted.items())
    if commit:
        yield (
            KeptTree(RevisionTree(repository, commit)),
            f"commit {commit[:12]}, which has the blobs of the patch",
        )
    head = repository.commit("HEAD")
    if head:
        said = f"the blobs of the index lines, the other files as in HEAD ({head[:12]})"
        yield OverlayTree(KeptTree(RevisionTree(repository, head)), texts), said


def _forwards(tree: SourceTree, patches: Sequence[Patch]) -> tuple[Fitted, ...]:
    """The worlds after the patches, as far as they fit one upon the other.

    Raises MisfitError when the first does not.
    """
    worlds: list[Fitted] = []
    for patch in patches:
        try:
            worlds.append(fitted(worlds[-1].tree if worlds else tree, patch))
        except MisfitError:
            if not worlds:
                raise
            break
    return tuple(worlds)


def _backwards(tree: SourceTree, patches: Sequence[Patch], count: int) -> Base | None:
    """The base when the tree holds the first ``count`` patches already."""
    states: list[SourceTree] = [tree]
    starts = []
    for patch in reversed(patches[:count]):
        try:
            step = fitted(states[-1], patch, backwards=True)
        except MisfitError:
            return None
        states.append(step.tree)
        starts.append(step.starts)
    after = [state if isinstance(state, OverlayTree) else OverlayTree(state, {}) for state in states[:-1]]
    worlds = [Fitted(state, start) for state, start in zip(after, starts, strict=True)][::-1]
    try:
        rest = _forwards(tree, patches[count:]) if patches[count:] else ()
    except MisfitError:
        rest = ()
    held = "the patch" if len(patches) == 1 else f"patch 1 to {count}" if count > 1 else "patch 1"
    return Base(states[-1], f"the tree without {held}, which it holds already", (*worlds, *rest))

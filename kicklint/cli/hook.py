"""kicklint hook: what is staged, or a mail on its way out, judged before it goes on."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from kicklint import __version__, source
from kicklint.base import KicklintError, Patch, Review, SourceError, relocated
from kicklint.cli.intake import Intake
from kicklint.cli.options import CommaList, choose_rules, effort, flat, processors
from kicklint.cli.output import write
from kicklint.cli.policy import Policy, review_policy
from kicklint.cli.progress import progress
from kicklint.cli.review import request_for, status_of
from kicklint.cli.status import COULD_NOT_RUN, NO_FINDINGS
from kicklint.render import REVIEW_FORMATS, Context, visible
from kicklint.rulebook import load_rulebook

_MARK = "# kicklint hook: `kicklint hook remove` takes it away."
# What git hands to a hook, and what we make of it.
_HOOKS = {"pre-commit": "", "sendemail-validate": ' --mail "$1"'}
# pre-commit names the two ends when it is not about what is staged.
_ENDS = ("PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF")

_tree = click.option(
    "--tree",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The kernel tree. Default: found upward from the current directory.",
)
_names = click.argument("names", nargs=-1, metavar="[HOOK]...", type=click.Choice(list(_HOOKS)))


@click.group()
def hook() -> None:
    """Keep what makes the tree worse out of commits and mails."""


@hook.command("run")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@_tree
@click.option(
    "--mail",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Judge the patch in this mail instead of what is staged.",
)
@click.option(
    "--arch", "architectures", type=CommaList(), multiple=True, metavar="NAME,...", help="As of a review."
)
@choose_rules
@review_policy
@effort
def run(
    files: tuple[Path, ...],
    tree: Path | None,
    mail: Path | None,
    architectures: tuple[tuple[str, ...], ...],
    select: tuple[tuple[str, ...], ...],
    ignore: tuple[tuple[str, ...], ...],
    policy: Policy,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Judge what is staged against HEAD: only what it makes worse is reported.

    FILEs are the files that are about to be committed, when the caller knows them. When
    none of them, or nothing that is staged, is KVM code, nothing is analysed. Says nothing when
    there is nothing to say.

    Exit status: 0 nothing new, 1 new findings, 2 could not judge.
    """
    context = click.get_current_context()
    root = _root(tree, files)
    if root is None:
        context.exit(NO_FINDINGS)  # a repository without KVM
    policy = policy.found(root)
    intake = Intake((mail,) if mail is not None else (), root, "", "", staged=mail is None)
    ends = [os.environ.get(each, "") for each in _ENDS]
    if mail is None and all(ends):
        intake = replace(intake, revisions="..".join(ends), staged=False)
    if not _concerned(intake, [_inside(root, each) for each in files], policy):
        context.exit(NO_FINDINGS)
    # The engine brings tree-sitter: 40 ms that a commit without KVM need not wait for.
    from kicklint import review as room

    patches, place = intake.patches()
    request = request_for(policy, place, flat(architectures), flat(select), flat(ignore))
    with progress(quiet=quiet) as bar, closing(place):
        done = room.review(room.series(patches), replace(request, progress=bar, jobs=processors()))
    if place.repository is not None:  # whoever commits goes by the top of the repository
        done = relocated(done, place.repository.prefix)
    _say(done, verbose > 0, "mail" if mail is not None else "commit")


def _root(tree: Path | None, files: tuple[Path, ...]) -> Path | None:
    """The kernel tree that is named, or around the current directory, or around one of ``files``.

    None when there is none. Raises SourceError when the one that is named is none.
    """
    if tree is not None:
        return source.find_tree(tree).root
    for place in dict.fromkeys((Path.cwd(), *(each.parent for each in files))):
        try:
            return source.find_tree(place).root
        except SourceError:
            continue
    return None


def _concerned(intake: Intake, files: list[str], policy: Policy) -> bool:
    """Whether there is KVM code in it for which something may be reported, told from the paths."""

    def counts(path: str) -> bool:
        if not source.is_kvm_code(path):
            return False
        # As in run().
        from kicklint.triage import excluded

        return not excluded(path, policy.exclude)

    if files and not any(counts(each) for each in files):
        return False
    if intake.staged:
        repository = source.find_repository(intake.tree) if intake.tree is not None else None
        if repository is None:
            raise SourceError(f"{intake.tree} is not the work tree of a git repository")
        # Before the first commit there is nothing that could have become worse.
        return bool(repository.commit("HEAD")) and any(counts(each) for each in repository.staged_paths())
    if intake.revisions:
        return True
    patches, _ = intake.patches()
    for each in patches:
        if each.trouble:  # whatever it is, it may be sent
            click.echo(f"kicklint: {intake.files[0]}: not judged: {visible(each.trouble)}", err=True)
    return any(counts(path) for each in patches for path in _paths(each))


def _paths(patch: Patch) -> list[str]:
    return [path for change in patch.files for path in (change.old, change.new) if path is not None]


def _inside(root: Path, file: Path) -> str:
    path = Path(os.path.normpath(Path.cwd() / file))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _say(done: Review, verbose: bool, what: str) -> None:
    status = status_of(done)
    if status != NO_FINDINGS or verbose:
        context = Context(
            rules=load_rulebook().rules,
            version=__version__,
            quiet=not verbose,
            verbose=verbose,
            exit_code=status,
        )
        write(REVIEW_FORMATS["text"](done, context), None, for_people=True)
    if status == COULD_NOT_RUN:
        click.echo(f"kicklint: the {what} could not be judged", err=True)
    elif status != NO_FINDINGS:
        past = "--no-validate" if what == "mail" else "--no-verify"
        click.echo(f"kicklint: the {what} is refused; a waiver, or {past}, lets it pass", err=True)
    click.get_current_context().exit(status)


@hook.command("install")
@_names
@_tree
def install(names: tuple[str, ...], tree: Path | None) -> None:
    """Write HOOK (pre-commit by default, or sendemail-validate) into the repository of the tree.

    A hook that is there already and was not written by kicklint is left alone.
    """
    place, prefix = _place(tree)
    for name in names or ("pre-commit",):
        path = place / name
        if os.path.lexists(path) and not _ours(path):
            raise KicklintError(
                f"{path} is there already; have it call 'kicklint hook run{_HOOKS[name]}', or remove it"
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(_script(name, prefix), path)
            path.chmod(0o755)
        except OSError as error:
            raise KicklintError(f"cannot write {path}: {error.strerror}") from error
        # The repository may be another than the one that is thought of.
        about = f", which judges the kernel in {prefix.rstrip('/')}" if prefix else ""
        click.echo(f"kicklint: wrote {path}{about}", err=True)


@hook.command("remove")
@_names
@_tree
def remove(names: tuple[str, ...], tree: Path | None) -> None:
    """Take HOOK (all by default) out of the repository again, where kicklint wrote it."""
    place, _ = _place(tree)
    for name in names or tuple(_HOOKS):
        path = place / name
        if not os.path.lexists(path):
            if names:
                click.echo(f"kicklint: there is no {path}", err=True)
            continue
        if not _ours(path):
            if names:
                raise KicklintError(f"{path} was not written by kicklint")
            continue
        try:
            path.unlink()
        except OSError as error:
            raise KicklintError(f"cannot remove {path}: {error.strerror}") from error
        click.echo(f"kicklint: removed {path}", err=True)


def _place(tree: Path | None) -> tuple[Path, str]:
    """The directory of the hooks, and where the kernel lies below the top of the repository.

    Raises SourceError where there are no hooks of this repository's own.
    """
    root = source.find_tree(tree or Path.cwd()).root
    repository = source.find_repository(root)
    if repository is None:
        raise SourceError(f"{root} is not the work tree of a git repository")
    place = repository.hooks()
    if place is None:
        raise SourceError(
            f"the hooks of {root} lie outside of it (core.hooksPath); have them call 'kicklint hook run'"
        )
    return place, repository.prefix


def _ours(path: Path) -> bool:
    try:
        return not path.is_symlink() and _MARK in path.read_text("utf-8", "replace").split("\n")
    except OSError:
        return False


def _script(name: str, prefix: str) -> str:
    # Hooks are run in the top of the work tree.
    where = f" --tree {shlex.quote(prefix.rstrip('/'))}" if prefix else ""
    command = f"hook run{where}{_HOOKS[name]}"
    # -P: else Python looks for modules in the kernel first, and runs what it finds there.
    return (
        f"#!/bin/sh\n{_MARK}\npython={shlex.quote(sys.executable)}\n"
        f'if [ -x "$python" ]; then\n\texec "$python" -P -m kicklint.cli {command}\nfi\n'
        f"exec kicklint {command}\n"
    )

"""kicklint review: what patches make worse."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicklint import __version__
from kicklint.base import KicklintError, Outcome, Review, relocated
from kicklint.cli.archive import review_archive
from kicklint.cli.examine import chosen, verdict
from kicklint.cli.intake import Intake
from kicklint.cli.mending import looking, mend
from kicklint.cli.options import (
    CommaList,
    choose_rules,
    colour,
    effort,
    flat,
    formats,
    ids,
    path_prefix,
    store,
)
from kicklint.cli.output import check_writable, wants_colour, write
from kicklint.cli.policy import Policy, given, review_policy
from kicklint.cli.progress import progress
from kicklint.cli.status import COULD_NOT_RUN, FINDINGS, NO_FINDINGS
from kicklint.render import REVIEW_FOR_PEOPLE, REVIEW_FORMATS, Context, inline_comments, visible
from kicklint.rulebook import load_rulebook

if TYPE_CHECKING:
    from kicklint.review import Place, ReviewRequest


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE|-]...", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--tree",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The kernel tree. Default: found upward from the current directory.",
)
@click.option("--base", default="", metavar="REV", help="The revision that the patches are made against.")
@click.option("--git", "revisions", default="", metavar="A..B", help="Review these commits of the tree.")
@click.option("--staged", is_flag=True, help="Review what is staged in the tree.")
@click.option(
    "--arch",
    "architectures",
    type=CommaList(),
    multiple=True,
    metavar="NAME,...",
    help="Only these architectures. Default: those that the patches touch.",
)
@choose_rules
@formats(REVIEW_FORMATS)
@click.option("--all", "everything", is_flag=True, help="Show what was there already and what is fixed, too.")
@click.option("--strict", is_flag=True, help="Exit with status 2 when only the hunks could be seen.")
@click.option(
    "--archive",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="REPO",
    help="Review every mail of a public-inbox repository or a directory, a line of JSON each.",
)
@click.option(
    "--b4-comments",
    "comments",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the comments into DIR as b4 review reads them.",
)
@path_prefix
@looking
@review_policy
@colour
@effort
def review(
    files: tuple[Path, ...],
    tree: Path | None,
    base: str,
    revisions: str,
    staged: bool,
    architectures: tuple[tuple[str, ...], ...],
    select: tuple[tuple[str, ...], ...],
    ignore: tuple[tuple[str, ...], ...],
    style: str,
    output: Path | None,
    everything: bool,
    strict: bool,
    archive: Path | None,
    comments: Path | None,
    prefix: str,
    remedies: bool | None,
    policy: Policy,
    colour: str,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Say what patches make worse.

    FILE is a mail, an mbox, a maildir, a directory of mails, a reply that quotes a patch, or a bare
    diff; - and nothing at all are standard input. Nothing is written into the tree or its
    repository, and nothing is sent. The tree's configuration and waivers hold as in a check.

    Exit status: 0 nothing new, 1 new findings, 2 could not review.
    """
    # As in cli/examine.py.
    from kicklint import review as room

    check_writable(output)
    intake = Intake(files, tree, base, revisions, staged)
    patches, place = intake.patches() if archive is None else ([], intake.place())
    policy = _found(policy, place.tree.root if place.tree is not None else None)
    request = request_for(policy, place, flat(architectures), flat(select), flat(ignore), remedies)
    if archive is not None:
        click.get_current_context().exit(review_archive(archive, intake, request, style, output, quiet=quiet))
    style = policy.settings.format if _configured(policy) else style
    with progress(quiet=quiet or style in ("checkpatch", "b4-json")) as bar, closing(place):
        request = replace(request, everything=everything or style == "sarif", jobs=jobs, progress=bar)
        done = relocated(joined(room.review(one, request) for one in room.all_series(patches)), prefix)
    context = Context(
        rules=load_rulebook().rules,
        version=__version__,
        colour=wants_colour(colour, output),
        quiet=quiet,
        verbose=verbose > 0,
        exit_code=status_of(done, strict=strict),
        everything=everything,
        strict=strict,
    )
    _write_comments(done, context, comments)
    write(REVIEW_FORMATS[style](done, context), output, for_people=style in REVIEW_FOR_PEOPLE)
    if style == "reply" and not quiet:
        _say(done)
    click.get_current_context().exit(context.exit_code)


def joined(reviews: Iterable[Review]) -> Review:
    """Reviews of several series as one."""
    return Review(tuple(patch for each in reviews for patch in each.patches))


def _found(policy: Policy, root: Path | None) -> Policy:
    """``policy`` with the configuration of the tree; without a tree only with one that is named."""
    if root is None and policy.configuration is None:
        policy = replace(policy, isolated=True)
    return policy.found(root or Path.cwd())


def _configured(policy: Policy) -> bool:
    """Whether the format is the configuration's; those that a review has not are for checks."""
    return policy.settings.format in REVIEW_FORMATS and not given("style")


def request_for(
    policy: Policy,
    place: Place,
    architectures: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    remedies: bool | None = None,
) -> ReviewRequest:
    """What the command line asks for, and the configuration where that says nothing."""
    # As in review().
    from kicklint import review as room

    settings = policy.settings
    looking_for_edits = settings.remedies if remedies is None else remedies
    return room.ReviewRequest(
        place,
        architectures or settings.arch,
        chosen(select or ids(settings.select), ignore or ids(settings.ignore)),
        verdict=verdict(policy),
        mend=mend if looking_for_edits else None,
        store=store(),
    )


def status_of(done: Review, *, strict: bool = False) -> int:
    """The exit status for ``done``; ``strict`` takes a review of hunks only for none."""
    outcomes = {each.outcome for each in done.patches}
    if Outcome.UNREADABLE in outcomes or (strict and Outcome.HUNKS_ONLY in outcomes):
        return COULD_NOT_RUN
    if outcomes and outcomes <= {Outcome.NO_PATCH}:
        return NO_FINDINGS
    return FINDINGS if done.counting else NO_FINDINGS


def _say(done: Review) -> None:
    """On standard error what a reply does not hold."""
    for each in done.patches:
        title = each.patch.letter.subject or each.patch.letter.place
        if each.outcome is Outcome.UNREADABLE:
            click.echo(f"kicklint: {visible(title)}: {visible(each.reason)}", err=True)
        elif not each.new:
            said = each.reason if each.outcome is not Outcome.REVIEWED else f"nothing new against {each.base}"
            click.echo(f"kicklint: {visible(title)}: {visible(said)}", err=True)


def _write_comments(done: Review, context: Context, folder: Path | None) -> None:
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KicklintError(f"cannot make {folder}: {error.strerror}") from error
    for name, text in inline_comments(done, context).items():
        write(text, folder / name)

"""kicklint review --archive: every mail of an archive, a line of JSON each, resumable."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from kicklint import __version__, source
from kicklint.base import KicklintError, Letter, Outcome, Patch, PatchReview, Review
from kicklint.cli.intake import Intake
from kicklint.cli.output import to_file
from kicklint.cli.progress import progress
from kicklint.cli.status import FINDINGS, NO_FINDINGS
from kicklint.render import Context, render_line

if TYPE_CHECKING:
    from kicklint.review import ReviewRequest


def review_archive(
    archive: Path, intake: Intake, request: ReviewRequest, style: str, output: Path | None, *, quiet: bool
) -> int:
    """Review every mail of ``archive`` by itself, and give back the exit status.

    A line is written as soon as its mail is done; what ``output`` holds already from an earlier run
    is not done again. Raises KicklintError.
    """
    if style != "json" or intake.files or intake.revisions or intake.staged:
        raise click.UsageError("--archive goes with --format json, and with no FILE, --git or --staged")
    done = _done(output)
    status = NO_FINDINGS
    total = source.count(archive)
    try:
        with closing(request.place), _opened(output) as out, progress(quiet=quiet) as bar:
            for number, mail in enumerate(source.archived(archive), 1):
                if bar is not None:
                    bar("reviewing", number, total)
                if mail.key in done:
                    status = max(status, done[mail.key])
                    continue
                result = _reviewed(mail, request)
                if result.counting:
                    status = FINDINGS
                line = render_line(result, mail.key, Context(version=__version__))
                out.write(line.encode("utf-8", "backslashreplace"))
                out.flush()
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise KicklintError(f"cannot write {output or 'standard output'}: {error.strerror}") from error
    return status


def _reviewed(mail: source.ArchivedMail, request: ReviewRequest) -> Review:
    # The engine behind it brings tree-sitter: 40 ms that --help need not wait for.
    from kicklint import review

    if mail.data is None:
        patch = Patch(Letter(mail.key), trouble="not there, or larger than what is read of one mail")
    else:
        patch = source.read_mail(mail.data, mail.key)
    try:
        return review.review([patch], request)
    except KicklintError as error:
        return Review((PatchReview(patch, Outcome.UNREADABLE, reason=str(error)),))


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    if output is None or not to_file(output):
        yield sys.stdout.buffer
        return
    with output.open("ab") as file:
        yield file


def _done(output: Path | None) -> dict[str, int]:
    """The mails that ``output`` has a line for, with their status; half a line at the end is cut off."""
    if output is None or not to_file(output) or not output.exists():
        return {}
    found: dict[str, int] = {}
    whole = 0
    try:
        with output.open("rb+") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                value = json.loads(line)
                found[str(value["mail"])] = FINDINGS if value["findings"] else NO_FINDINGS
                whole += len(line)
            file.truncate(whole)
    except OSError as error:
        raise KicklintError(f"cannot read {output}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise KicklintError(f"{output}: is no report of an archive; name another file") from error
    return found

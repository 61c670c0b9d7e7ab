"""b4 review without a person: its own code makes a review branch, runs the checks, and takes comments in.

    python b4_session.py branch SERIES.mbox BASE    make b4/review/kicks of the series, checked out
    python b4_session.py checks                     the keys of its screen that run the checks; their results
    python b4_session.py comments                   what the screen holds of comments, by patch

It is run in the repository, by a process of its own, since b4 keeps its configuration in its modules.
Answers are JSON on standard output.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import sys
from pathlib import Path
from typing import Any

import b4
import b4.review
from b4.review_tui._modals import TrackingCheckResultsScreen
from b4.review_tui._review_app import ReviewApp
from liblore.utils import split_mbox

BRANCH = "b4/review/kicks"
_ROUNDS = 1200


def branch(mailbox: str, base: str) -> object:
    """What `b4 review track` and its screen's review key do, with the mails at hand."""
    top = b4.git_get_toplevel()
    data = Path(mailbox).read_bytes()
    box = b4.LoreMailbox()
    for message in split_mbox(data):
        box.add_message(message)
    series = box.get_series(1)
    ready = io.BytesIO()
    b4.save_git_am_mbox(series.get_am_ready(noaddtrailers=True), ready)
    b4.git_fetch_am_into_repo(top, ambytes=ready.getvalue(), at_base=base, origin="the list", am_flags=["-3"])
    mask = "https://example.org/%s"
    b4.review.create_review_branch(top, BRANCH, base, series, mask % "1", mask)
    # The tracking screen keeps the thread as a blob; with it nothing is asked of a server.
    _, blob = b4.git_run_command(top, ["hash-object", "-w", "--stdin"], stdin=data)
    cover, tracking = b4.review.load_tracking(top, BRANCH)
    tracking["series"]["thread-blob"] = blob.strip()
    b4.review.save_tracking_ref(top, BRANCH, cover, tracking)
    return {"patches": len(tracking["patches"]), "base": tracking["series"]["base-commit"]}


def _app() -> ReviewApp:
    session = b4.review._prepare_review_session(argparse.Namespace(branch=BRANCH))
    return ReviewApp({**session, "email_dryrun": True, "patatt_sign": False})


async def _checked() -> object:
    app = _app()
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.press("c")
        for _ in range(_ROUNDS):
            await pilot.pause(0.1)
            if isinstance(app.screen, TrackingCheckResultsScreen):
                break
        else:
            raise SystemExit("b4 shows no results of its checks")
        screen = app.screen
        grave = [at for (at, _), each in screen._matrix.items() if each["status"] != "pass"]
        for key in (*["j"] * max(grave, default=0), "enter"):
            await pilot.press(key)
            await pilot.pause(0.1)
        shown = [line.text for line in screen.query_one("#tcr-detail").lines]
        return {
            "results": [
                {"patch": screen._patch_labels[at], "column": tool, **result}
                for (at, tool), result in sorted(screen._matrix.items())
            ],
            "shown": shown,
        }


async def _commented() -> object:
    app = _app()
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.pause(0.2)
        series: dict[str, Any] = app._series
        return {
            "series": series.get("reviews", {}),
            "patches": [each.get("reviews", {}) for each in app._patches],
            "states": [b4.review._get_patch_state(each, b4.get_user_config()) for each in app._patches],
        }


def main(command: str, *words: str) -> None:
    """Run one of the commands above."""
    b4.setup_config(argparse.Namespace(config={}))
    b4.can_network = False
    if command == "branch":
        answer = branch(*words)
    else:
        answer = asyncio.run(_checked() if command == "checks" else _commented())
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])

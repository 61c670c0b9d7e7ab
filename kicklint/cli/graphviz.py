"""Drawing a graph with Graphviz, which may not be installed."""

from __future__ import annotations

import shutil
import subprocess

from kicklint.base import KicklintError

# A function of a thousand blocks takes a few seconds.
_SECONDS = 120


def svg(dot: str) -> str:
    """The drawing of ``dot`` text. Raises KicklintError when Graphviz is not there or fails."""
    program = shutil.which("dot")
    if program is None:
        raise KicklintError(
            "the format svg needs Graphviz, and there is no program 'dot' (Debian: apt-get install graphviz);"
            " --format dot writes its input"
        )
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=dot.encode(), capture_output=True, timeout=_SECONDS, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise KicklintError(
            f"Graphviz did not finish within {_SECONDS} s; --format dot writes its input"
        ) from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode("utf-8", "replace").strip() or f"status {error.returncode}"
        raise KicklintError(f"Graphviz failed: {reason}") from error
    except OSError as error:
        raise KicklintError(f"Graphviz cannot be run: {error.strerror}") from error
    return done.stdout.decode("utf-8", "replace")

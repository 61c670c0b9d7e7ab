"""Running a litmus test with herd7 and the kernel's model, which may not be there."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_SECONDS = 120
_MODEL = Path("tools/memory-model")
_CONFIGURATION = "linux-kernel.cfg"
_OBSERVED = re.compile(r"^Observation \S+ (\w+)", re.MULTILINE)


def herd(test: str, tree: Path) -> str:
    """What herd7 says of ``test``: its verdict, or in brackets why there is none."""
    program = shutil.which("herd7")
    if program is None:
        return "(herd7 is not installed)"
    model = tree / _MODEL
    if not (model / _CONFIGURATION).is_file():
        return f"(no {_MODEL}/{_CONFIGURATION} in the tree)"
    with tempfile.NamedTemporaryFile("w", suffix=".litmus") as file:
        file.write(test)
        file.flush()
        try:
            done = subprocess.run(
                [program, "-conf", _CONFIGURATION, file.name],
                cwd=model,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                text=True,
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            return f"(herd7: {error})"
    observed = _OBSERVED.search(done.stdout)
    if observed is not None:
        return observed[1]
    said = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}").splitlines()[0]
    return f"(herd7: {said})"

"""Run one target of targets.py under atheris: ``python fuzz/run.py c -max_total_time=3600``.

``pip install atheris`` first. What follows the target is libFuzzer's; what it finds is written
into the current directory as crash-*. Inputs that are worth keeping are collected in
``.cache/fuzz/TARGET``.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["kicklint"]):
    import targets


def main() -> None:
    """Fuzz the target that the command line names."""
    if len(sys.argv) < 2 or sys.argv[1] not in targets.TARGETS:
        raise SystemExit(f"usage: {sys.argv[0]} {'|'.join(targets.TARGETS)} [libFuzzer's options]")
    name = sys.argv.pop(1)
    corpus = targets.ROOT / ".cache/fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for each in targets.seeds(name):
        (corpus / hashlib.sha1(each).hexdigest()).write_bytes(each)
    limits = ["-timeout=120", "-rss_limit_mb=2048", str(Path(corpus))]
    atheris.Setup([*sys.argv, *limits], targets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

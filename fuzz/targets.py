"""What reads bytes that others wrote: each takes any bytes, and ends with a documented error at most."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from kicklint.base import KicklintError, Report
from kicklint.engine import AnalysisRequest, analyse_tree
from kicklint.engine.sources import Parsed
from kicklint.render import REPORT_FORMATS, REVIEW_FORMATS, Context
from kicklint.review import Place, ReviewRequest, review, series
from kicklint.rulebook import RuleInfo, load_rulebook
from kicklint.rulebook.reader import read_file
from kicklint.rulebook.vocabulary import Architectures, Macros, Vocabulary
from kicklint.settings import load_settings, load_waivers
from kicklint.source import DirectoryTree, KeptTree, OverlayTree, read_mail
from kicklint.syntax import parse_fragment
from kicklint.triage import load_baseline

ROOT = Path(__file__).resolve().parents[1]
DEMO = KeptTree(DirectoryTree(ROOT / "fixtures/demo-tree"))
RUN = "arch/riscv/kvm/vcpu.c"
HEADER = "include/linux/kvm_host.h"
_REQUEST = AnalysisRequest(DEMO.root)
_PARSED: Parsed = {}
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n")


def c_file(data: bytes, path: str = RUN) -> Report:
    """A file of a tree: analysed by every rule, and reported in every format."""
    if not _PARSED:
        analyse_tree(DEMO, _REQUEST, _PARSED)
    report = analyse_tree(OverlayTree(DEMO, {path: data}), _REQUEST, dict(_PARSED))
    context = Context(rules=load_rulebook().rules, version="0", verbose=True)
    for name, form in REPORT_FORMATS.items():
        text = form(report, context)
        if name in ("json", "sarif", "gitlab", "rdjson"):
            json.loads(text)
        elif name in ("text", "concise", "gcc"):
            _harmless(text)
    return report


def header(data: bytes) -> Report:
    """As c_file, with a header that all files see."""
    return c_file(data, HEADER)


def fragment(data: bytes) -> None:
    """What a macro stands for."""
    # As in the engine.
    from kicklint.engine.sources import dialect

    parse_fragment(data, dialect())


def mail(data: bytes) -> None:
    """A mail with a patch, reviewed."""
    done = review(series([read_mail(data, "a mail")]), ReviewRequest(Place(DEMO)))
    context = Context(rules=load_rulebook().rules, version="0")
    for name, form in REVIEW_FORMATS.items():
        text = form(done, context)
        if name == "text":
            _harmless(text)


def rules(data: bytes) -> None:
    """A file of rules, vocabulary, macros or architectures."""
    with _file(data, "KICK001.toml") as path:
        for kind in (RuleInfo, Vocabulary, Macros, Architectures):
            with contextlib.suppress(KicklintError):
                read_file(kind, path)


def settings(data: bytes) -> None:
    """A configuration, and a file of waivers."""
    with _file(data, ".kicklint.toml") as path, contextlib.suppress(KicklintError):
        load_settings(path.parent, path)
    with _file(data, "waivers.toml") as path, contextlib.suppress(KicklintError):
        load_waivers(path)


def baseline(data: bytes) -> None:
    """A baseline: a report of kicklint, or a SARIF log."""
    with _file(data, "baseline.json") as path, contextlib.suppress(KicklintError):
        load_baseline(path)


TARGETS: dict[str, Callable[[bytes], object]] = {
    "c": c_file,
    "header": header,
    "fragment": fragment,
    "mail": mail,
    "rules": rules,
    "settings": settings,
    "baseline": baseline,
}


def seeds(name: str) -> list[bytes]:
    """What a target begins with."""
    places = {
        "c": [*ROOT.glob("fixtures/rules/KICK00[1-3]/*.c"), DEMO.root / RUN],
        "header": [DEMO.root / HEADER],
        "fragment": [DEMO.root / RUN],
        "rules": [*ROOT.glob("rules/*.toml")],
        "settings": [ROOT / "tests/ecosystem/6.12.toml"],
    }
    found = [path.read_bytes() for path in sorted(places.get(name, ()))]
    if name == "settings":
        found.append(
            b'select = ["KICK001"]\njobs = 2\n[[waiver]]\nrule = "KICK001"\nreason = "r"\npath = "a"\n'
        )
    if name == "baseline":
        report = analyse_tree(DEMO, _REQUEST)
        context = Context(rules=load_rulebook().rules, version="0")
        found += [REPORT_FORMATS[form](report, context).encode() for form in ("json", "sarif")]
    if name == "mail":
        found.append(_a_mail())
    return found


def _a_mail() -> bytes:
    text = DEMO.read(RUN).decode().splitlines()
    at = next(number for number, line in enumerate(text) if "kvm_request_pending(vcpu) ||" in line)
    shown = [f" {line}" for line in text[at - 3 : at]]
    after = [f" {line}" for line in text[at + 1 : at + 4]]
    gone = [f"-{text[at]}", f"+{text[at].replace('kvm_request_pending(vcpu) ||', '')}"]
    lines = [
        "From: A <a@example.org>",
        "Subject: [PATCH] KVM: a change",
        "Message-ID: <1@example.org>",
        "",
        "A text.",
        "---",
        f"diff --git a/{RUN} b/{RUN}",
        f"--- a/{RUN}",
        f"+++ b/{RUN}",
        f"@@ -{at - 2},7 +{at - 2},7 @@",
        *shown,
        *gone,
        *after,
        "-- ",
        "2.39.5",
        "",
    ]
    return "\n".join(lines).encode()


def _harmless(text: str) -> None:
    """No escape sequence of the input reaches a terminal."""
    assert not _CONTROLS.intersection(text.encode("utf-8", "backslashreplace")), "a control character"


@contextlib.contextmanager
def _file(data: bytes, name: str):  # type: ignore[no-untyped-def]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path

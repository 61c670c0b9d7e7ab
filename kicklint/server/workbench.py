"""One tree in an editor: its report with what is not saved yet, and the edits for its findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kicklint.base import Edit, Finding, Report
from kicklint.engine import AnalysisRequest, analyse_tree
from kicklint.engine.sources import Parsed
from kicklint.remedy import with_edits
from kicklint.rulebook import load_rulebook
from kicklint.source import DirectoryTree, OverlayTree, SourceTree, is_kvm_code

Verdict = Callable[[Report, SourceTree], Report]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Project:
    """What is to be analysed of a tree, and what puts its configuration and waivers to a report.

    New waivers go to the file ``waivers``, into its array ``key``.
    """

    request: AnalysisRequest
    verdict: Verdict
    waivers: Path
    key: str


@dataclass(slots=True)
class Workbench:
    """The tree at ``root``; ``open_project`` reads its configuration, anew for every report.

    ``waivers`` is the file that new waivers go to and the key of the array there, as of the last report.
    """

    root: Path
    open_project: Callable[[Path], Project]
    parsed: Parsed = field(default_factory=dict)
    waivers: tuple[Path, str] = (Path(), "")

    def report(
        self, texts: Mapping[str, str], progress: Progress, arrived: Callable[[Report], None]
    ) -> Report:
        """The report on the tree with ``texts`` in place of those files.

        ``progress`` is told how far it is, ``arrived`` what the architectures say that are done; what
        they raise ends the analysis. Raises KicklintError.
        """
        project = self.open_project(self.root)
        self.waivers = project.waivers, project.key
        tree = self._tree(texts)
        request = replace(
            project.request,
            progress=progress,
            arrived=lambda partly: arrived(project.verdict(partly, tree)),
        )
        try:
            return project.verdict(analyse_tree(tree, request, self.parsed), tree)
        finally:
            self._forget()

    def edit(self, finding: Finding, report: Report, texts: Mapping[str, str]) -> tuple[Edit | None, Report]:
        """What removes ``finding`` of ``report``, and the report with the lines that it changes.

        Raises KicklintError.
        """
        project = self.open_project(self.root)
        one = replace(report, findings=(finding,))
        done = with_edits(one, self._tree(texts), project.request, load_rulebook().rules, self.parsed)
        self._forget()
        return done.findings[0].edit, done

    def _tree(self, texts: Mapping[str, str]) -> SourceTree:
        changes = {path: text.encode("utf-8", "surrogateescape") for path, text in texts.items()}
        return OverlayTree(
            DirectoryTree(self.root), {path: changes[path] for path in changes if is_kvm_code(path)}
        )

    def _forget(self) -> None:
        """Keep only the last text of every file."""
        last = {key[0]: key for key in self.parsed}
        for key in [key for key in self.parsed if last[key[0]] != key]:
            del self.parsed[key]

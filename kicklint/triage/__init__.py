"""A report and what people have said of findings in, the same report with that marked out.

Waivers give findings a suppression, a baseline gives them a standing. Must not know how
findings are made or shown.
"""

from kicklint.triage.apply import Verdicts, triaged
from kicklint.triage.baseline import Baseline, load_baseline
from kicklint.triage.exclude import excluded
from kicklint.triage.extent import Extent
from kicklint.triage.table import waiver_table

__all__ = ["Baseline", "Extent", "Verdicts", "excluded", "load_baseline", "triaged", "waiver_table"]

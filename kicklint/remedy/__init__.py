"""A report and the tree that it is about in, the same report with edits that remove its findings out.

Rules say what may be done (``[[remedy]]``). An edit is offered only after it was tried. Must not know how
findings are made or shown.
"""

from kicklint.remedy.combine import Mended, mended
from kicklint.remedy.trial import with_edits

__all__ = ["Mended", "mended", "with_edits"]

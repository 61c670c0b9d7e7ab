"""Documents of an editor in, diagnostics, pages and edits out (Language Server Protocol).

What is analysed and what a project has laid down is handed in. Must not know click, nor how findings
are made.
"""

from kicklint.server.service import serve
from kicklint.server.workbench import Project

__all__ = ["Project", "serve"]

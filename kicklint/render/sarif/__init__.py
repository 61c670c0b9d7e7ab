"""SARIF 2.1.0 for code scanning services and viewers, built with sarif-om.

Importing this takes as long as importing sarif_om does; kicklint.render.formats
does it only when the format is asked for.
"""

from kicklint.render.sarif.log import render

__all__ = ["render"]

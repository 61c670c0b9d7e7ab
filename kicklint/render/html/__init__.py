"""A report as one HTML file that needs nothing else: no network, no other file, and no script to be read."""

from kicklint.render.html.page import render

__all__ = ["render"]

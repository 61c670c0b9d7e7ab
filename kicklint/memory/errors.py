"""What the memory model cannot answer."""

from __future__ import annotations

from kicklint.base import KicklintError


class Declined(KicklintError):
    """A program is not judged; the text names what is outside of what is modelled."""

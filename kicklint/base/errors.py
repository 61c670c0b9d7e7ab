"""Errors that a person can act on.

Every error that reaches the command line is one of these; its text says what
was wrong, where, and what to do. The command line turns them into exit status 2.
"""


class KicklintError(Exception):
    """Something kept kicklint from doing its work."""


class SourceError(KicklintError):
    """A tree, file or path that was named could not be read."""


class RulebookError(KicklintError):
    """A file of the rulebook is malformed; the text names the file and the key."""


class SettingsError(KicklintError):
    """A configuration, waiver or baseline file is malformed; the text names the file and the key."""

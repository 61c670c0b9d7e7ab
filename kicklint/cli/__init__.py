"""The command line: options in, one call, one rendering, an exit status."""

from kicklint.cli.app import main

__all__ = ["main"]

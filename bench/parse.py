"""A bare tree-sitter parse of every C file below a directory, in one process: the yardstick."""

from __future__ import annotations

import sys
from pathlib import Path

import tree_sitter
import tree_sitter_c


def main() -> None:
    """Parse what is below the directory that the command line names."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
    for path in sorted(Path(sys.argv[1]).rglob("*.[ch]")):
        parser.parse(path.read_bytes())


if __name__ == "__main__":
    main()

"""C text in, functions with syntax trees and their damage out. Must not know what the code means."""

from kicklint.syntax.dialect import Dialect, load_dialect
from kicklint.syntax.model import Body, Function, Initialiser, Macro, Parameter, SyntaxFile
from kicklint.syntax.parse import parse_file, parse_fragment
from kicklint.syntax.scan import comments
from kicklint.syntax.statements import Statement, statements

__all__ = [
    "Body",
    "Dialect",
    "Function",
    "Initialiser",
    "Macro",
    "Parameter",
    "Statement",
    "SyntaxFile",
    "comments",
    "load_dialect",
    "parse_file",
    "parse_fragment",
    "statements",
]

"""Substituting arguments into the body of a macro (C11 6.10.3), on tokens."""

from __future__ import annotations

import re

from kicklint.syntax.model import Macro

_TOKEN = re.compile(r"[A-Za-z_]\w*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|##|\s+|.", re.DOTALL)
_PASTE = re.compile(r"\s*##\s*")


def substitute(macro: Macro, arguments: list[str]) -> str | None:
    """The body of ``macro`` with ``arguments`` put in, pasted and made strings.

    None when the arguments do not fit the parameters.
    """
    parameters = macro.parameters
    if parameters is None:
        return None
    names = list(parameters)
    values = dict(zip(names, arguments, strict=False))
    if macro.variadic:
        values["__VA_ARGS__"] = ", ".join(arguments[len(names) :])
    elif len(arguments) > len(names):
        return None
    for name in names:
        values.setdefault(name, "")
    tokens = _TOKEN.findall(macro.body)
    out: list[str] = []
    for token in tokens:
        if token in values:
            if out and out[-1] == "#":
                out[-1] = '"' + values[token].replace("\\", "\\\\").replace('"', '\\"') + '"'
            else:
                out.append(values[token])
        else:
            out.append(token)
    text = "".join(out)
    if not values.get("__VA_ARGS__", "x"):
        text = re.sub(r",\s*##\s*(?=\))", "", text)
    text = re.sub(r",\s*##\s*", ", ", text)
    return _PASTE.sub("", text)

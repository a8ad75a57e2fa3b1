"""Names in Python source: what an import binds, what a function hides, what a dotted chain is."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field


@dataclass
class Scope:
    """A function's names, or the file's.

    Attributes:
        bound: Names that are its own, and hide those outside.
        parameters: Those of `bound` that are handed in.
        aliases: Name -> dotted name that an import gave it.
    """

    bound: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)

    def __init__(self, names: tuple[set[str], set[str]] = (set(), set())) -> None:
        self.bound, self.parameters, self.aliases = set(names[0]), set(names[1]), {}


def imported_aliases(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Name -> dotted name, for an absolute import."""
    if isinstance(node, ast.Import):
        roots = {alias.name: alias.name.partition(".")[0] for alias in node.names}
        return {alias.asname or roots[alias.name]: alias.name if alias.asname else roots[alias.name] for alias in node.names}
    if node.level or not node.module:
        return {}
    return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*"}


def bound_names(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> tuple[set[str], set[str]]:
    """Names that a function binds itself, and those of them that are parameters."""
    arguments = node.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    parameters = {argument.arg for argument in listed if argument is not None}
    bound, shared = set(parameters), set[str]()
    for child in node.body if isinstance(node.body, list) else [node.body]:
        for inner in ast.walk(child):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                bound.add(inner.id)
            elif isinstance(inner, ast.Global | ast.Nonlocal):
                shared.update(inner.names)
    return bound - shared, parameters


def chain_of(node: ast.expr) -> list[str]:
    """The names of `a.b.c`; empty for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return []
    return [node.id, *reversed(names)]

"""Reading the project's own source as syntax trees, for test_architecture.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "modules"
FLOORS = ("base", "settings", "imaging", "engine", "backends", "plugins", "pipeline", "runtime", "web", "cli")
PLUGIN_FOLDERS = ("scripts", "extensions-builtin")


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted(path: Path) -> str:
    """modules/base/log.py -> modules.base.log."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def floor_files() -> list[Path]:
    return python_files(*(f"modules/{floor}" for floor in FLOORS))


def face_files() -> list[Path]:
    """Files directly in modules/, and modules/api/ for `modules.api.api`."""
    return [path for path in [*sorted(MODULES.glob("*.py")), *sorted((MODULES / "api").glob("*.py"))] if path.name != "__init__.py"]


def face_names() -> set[str]:
    return {dotted(path) for path in face_files()} | {"modules.api"}


def imported_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything of ours that `tree` imports; `from a import b` gives `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def import_graph() -> dict[str, set[str]]:
    """Module -> modules of ours it imports when it is imported (not in functions, not under TYPE_CHECKING)."""
    files = {dotted(path): path for path in python_files("modules")}
    return {name: set(_imports_at_load(parse(path), files)) - {name} for name, path in files.items()}


def _imports_at_load(tree: ast.Module, known: dict[str, Path]) -> Iterator[str]:
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.If | ast.Try):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for _, name in imported_names(node):
                yield from [name] if name in known else [name.rpartition(".")[0]] if name.rpartition(".")[0] in known else []


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """One import cycle as a list of names; empty when there is none."""
    finished: set[str] = set()
    for start in sorted(graph):
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(sorted(graph[start])))]
        path = [start]
        while stack and start not in finished:
            following = next(stack[-1][1], None)
            if following is None:
                finished.add(stack.pop()[0])
                path.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in finished:
                stack.append((following, iter(sorted(graph[following]))))
                path.append(following)
    return []

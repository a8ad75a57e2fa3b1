"""What an extension's source asks of the program, read from its syntax: nothing of it is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from pathlib import Path

from modules.cli.migration.scopes import Scope, bound_names, chain_of, imported_aliases

PROGRAM = frozenset({"modules", "launch"})
SCRIPT_CLASSES = frozenset({"Script", "ScriptBuiltinUI", "ScriptPostprocessing"})
CATCHES_ALL = frozenset({"Exception", "BaseException", "ImportError", "ModuleNotFoundError", "AttributeError"})
PROCESSING_NAMES = frozenset({"p"})


class Kind(Enum):
    """What is asked for."""

    PROGRAM = "name of the program"
    GRADIO = "name of gradio"
    PACKAGE = "package"
    MEMBER = "member of a package, or a module in it"
    FIELD = "field of p"
    HOOK = "hook"
    REPLACED = "replaced"


class Weight(IntEnum):
    """When it is asked for: in a `try`, when a function runs, when the file is loaded."""

    GUARDED = 0
    LATER = 1
    AT_LOADING = 2


@dataclass(frozen=True)
class Use:
    """One thing that a file asks for, with its dotted name and the line."""

    kind: Kind
    name: str
    line: int
    weight: Weight


@dataclass
class FileScan:
    """What one file asks for.

    Attributes:
        imports: Dotted modules that may be the extension's own.
        options, flags: Those that it defines itself.
        has_unknown_options: Some of its options have names that are only known when it runs.
        given: Attributes that it sets on anything: fields of `p` may be among them.
        problem: Why it cannot be read; empty = it can.
    """

    path: Path
    uses: list[Use] = field(default_factory=list)
    imports: list[Use] = field(default_factory=list)
    options: set[str] = field(default_factory=set)
    flags: set[str] = field(default_factory=set)
    has_unknown_options: bool = False
    given: set[str] = field(default_factory=set)
    problem: str = ""

    @property
    def does_something(self) -> bool:
        """Whether it holds a script or registers a callback: other files in `scripts/` only help these."""
        return bool(self.problem) or any(use.kind is Kind.HOOK or ".script_callbacks.on_" in f".{use.name}" for use in self.uses)


def scan_file(path: Path) -> FileScan:
    """Read one file; one that Python cannot parse has a `problem`."""
    scan = FileScan(path)
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        scan.problem = f"{type(error).__name__}: {error}".splitlines()[0]
        return scan
    reader = _Reader(scan, _tested_names(tree))
    reader.visit(tree)
    return scan


def _tested_names(tree: ast.AST) -> set[str]:
    """Attributes that are asked for with `hasattr` somewhere: those are not missed."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    tested = (call.args[1] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "hasattr" and len(call.args) == 2)
    return {node.value for node in tested if isinstance(node, ast.Constant) and isinstance(node.value, str)}


class _Reader(ast.NodeVisitor):
    """Walks a file with the names in force at each place."""

    def __init__(self, scan: FileScan, tested: set[str]) -> None:
        self.scan, self._tested = scan, tested
        self._scopes: list[Scope] = [Scope()]
        self._guards = 0

    @property
    def _weight(self) -> Weight:
        return Weight.GUARDED if self._guards else Weight.LATER if len(self._scopes) > 1 else Weight.AT_LOADING

    def _note(self, kind: Kind, name: str, node: ast.AST, weight: Weight | None = None) -> None:
        self.scan.uses.append(Use(kind, name, getattr(node, "lineno", 0), self._weight if weight is None else weight))

    def visit_Import(self, node: ast.Import) -> None:
        self._scopes[-1].aliases.update(imported_aliases(node))
        for alias in node.names:
            self._note_import(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._scopes[-1].aliases.update(imported_aliases(node))
        base = "." * node.level + (node.module or "")
        if node.level or base.partition(".")[0] not in PROGRAM | {"gradio"}:
            self._note_import(base, node)
            for alias in node.names:  # may be a module too
                joint = "" if base.endswith(".") else "."
                self.scan.imports.append(Use(Kind.MEMBER, f"{base}{joint}{alias.name}", node.lineno, self._weight))
            return
        for alias in node.names:
            self._note_import(base if alias.name == "*" else f"{base}.{alias.name}", node)

    def _note_import(self, name: str, node: ast.AST) -> None:
        root = name.partition(".")[0]
        if root in PROGRAM:
            self._note(Kind.PROGRAM, name, node)
        elif root == "gradio":
            self._note(Kind.GRADIO, name, node)
        elif root != "__future__":
            self.scan.imports.append(Use(Kind.PACKAGE, name, getattr(node, "lineno", 0), self._weight))

    def visit_Try(self, node: ast.Try) -> None:
        is_guard = any(_catches(handler) for handler in node.handlers)
        self._guards += is_guard  # what stands in a handler is the second choice, and is guarded too
        for child in [*node.body, *node.handlers, *node.orelse]:
            self.visit(child)
        self._guards -= is_guard
        for child in node.finalbody:
            self.visit(child)

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        if "TYPE_CHECKING" in test or test == "__name__ == '__main__'":
            for child in node.orelse:
                self.visit(child)
            return
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outsides: list[ast.AST] = [*node.decorator_list, *node.args.defaults, *(each for each in node.args.kw_defaults if each)]
        for outside in outsides:
            self.visit(outside)
        self._enter(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._enter(node)

    def _enter(self, node: ast.FunctionDef | ast.Lambda) -> None:
        self._scopes.append(Scope(bound_names(node)))
        for child in node.body if isinstance(node.body, list) else [node.body]:
            self.visit(child)
        self._scopes.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any((chain_of(base) or [""])[-1] in SCRIPT_CLASSES for base in node.bases):
            for child in node.body:
                if isinstance(child, ast.FunctionDef):
                    self._note(Kind.HOOK, child.name, child, Weight.LATER)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain = chain_of(node)
        if not chain:
            self.generic_visit(node)
            return
        if not isinstance(node.ctx, ast.Load):
            self.scan.given.add(chain[-1])
        dotted = self._resolve(chain)
        if dotted is None:
            is_read = isinstance(node.ctx, ast.Load) or len(chain) > 2
            if is_read and chain[0] in PROCESSING_NAMES and any(chain[0] in scope.parameters for scope in self._scopes):
                self._note(Kind.FIELD, chain[1], node, Weight.GUARDED if chain[1] in self._tested else None)
            return
        root = dotted.partition(".")[0]
        weight = Weight.GUARDED if chain[-1] in self._tested else None
        if root in PROGRAM:
            self._note(Kind.PROGRAM if isinstance(node.ctx, ast.Load) else Kind.REPLACED, dotted, node, weight)
        elif root == "gradio":
            self._note(Kind.GRADIO, dotted, node, weight)

    def _resolve(self, chain: list[str]) -> str | None:
        """The dotted name behind a chain whose first name an import brought, if nothing nearer hides it."""
        for scope in reversed(self._scopes):
            if chain[0] in scope.aliases:
                return ".".join([scope.aliases[chain[0]], *chain[1:]])
            if chain[0] in scope.bound:
                return None
        return None

    def visit_Call(self, node: ast.Call) -> None:
        called = (chain_of(node.func) or [""])[-1]
        if called == "add_option" and node.args:
            self._add_options([node.args[0]])
        elif called == "options_section" and len(node.args) > 1:
            self._add_options(node.args[1].keys if isinstance(node.args[1], ast.Dict) else [None])
        elif called == "add_argument":
            words = [word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
            self.scan.flags.update(word.lstrip("-").replace("-", "_") for word in words)
        self.generic_visit(node)

    def _add_options(self, names: Sequence[ast.expr | None]) -> None:
        for name in names:
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                self.scan.options.add(name.value)
            else:
                self.scan.has_unknown_options = True


def _catches(handler: ast.ExceptHandler) -> bool:
    """Whether what is missing in the `try` does no harm: a handler that raises again does not help."""
    if isinstance(handler.body[-1], ast.Raise):
        return False
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any((chain_of(kind) or [""])[-1] in CATCHES_ALL for kind in kinds)


def own_file(name: str, extension: Path, asking: Path) -> Path | None:
    """The extension's own file behind a dotted module name, if it has one.

    Args:
        name: With leading dots for a relative import.
        asking: The file that imports it.
    """
    return next(_candidates(name, extension, asking), None)


def _candidates(name: str, extension: Path, asking: Path) -> Iterator[Path]:
    dots = len(name) - len(name.lstrip("."))
    words = [word for word in name.lstrip(".").split(".") if word]
    if dots:
        bases = [asking.parents[dots - 1]]
    elif words[:1] == ["extensions"] and len(words) > 2:
        bases, words = [extension], words[2:]
    else:
        bases = [extension, asking.parent, extension / "scripts"]
    for base in bases:
        place = base.joinpath(*words)
        for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if words and path.is_file() and path.is_relative_to(extension):
                yield path
        if words and place.is_dir() and place != base and place.is_relative_to(extension) and any(place.glob("*.py")):
            yield place

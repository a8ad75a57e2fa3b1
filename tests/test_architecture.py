"""The house keeps to docs/decisions: floors, face, budgets, fresh imports, documentation."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from modules.base.setup.requirements import normalise, read_requirements
from modules.cli import docs
from tests.source_tree import (
    FLOORS,
    MODULES,
    PLUGIN_FOLDERS,
    ROOT,
    dotted,
    face_files,
    face_names,
    find_cycle,
    floor_files,
    import_graph,
    imported_names,
    parse,
    python_files,
    shown,
)

FILE_LINES, FUNCTION_LINES, FACE_LINES = 500, 60, 60
WEB = {"fastapi", "gradio", "starlette", "uvicorn"}
WEIGHTS = {"torch", "diffusers", "transformers"}
FORBIDDEN = {
    "base": WEB | WEIGHTS | {"numpy", "PIL", "yaml"},
    "settings": WEB | WEIGHTS | {"numpy", "PIL"},
    "imaging": WEB | WEIGHTS,
    "engine": WEB | {"diffusers", "transformers"},
    "backends": WEB,
    "plugins": WEB | WEIGHTS,
    "pipeline": WEB | {"diffusers", "transformers"},
    "runtime": WEB | WEIGHTS,
    "web": WEIGHTS,
    "cli": WEB | WEIGHTS,
    "face": {"diffusers", "transformers"},
}
IMPORT_ALL = """
import importlib, os, sys
names, forbidden = sys.argv[1].split(","), sys.argv[2].split(",")
environment, path = dict(os.environ), list(sys.path)
for name in names:
    importlib.import_module(name)
    loaded = sorted(library for library in forbidden if library in sys.modules)
    assert not loaded, f"importing {name} imports {', '.join(loaded)}"
assert sys.argv[3] == "any" or dict(os.environ) == environment, "importing changes the environment"
assert sys.argv[3] == "any" or sys.path == path, "importing changes sys.path"
"""


def names_of(floor: str) -> list[str]:
    return [dotted(path) for path in (face_files() if floor == "face" else python_files(f"modules/{floor}"))]


def fails(violations: list[str]) -> None:
    assert not violations, "\n" + "\n".join(violations)


def import_fresh(names: list[str], forbidden: set[str], *options: str, touches: str = "any") -> None:
    command = [sys.executable, *options, "-c", IMPORT_ALL, ",".join(names), ",".join(sorted(forbidden)), touches]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr[-1500:]


@pytest.mark.parametrize("floor", FORBIDDEN)
def test_a_floor_imports_without_its_forbidden_libraries(floor: str) -> None:
    names = names_of(floor)
    if names:
        import_fresh(names, FORBIDDEN[floor])


def test_base_needs_no_third_party_package() -> None:
    import_fresh(names_of("base"), {"pip", "setuptools"}, "-S", touches="nothing")


def test_the_server_needs_no_torch() -> None:
    import_fresh(["modules.web.server"], WEIGHTS)


def test_importing_our_light_floors_changes_nothing() -> None:
    import_fresh([name for floor in ("base", "settings", "plugins", "runtime") for name in names_of(floor)], WEIGHTS, touches="nothing")


def test_every_package_is_a_floor_or_the_face() -> None:
    folders = {path.name for path in MODULES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= {*FLOORS, "api"}


@pytest.mark.parametrize("path", face_files(), ids=shown)
def test_a_face_file_holds_no_logic(path: Path) -> None:
    tree = parse(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) < FACE_LINES
    assert (ast.get_docstring(tree) or "").startswith("Face: ")
    fails([f"{shown(path)}:{node.lineno} is more than a re-export" for node in tree.body[1:] if not is_reexport(node)])


def is_reexport(node: ast.stmt) -> bool:
    """An import, a plain alias or list of names, or the module's `__getattr__`/`__dir__`."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.If):
        return all(is_reexport(child) for child in [*node.body, *node.orelse])
    if isinstance(node, ast.Assign | ast.AnnAssign):
        allowed = (ast.Name, ast.Attribute, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.ListComp, ast.Call)
        return node.value is not None and isinstance(node.value, allowed)
    return isinstance(node, ast.FunctionDef) and node.name in ("__getattr__", "__dir__")


def test_floors_do_not_import_the_face() -> None:
    faces = face_names()
    bad = [
        f"{shown(path)}:{line} imports {name}"
        for path in floor_files()
        for line, name in imported_names(parse(path))
        if name in faces or name.rpartition(".")[0] in faces
    ]
    fails(bad)


def test_plugins_of_ours_import_the_face_alone() -> None:
    faces = face_names()
    bad = [
        f"{shown(path)}:{line} imports {name}"
        for path in python_files(*PLUGIN_FOLDERS)
        for line, name in imported_names(parse(path))
        if name.split(".")[0] == "modules" and not any(prefix in faces for prefix in (name, name.rpartition(".")[0]))
    ]
    fails(bad)


def test_files_stay_short() -> None:
    files = [*python_files("modules", "tests", "models", *PLUGIN_FOLDERS), ROOT / "launch.py"]
    files += [path for suffix in ("js", "css") for path in MODULES.rglob(f"*.{suffix}")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    fails([f"{shown(path)}: {length} lines, budget {FILE_LINES}" for path, length in lengths.items() if length > FILE_LINES])


def test_functions_stay_short() -> None:
    bad = []
    for path in [*python_files("modules", "models", *PLUGIN_FOLDERS), ROOT / "launch.py"]:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    bad.append(f"{shown(path)}:{node.lineno} {node.name}: {length} lines, budget {FUNCTION_LINES}")
    fails(bad)


def test_no_module_imports_in_a_circle() -> None:
    assert find_cycle(import_graph()) == []


def test_our_modules_are_imported_at_the_top() -> None:
    bad = []
    for path in python_files("modules", *PLUGIN_FOLDERS):
        for function in ast.walk(parse(path)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found = [(line, name) for line, name in imported_names(function) if name.split(".")[0] in ("modules", "launch")]
                bad += [f"{shown(path)}:{line} imports {name} inside {function.name}" for line, name in found]
    fails(bad)


def test_no_global_statement() -> None:
    files = [*python_files("modules", *PLUGIN_FOLDERS), ROOT / "launch.py"]
    fails([f"{shown(path)}:{node.lineno}" for path in files for node in ast.walk(parse(path)) if isinstance(node, ast.Global)])


@pytest.mark.parametrize("page", docs.PAGES)
def test_documentation_is_as_generated(page: str) -> None:
    written = ROOT / "docs" / page
    assert written.exists(), "run: .venv/bin/python -m modules.cli.docs"
    assert written.read_text(encoding="utf-8") == docs.PAGES[page](), "run: .venv/bin/python -m modules.cli.docs"


def test_every_library_that_is_imported_is_declared() -> None:
    declared = {normalise(name) for name in read_requirements(ROOT, "runtime")}
    packages = {
        "PIL": "pillow",
        "skimage": "scikit-image",
        "cv2": "opencv-python-headless",
        "yaml": "pyyaml",
        "pptx": "python-pptx",
        "pydantic_core": "pydantic",
    }
    names = {(shown(path), name.split(".")[0]) for path in python_files("modules") for _, name in imported_names(parse(path))}
    foreign = {(path, name) for path, name in names if name not in sys.stdlib_module_names and name not in ("modules", "__future__")}
    fails([f"{path} imports {name}" for path, name in sorted(foreign) if normalise(packages.get(name, name)) not in declared])


def test_every_direct_dependency_is_pinned_with_its_licence() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    direct = set(re.findall(r'^    "([a-z0-9-]+)",', project.partition("[tool.ruff]")[0], re.MULTILINE))
    assert len(direct) > 10
    fails([name for name in sorted(direct) if not re.search(rf"^{name}==\S+ +# \w", text, re.MULTILINE)])
    assert "torchvision" not in text

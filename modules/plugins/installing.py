"""Runs an extension's installer, when a person asked for it: apart from the program, with packages going to the extension's `.deps`."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import sys
import sysconfig
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modules.base.errors import PentimentoError
from modules.base.paths import Paths
from modules.base.setup import confinement
from modules.base.setup.extension_help import INSTALLING
from modules.base.setup.pip import explain, pip_environment
from modules.base.setup.processes import Run, run
from modules.base.setup.requirements import read_pins
from modules.plugins.dependencies import STAND_INS
from modules.plugins.extensions import Extension
from modules.plugins.requirements import Standing, host_versions, judge, read_lines

INSTALLER, REQUIREMENTS = "install.py", "requirements.txt"
STAMP, LOG, BUILDING = "pentimento-stamp.json", ".deps.log", ".deps.building"
BUILD_TOOLS = frozenset({"pip", "setuptools", "wheel"})
"""Packages that are built from source bring their own of these."""
WITHOUT = frozenset({"HF_HUB_OFFLINE", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"})
PIP_COMMAND = {
    "pip": "#!/bin/sh\nexec '{python}' -m pip \"$@\"\n",
    "pip.bat": '@"{python}" -m pip %*\r\n',
}


class InstallFailed(PentimentoError):
    """An extension's installer ended with an error; nothing of what it installed is kept."""


@dataclass(frozen=True)
class Building:
    """The throw-away environment that an installer runs in: it sees the program's packages, and its own become the new `.deps`.

    Attributes:
        folder: Beside `.deps`, so that a rename brings the packages there.
    """

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.folder), "installed_base": str(self.folder)}))

    @property
    def constraints(self) -> Path:
        return self.folder / "constraints.txt"

    @property
    def scratch(self) -> Path:
        return self.folder / "tmp"


def host_packages() -> list[Path]:
    """Where the program's own packages lie."""
    return list(dict.fromkeys(Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")))


def has_pkg_resources() -> bool:
    """Whether the program's packages have it: setuptools before 81 does."""
    return any((folder / "pkg_resources").is_dir() for folder in host_packages())


def has_installer(extension: Extension) -> bool:
    """Whether there is anything to run."""
    return any((extension.path / name).is_file() for name in (INSTALLER, REQUIREMENTS))


def needs_install(extension: Extension) -> bool:
    """Whether its installer has not run yet, or has changed since."""
    return has_installer(extension) and _read_stamp(extension.dependencies) != _fingerprint(extension.path)


def install_extension(extension: Extension, paths: Paths, on_line: Callable[[str], None], run: Run = run) -> None:
    """Run `install.py`, or where there is none, install what `requirements.txt` lists; the old packages stay until all went well.

    What the installer writes must lie in its own folder or in `models`; where the kernel can, it is held to that.

    Args:
        on_line: Gets what the installer prints.

    Raises:
        InstallFailed: It ended with an error, or wants other versions of packages than the program has.
    """
    if not has_installer(extension):
        raise InstallFailed(f"{extension.name} has neither {INSTALLER} nor {REQUIREMENTS}: there is nothing to install")
    folder = extension.path.resolve()
    building = Building(folder / BUILDING)
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        on_line(line)

    try:
        _make(building, extension.dependencies, paths)
        if not confinement.can_confine():
            note("This system cannot keep an installer from writing elsewhere: it runs with all your rights.")
        commands = _commands(folder, building, note)
        for command in commands:
            status = run(_confined(command, building, folder, paths), cwd=paths.root, env=_environment(building, paths), on_line=note)
            if status != 0:
                raise InstallFailed(_explain(extension.name, lines))
        (building.packages / STAMP).write_text(json.dumps(_fingerprint(folder)), encoding="utf-8")
        _swap(building.packages, extension.dependencies)
    except OSError as error:
        raise InstallFailed(f"{extension.name}: its packages cannot be written ({error})") from error
    finally:
        shutil.rmtree(building.folder, ignore_errors=True)
        (folder / LOG).write_text("\n".join(lines) + "\n", encoding="utf-8")
    importlib.invalidate_caches()


def _make(building: Building, old: Path, paths: Paths) -> None:
    """An environment with the packages of the last time."""
    shutil.rmtree(building.folder, ignore_errors=True)
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(building.folder)
    if old.is_dir():
        shutil.copytree(old, building.packages, symlinks=True, dirs_exist_ok=True)
    building.scratch.mkdir()
    for folder in (paths.models, paths.cache / "pip"):
        folder.mkdir(parents=True, exist_ok=True)
    held = {name: version for name, version in (read_pins(paths.root) | _host()).items() if name not in BUILD_TOOLS}
    building.constraints.write_text("".join(f"{name}=={version}\n" for name, version in sorted(held.items())), encoding="utf-8")
    for name, text in PIP_COMMAND.items():
        command = building.python.parent / name
        command.write_text(text.format(python=building.python), encoding="utf-8")
        command.chmod(0o755)


def _host() -> dict[str, str]:
    return {name: version.partition("+")[0] for name, version in host_versions(host_packages()).items()}


def _commands(folder: Path, building: Building, note: Callable[[str], None]) -> list[list[str]]:
    """What is to be run. Raises `InstallFailed` for a requirement that the program cannot meet."""
    if (folder / INSTALLER).is_file():
        return [[str(building.python), str(folder / INSTALLER)]]
    judged = [judge(line, _host()) for line in read_lines(folder / REQUIREMENTS) if not line.startswith("-")]
    for judgement in judged:
        if judgement.said:
            note(judgement.said)
    conflicts = [judgement.said for judgement in judged if judgement.standing is Standing.CONFLICT]
    if conflicts:
        raise InstallFailed(f"{folder.name}: {'; '.join(conflicts)}")
    new = [judgement.requirement for judgement in judged if judgement.standing is Standing.NEW]
    return [[str(building.python), "-m", "pip", "install", "--prefer-binary", *new]] if new else []


def _confined(command: list[str], building: Building, folder: Path, paths: Paths) -> list[str]:
    if not confinement.can_confine():
        return command
    allowed = (folder, paths.models, paths.cache / "pip")
    return [str(building.python), "-I", confinement.__file__, *map(str, allowed), confinement.SEPARATOR, *command]


def _environment(building: Building, paths: Paths) -> Mapping[str, str]:
    """The installer's environment variables: any pip it starts works in `building`, held by the versions of the program's packages."""
    kept = {name: value for name, value in pip_environment(os.environ).items() if name not in WITHOUT}
    host = os.pathsep.join(str(path) for path in host_packages())
    own_commands = {str(Path(sys.executable).parent), str(Path(sys.prefix) / "bin"), str(Path(sys.prefix) / "Scripts")}
    path = [part for part in kept.get("PATH", "").split(os.pathsep) if part and part not in own_commands]
    return {
        **kept,
        INSTALLING: host,
        "PATH": os.pathsep.join([str(building.python.parent), *path]),
        "VIRTUAL_ENV": str(building.folder),
        "PYTHONPATH": os.pathsep.join([str(paths.root), host, *([] if has_pkg_resources() else [str(STAND_INS)])]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "PIP_CONSTRAINT": building.constraints.as_uri(),
        "PIP_CACHE_DIR": str(paths.cache / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        **{name: str(building.scratch) for name in ("TMPDIR", "TEMP", "TMP")},
    }


def _swap(packages: Path, dependencies: Path) -> None:
    """The new packages take the place of the old, by renames."""
    old = dependencies.with_name(f"{BUILDING}.old")
    shutil.rmtree(old, ignore_errors=True)
    if dependencies.exists():
        dependencies.rename(old)
    packages.rename(dependencies)
    shutil.rmtree(old, ignore_errors=True)


def _explain(name: str, lines: list[str]) -> str:
    said = [line.strip() for line in lines if line.strip()]
    told = [line for line in said if line.startswith(("ERROR:", "RuntimeError:")) or "Pentimento has" in line]
    why, advice = explain(told or said[-5:])
    last = next((line for line in reversed(said) if not line.startswith("[notice]")), "it said nothing")
    where = f"Its output is in {LOG} of its folder."
    return f"{name}: its installer failed: {why}\n  It ended with: {last}\n  Try: {advice.partition(';')[0]}. {where}"


def _fingerprint(folder: Path) -> dict[str, str]:
    """What the installation depends on: the installer's files, and this Python."""
    digests = {}
    for name in (INSTALLER, REQUIREMENTS):
        if (folder / name).is_file():
            digests[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return digests | {"python": ".".join(map(str, sys.version_info[:2]))}


def _read_stamp(dependencies: Path) -> object:
    try:
        return json.loads((dependencies / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None

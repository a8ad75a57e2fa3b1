"""What can be taken over from an A1111 or Forge folder: settings, styles, models. The folder itself is only read."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest, SaveFailed
from modules.base.files import write_atomically
from modules.base.paths import Paths
from modules.pipeline.styles import Style, read_styles
from modules.settings.a1111_names import DEFAULTS_WITHOUT_EFFECT
from modules.settings.options import Options, option_fields
from modules.settings.store import OptionsStore

MODEL_FOLDERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "models/Stable-diffusion": ("models/Stable-diffusion", (".safetensors", ".yaml")),
    "models/VAE": ("models/VAE", (".safetensors",)),
    "models/Lora": ("models/Lora", (".safetensors",)),
    "models/LyCORIS": ("models/Lora", (".safetensors",)),
    "embeddings": ("embeddings", (".safetensors",)),
    "models/embeddings": ("embeddings", (".safetensors",)),
    "models/ESRGAN": ("models/ESRGAN", (".safetensors", ".pth")),
    "models/RealESRGAN": ("models/RealESRGAN", (".safetensors", ".pth")),
}
"""Their folder -> ours, and the suffixes that are read here."""
PICKLES = (".ckpt", ".pt", ".bin")
NOT_HERE = frozenset({"disabled_extensions", "disable_all_extensions", "localization", "quicksettings_list", "sd_checkpoint_hash"})
"""Options that would mean something else here: extensions are not copied, and the page is another one."""
FILE_SETTINGS = {"sd_model_checkpoint": "Stable-diffusion", "sd_vae": "VAE"}
WORDS = frozenset({"Automatic", "None"})
OLD_NAMES = {"quicksettings": "quicksettings_list"}


@dataclass(frozen=True)
class Link:
    """A model file of theirs, and where it will be found here."""

    source: Path
    target: Path


@dataclass
class Takeover:
    """What would be changed here.

    Attributes:
        settings: Options that get another value.
        kept: Options of extensions: put into the settings file, for the day the extension is here.
        refused: Why an option is not taken, a sentence each.
        styles: Those that are not here yet.
        links: Model files to link.
        left_out: Why a file is not taken, a sentence each.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    styles: list[Style] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.settings or self.kept or self.styles or self.links)


def plan_takeover(source: Path, paths: Paths) -> Takeover:
    """Compare their folder with ours; nothing is written."""
    plan = Takeover()
    current = OptionsStore(paths.config).current
    for theirs, (ours, suffixes) in MODEL_FOLDERS.items():
        _plan_links(plan, source / theirs, paths.data / ours, suffixes)
    _plan_settings(plan, source / "config.json", current)
    _drop_models_that_are_away(plan, paths)
    known = {style.name for style in read_styles(paths.styles)}
    plan.styles = [style for style in read_styles(source / "styles.csv") if style.name not in known]
    return plan


def apply_takeover(plan: Takeover, paths: Paths) -> list[str]:
    """Do what the plan says; whatever is overwritten is kept aside first. Returns the names of the copies.

    Raises:
        SaveFailed: A file cannot be written; what was done before it stays, and doing it again goes on from there.
    """
    copies = []
    if plan.settings or plan.kept:
        copies += _set_aside(paths.config)
        _write_settings(plan, paths.config)
    if plan.styles:
        copies += _set_aside(paths.styles)
        _write_styles([*read_styles(paths.styles), *plan.styles], paths.styles)
    for link in plan.links:
        _make_link(link)
    return copies


def _plan_settings(plan: Takeover, config: Path, current: Options) -> None:
    fields, now = option_fields(), current.as_dict()
    for theirs, value in sorted(_read_config(plan, config).items()):
        name = OLD_NAMES.get(theirs, theirs)
        if name in fields and name not in NOT_HERE:
            try:
                coerced = fields[name].coerce(value)
            except InvalidRequest as error:
                plan.refused.append(str(error))
                continue
            listed = list(coerced) if isinstance(coerced, tuple) else coerced
            if listed != now[name]:
                plan.settings[name] = listed
        elif name in fields:
            plan.refused.append(f"{theirs}: set it here yourself; it means something else on this page")
        elif name in DEFAULTS_WITHOUT_EFFECT:
            if value != DEFAULTS_WITHOUT_EFFECT[name]:
                plan.refused.append(f"{theirs} = {_short(value)}: this version has nothing of the kind")
        elif name not in current.kept:
            plan.kept[name] = value


def _drop_models_that_are_away(plan: Takeover, paths: Paths) -> None:
    """A setting that names a file is of use only with the file."""
    for name, folder in FILE_SETTINGS.items():
        stated = str(plan.settings.get(name, "")).partition(" [")[0]
        target = paths.models / folder / stated
        if stated and stated not in WORDS and not target.is_file() and target not in {link.target for link in plan.links}:
            del plan.settings[name]
            plan.refused.append(f"{name} = {stated!r}: that file is not among those that can be linked")


def _read_config(plan: Takeover, config: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        plan.refused.append(f"config.json cannot be read: {error}")
        return {}
    return values if isinstance(values, dict) else {}


def _plan_links(plan: Takeover, theirs: Path, ours: Path, suffixes: tuple[str, ...]) -> None:
    taken = {link.target for link in plan.links}
    for path in _model_files(theirs):
        target, suffix = ours / path.relative_to(theirs), path.suffix.lower()
        if suffix in PICKLES and suffix not in suffixes:
            plan.left_out.append(f"{path.relative_to(theirs.parent)}: a pickle, which could run code; convert it to .safetensors")
        elif suffix in suffixes and not os.path.lexists(target) and target not in taken:
            plan.links.append(Link(path.resolve(), target))


def _model_files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (path for name in sorted(files) if (path := Path(place) / name).is_file())


def _set_aside(path: Path) -> list[str]:
    """Copy a file beside itself, as the first free of name.before-import.ext, name.before-import-2.ext, ..."""
    if not path.is_file():
        return []
    number, aside = 1, path.with_name(f"{path.stem}.before-import{path.suffix}")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.before-import-{number}{path.suffix}")
    write_atomically(aside, path.read_bytes())
    return [aside.name]


def _write_settings(plan: Takeover, config: Path) -> None:
    values: dict[str, Any] = {}
    if config.is_file():
        values = json.loads(config.read_text(encoding="utf-8"))
    text = json.dumps({**values, **plan.settings, **plan.kept}, indent=2, ensure_ascii=False)
    write_atomically(config, text.encode())


def _write_styles(styles: list[Style], path: Path) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, [each.name for each in dataclasses.fields(Style)])
    writer.writeheader()
    writer.writerows(dataclasses.asdict(style) for style in styles)
    write_atomically(path, buffer.getvalue().encode("utf-8-sig"))


def _make_link(link: Link) -> None:
    """A symbolic link; a hard one where the system keeps those for administrators."""
    try:
        link.target.parent.mkdir(parents=True, exist_ok=True)
        try:
            link.target.symlink_to(link.source)
        except OSError:
            os.link(link.source, link.target)
    except FileExistsError:
        return
    except OSError as error:
        raise SaveFailed(f"{link.target} cannot be linked to {link.source}: {error.strerror or error}") from error


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

"""A1111's `modelloader`: files of models that extensions use. Nothing is downloaded."""

from __future__ import annotations

import os
from pathlib import Path

from modules.base.errors import PentimentoError
from modules.runtime.face_calls.shared_names import walk_files


def load_file_from_url(
    url: str,
    *,
    model_dir: str,
    progress: bool = True,
    file_name: str | None = None,
    hash_prefix: str | None = None,
    re_download: bool = False,
) -> str:
    """The path of a model file that is there already; nothing is downloaded.

    Raises:
        PentimentoError: It is not there; the message says what to put where.
    """
    name = file_name or os.path.basename(url.partition("?")[0])
    path = Path(model_dir).resolve() / name
    if not path.is_file():
        raise PentimentoError(f"{name} is missing, and extensions do not download here: fetch {url} yourself and put it into {path.parent}")
    return str(path)


def load_models(
    model_path: str,
    model_url: str | None = None,
    command_path: str | None = None,
    ext_filter: list[str] | None = None,
    download_name: str | None = None,
    ext_blacklist: list[str] | None = None,
    hash_prefix: str | None = None,
) -> list[str]:
    """Model files below `model_path` and `command_path` with one of these endings; nothing is downloaded."""
    blocked = tuple(ext_blacklist or ())
    found = []
    for place in dict.fromkeys(filter(None, (command_path, model_path))):
        if os.path.isdir(place):
            found += [path for path in walk_files(place, ext_filter) if not (blocked and path.endswith(blocked))]
    return list(dict.fromkeys(found))


def friendly_name(file: str) -> str:
    """A file's name without folder and ending."""
    return Path(file.partition("?")[0]).stem

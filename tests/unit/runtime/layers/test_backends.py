"""Where weights of layer models are looked for."""

from __future__ import annotations

import json
from pathlib import Path

from modules.base.paths import Paths
from modules.runtime.layers.backends import QWEN, make_backends
from modules.settings.flags import parse_flags


def put_index(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "QwenImageLayeredPipeline"}))


def why_not(tmp_path: Path, *flags: str) -> str:
    backends = make_backends(Paths(tmp_path / "program", tmp_path / "data"), parse_flags(list(flags)), lambda *values: None)
    return str(backends.get(QWEN).why_not())


def test_weights_are_found_in_models_and_in_the_folder_of_the_flag(tmp_path: Path) -> None:
    assert why_not(tmp_path).startswith("no weights")
    put_index(tmp_path / "data" / "models" / "Layered" / "own")
    assert why_not(tmp_path).startswith("own/")
    put_index(tmp_path / "elsewhere" / "other")
    assert why_not(tmp_path, "--layered-dir", str(tmp_path / "elsewhere")).startswith("other/")

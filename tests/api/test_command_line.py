"""`launch.py img2img` as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tests.api.serving import ROOT

CODE = "import sys; from modules.cli.img2img import main; sys.exit(main(sys.argv[1:]))"


def test_a_picture_and_a_mask(tmp_path: Path, photo: Image.Image, mask: Image.Image, tiny_models: Path) -> None:
    photo.save(tmp_path / "photo.png")
    mask.save(tmp_path / "mask.png")
    words = ["--init", "photo.png", "--mask", "mask.png", "--prompt", "a cat", "--out", "result.png", "--steps", "2", "--seed", "3"]
    more = [
        "--width",
        "64",
        "--height",
        "64",
        "--mask-blur",
        "0",
        "--model",
        "tiny_sd15",
        "--ckpt-dir",
        str(tiny_models),
        "--data-dir",
        str(tmp_path),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", CODE, *words, *more], cwd=tmp_path, capture_output=True, text=True, timeout=600, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    assert "result.png (seed 3" in ended.stdout and "100%" in ended.stderr
    with Image.open(tmp_path / "result.png") as result:
        assert "Seed: 3" in result.info["parameters"]
        before, after = np.asarray(photo), np.asarray(result.convert("RGB"))
    outside = np.asarray(mask) == 0
    assert (before[outside] == after[outside]).all() and (before[~outside] != after[~outside]).any()
    assert not (tmp_path / "outputs").exists()

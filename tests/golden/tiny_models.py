"""The tiny checkpoints of the golden pictures: written once, into the git-ignored cache, and checked."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.golden import make_tiny_sd15

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = ROOT / "models" / "tokenizer" / "bpe_simple_vocab_16e6.txt.gz"
FOLDER = ROOT / "cache" / "tests" / "tiny-sd15"
HASHES = {
    "tiny_sd15": "4aa583ea2d7e04adb7288d63f77bffeeb0fa4a5ed98064a1324859dec7493143",
    "tiny_sd15_inpaint": "6005396246172118c0f4ad346954932496e52252cb72dbac253dd7b481cfe7e2",
    "tiny_sd15_ip2p": "ca6319d5b0d2c5d3269674cf7dae33b30c90fd7ab6da1ec4047a93fbc05f2259",
}


def tiny_models_folder() -> Path:
    """The folder with the checkpoints (and lora/, embeddings/), written first if need be.

    Raises:
        AssertionError: The generator no longer writes the files that A1111 was given.
    """
    if not FOLDER.is_dir():
        FOLDER.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=FOLDER.parent, prefix="."))
        make_tiny_sd15.make_models(fresh)
        for name, digest in HASHES.items():
            found = hashlib.sha256((fresh / f"{name}.safetensors").read_bytes()).hexdigest()
            assert found == digest, f"{name}.safetensors has sha256 {found}, A1111 was given {digest}"
        try:
            os.replace(fresh, FOLDER)
        except OSError:  # another process was quicker
            shutil.rmtree(fresh)
    return FOLDER


def require_vocabulary() -> Path:
    """CLIP's vocabulary, which set-up fetches; without it a test is left out, and fails in CI."""
    if not VOCABULARY.is_file():
        reason = f"{VOCABULARY.name} is not in models/tokenizer: run `python launch.py` once with a network connection"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return VOCABULARY

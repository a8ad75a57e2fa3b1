"""Options of one job that say how its checkpoint is loaded: precision, VAE, prediction."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from modules.base.paths import Paths
from modules.pipeline.processed import Processed
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.session import Session
from modules.settings.flags import parse_flags


@pytest.fixture
def session(tiny_models: Path, vocabulary: Path, tmp_path: Path) -> Iterator[Session]:
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    for name in ("tiny_sd15.safetensors", "tiny_sd15.yaml"):
        shutil.copy(tiny_models / name, checkpoints)
    made = Session(Paths.under(Path(__file__).parents[2], tmp_path / "data"), parse_flags(["--use-cpu", "--ckpt-dir", str(checkpoints)]))
    made.options.update({"sd_model_checkpoint": "tiny_sd15.safetensors", "samples_save": False})
    yield made
    made.close()


def run(session: Session, **overrides: object) -> Processed:
    photo = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8))
    request = Img2ImgProcessing(
        init_images=[photo], width=64, height=64, steps=2, seed=1, sampler_name="Euler", override_settings=dict(overrides)
    )
    job = session.submit(request, "test")
    assert job.wait(120)
    return job.outcome()


def write_vae(checkpoint: Path, path: Path) -> None:
    """The checkpoint's own VAE, with another brightness."""
    weights = {name: tensor.clone() for name, tensor in load_file(checkpoint).items() if name.startswith("first_stage_model.")}
    weights["first_stage_model.decoder.conv_out.bias"] += 0.25
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, path)


def test_precision_of_one_job(session: Session) -> None:
    exact = run(session)
    assert "Precision" not in exact.infotexts[0]
    rough = run(session, pentimento_precision="bf16")
    assert "Precision: bf16, Version" in rough.infotexts[0]
    assert np.asarray(rough.images[0]).tolist() != np.asarray(exact.images[0]).tolist()
    again = run(session)
    assert "Precision" not in again.infotexts[0] and np.array_equal(again.images[0], exact.images[0])


def test_a_separate_vae_of_one_job_and_of_a_checkpoint(session: Session, tmp_path: Path) -> None:
    own = run(session)
    assert own.sd_vae_name is None and own.sd_vae_hash is None
    checkpoint = tmp_path / "checkpoints" / "tiny_sd15.safetensors"
    write_vae(checkpoint, session.paths.models / "VAE" / "bright.safetensors")
    bright = run(session, sd_vae="bright.safetensors")
    assert f"VAE hash: {bright.sd_vae_hash}, VAE: bright.safetensors, Denoising" in bright.infotexts[0]
    assert np.asarray(bright.images[0]).mean() > np.asarray(own.images[0]).mean() + 5
    assert np.array_equal(run(session).images[0], own.images[0])
    write_vae(checkpoint, checkpoint.with_name("tiny_sd15.vae.safetensors"))
    assert run(session).sd_vae_name == "tiny_sd15.vae.safetensors"
    assert run(session, sd_vae="None").sd_vae_name is None


def test_prediction_of_one_job(session: Session) -> None:
    first, other, again = run(session), run(session, prediction_override="v"), run(session)
    assert not np.array_equal(first.images[0], other.images[0]) and np.array_equal(first.images[0], again.images[0])

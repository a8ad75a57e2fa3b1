"""What takes minutes: training and resuming, the full-size model, a batch of a hundred, a soak. Only with `launch.py test --slow`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from skimage import data

from models.training.data import CUTOUT_PX, write_pack
from modules.backends.catalog import Catalog
from modules.backends.fake import FakeModel
from modules.base.paths import Paths
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.session import Session
from modules.settings.flags import parse_flags
from tests.golden.tiny_models import require_vocabulary

ROOT = Path(__file__).resolve().parents[2]
SOAK_JOBS, WARM_JOBS, GROWTH_MIB = 300, 50, 64
pytestmark = pytest.mark.slow


def run_module(name: str, **arguments: object) -> str:
    words = [f"--{key}" if value is True else f"--{key}={value}" for key, value in arguments.items()]
    done = subprocess.run([sys.executable, "-m", name, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def make_session(folder: Path) -> Session:
    session = Session(Paths.under(ROOT, folder), parse_flags([]))
    model = FakeModel()
    session.model = lambda name=None: model  # type: ignore[method-assign]
    return session


def make_request(**fields: object) -> Img2ImgProcessing:
    photo = Image.fromarray(data.chelsea()[:128, :128])
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).ellipse((30, 30, 90, 90), fill=255)
    given = {"init_images": [photo], "image_mask": mask, "width": 64, "height": 64, "steps": 2, "sampler_name": "Euler", "seed": 1}
    return Img2ImgProcessing(**{**given, **fields})


def resident_mib() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def test_training_stops_resumes_and_exports_what_loads(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    photos = [
        np.asarray(Image.fromarray(getattr(data, name)()).resize((160, 160))) for name in ("astronaut", "chelsea", "coffee", "rocket")
    ] * 60
    write_pack(tmp_path / "pack", "photos", ((photo, "a photo", "scene") for photo in photos))
    cutouts = rng.integers(0, 256, (8, CUTOUT_PX, CUTOUT_PX, 4), dtype=np.uint8)
    write_pack(tmp_path / "pack", "cutouts", ((cutout, "a thing", "cutout") for cutout in cutouts))
    pack, basis, text = tmp_path / "pack", tmp_path / "basis.safetensors", tmp_path / "text.safetensors"
    run_module("models.training.basis", pack=pack, out=basis)
    save_file({"token_embedding": torch.randn(49408, 128) * 0.02}, text)
    common = {"pack": pack, "basis": basis}
    run_module("models.training.autoencoder", **common, state=tmp_path / "ae", minutes=0.2)
    stage = {**common, "text": text, "vocabulary": require_vocabulary(), "state": tmp_path / "unet"}
    run_module("models.training.diffusion", **stage, minutes=0.2)
    run_module("models.training.diffusion", **stage, minutes=0.4, resume=True)
    out = tmp_path / "models" / "trained.safetensors"
    out.parent.mkdir()
    run_module("models.training.export", basis=basis, autoencoder=tmp_path / "ae", diffusion=tmp_path / "unet", text=text, out=out)
    (found,) = Catalog([out.parent], tmp_path / "cache.json").scan()
    assert found.is_supported, found.reason
    assert found.latent_channels == 8


def test_the_full_size_model_stays_within_its_memory() -> None:
    printed = run_module("tests.bench.bench_steps", **{"memory-only": True})
    found = json.loads(printed.rpartition("RESULT ")[2])
    print(f"a 512 px request peaks at {found['request_peak_mib']:.0f} MiB, aim 3072")
    limit_mib = 1.3 * found["weights_mib"] + 200
    assert found["loading_growth_mib"] <= limit_mib, f"loading grew by {found['loading_growth_mib']:.0f} MiB, limit {limit_mib:.0f}"


def test_a_batch_of_a_hundred(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    job = session.submit(make_request(n_iter=100), "slow")
    assert job.wait(600)
    processed = job.outcome()
    assert processed.all_seeds == list(range(1, 101))
    assert len(processed.images) == 101, "a hundred pictures and their grid"
    assert processed.changed_outside_mask == [0] * 100
    assert len({path for path in processed.paths if path and path.exists()}) == 101
    session.close()


def test_memory_does_not_grow_from_job_to_job(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    before = 0.0
    for number in range(SOAK_JOBS):
        if number == WARM_JOBS:
            before = resident_mib()
        job = session.submit(make_request(seed=number, do_not_save_samples=True), "slow")
        assert job.wait(60)
        assert len(job.outcome().images) == 1
    session.close()
    assert resident_mib() - before < GROWTH_MIB, (
        f"{resident_mib() - before:.0f} MiB more after {SOAK_JOBS - WARM_JOBS} jobs, limit {GROWTH_MIB}"
    )

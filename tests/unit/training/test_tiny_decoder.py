"""Training tiny decoders: where they start, what they are fed, what is written, and that a run goes on where it stopped."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.training import basis, data, sitting, tiny_decoder
from models.training.tiny_decoder import Space
from modules.backends.header import read_header
from modules.backends.preview_networks import read_preview_network
from modules.engine.tiny_decoder import TinyDecoder, TinyShape
from tests.unit.training.test_sitting import ThreeSteps

CHANNELS = 4


@pytest.fixture(scope="module")
def small_basis() -> basis.Basis:
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(600, 3, 8, 8, generator=generator) * 0.1 + torch.randn(600, 3, 1, 1, generator=generator) * 0.3
    return basis.fit_basis(patches.flatten(1), CHANNELS)


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    folder, rng = tmp_path_factory.mktemp("pack"), np.random.default_rng(0)
    photos = [(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8), "a thing", "scene") for _ in range(3)]
    data.write_pack(folder, "photos", photos)
    return folder


def small_network(channels: int) -> TinyDecoder:
    torch.manual_seed(0)
    return TinyDecoder(TinyShape(channels, width=4, blocks=1, middle=4))


def test_it_starts_as_the_basis(small_basis):
    network, space = small_network(CHANNELS), Space(small_basis)
    tiny_decoder.start_linear(network, space)
    latents = torch.randn(1, CHANNELS, 3, 5, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(network(latents), small_basis.decode(latents), atol=1e-5)


def test_the_enlarger_starts_bilinear():
    network, space = small_network(3), Space(None)
    tiny_decoder.start_linear(network, space)
    colours = torch.rand(1, 3, 4, 6, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(network(colours), F.interpolate(colours, scale_factor=8, mode="bilinear"), atol=1e-5)


def test_fingerprints_differ(small_basis):
    other = basis.Basis(-small_basis.analysis, small_basis.synthesis, small_basis.mean)
    prints = [Space(given).fingerprint for given in (small_basis, other, None)]
    assert len(set(prints)) == 3
    assert [len(text) for text in prints] == [12, 12, 0]


def test_half_of_the_inputs_are_noisy():
    noisy = tiny_decoder.add_noise(torch.zeros(200, 1, 2, 2), 0.3, np.random.default_rng(0)).flatten(1).abs().amax(1)
    assert 0.35 < float((noisy > 0).float().mean()) < 0.65
    assert float(noisy.max()) < 1.5


def test_sharpness():
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert tiny_decoder.edge_share(picture, picture) == pytest.approx(1)
    assert tiny_decoder.edge_share(F.avg_pool2d(picture, 3, 1, 1), picture) < 0.6


def test_a_run_goes_on_and_is_read_by_the_studio(tmp_path, pack, small_basis, monkeypatch):
    monkeypatch.setattr(sitting, "Clock", ThreeSteps)
    space = Space(small_basis)
    arguments = {"pack": pack, "state": tmp_path / "state", "rate": 1e-3, "batch": 2, "size": 16, "minutes": 1}
    first, first_s = tiny_decoder.train(Namespace(**arguments, resume=False), space, small_network(CHANNELS))
    network = small_network(CHANNELS)
    steps, spent_s = tiny_decoder.train(Namespace(**arguments, resume=True), space, network)
    assert (first, steps) == (3, 6)
    assert spent_s > first_s
    path = tmp_path / "preview" / "x.safetensors"
    tiny_decoder.export(network, space, path, steps, spent_s)
    header = read_header(path)
    assert header.metadata["encoder"] == space.fingerprint
    found = read_preview_network(header)
    latents = torch.randn(1, CHANNELS, 4, 4, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.allclose(found.network(latents), network(latents), atol=2e-2)

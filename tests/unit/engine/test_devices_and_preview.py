from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from modules.backends.fake import FakeModel
from modules.engine import devices
from modules.engine.preview import fit_preview, latent_to_rgb


def test_the_cpu_when_asked_for() -> None:
    assert devices.choose_device(use_cpu=True) == torch.device("cpu")


def test_precision() -> None:
    assert devices.choose_dtype(torch.device("cuda")) == torch.float16
    assert devices.choose_dtype(torch.device("cuda"), no_half=True) == torch.float32


@pytest.mark.parametrize("is_fast", [False, True])
def test_precision_on_a_cpu(is_fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_fast_bfloat16", lambda: is_fast)
    cpu, small, large = torch.device("cpu"), 300_000_000, 300_000_001
    assert devices.choose_dtype(cpu, parameters=small) == torch.float32
    assert devices.choose_dtype(cpu, parameters=large) == (torch.bfloat16 if is_fast else torch.float32)
    assert devices.choose_dtype(cpu, True, parameters=large, precision="bf16") == torch.float32
    assert devices.choose_dtype(cpu, parameters=large, precision="fp32") == torch.float32
    assert devices.choose_dtype(cpu, parameters=small, precision="bf16") == torch.bfloat16


@pytest.mark.parametrize(("flags", "wanted"), [("fpu avx512_bf16 x", True), ("fpu amx_bf16", True), ("fpu avx512f", False), ("", False)])
def test_bfloat16_by_cpu_flags(tmp_path: Path, flags: str, wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.platform, "system", lambda: "Linux")
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags\t\t: {flags}\n")
    assert devices.has_fast_bfloat16(tmp_path / "cpuinfo") is wanted
    assert not devices.has_fast_bfloat16(tmp_path / "missing")


def test_only_all_nan_is_refused() -> None:
    devices.check_finite(torch.tensor([1.0, float("nan")]))
    with pytest.raises(devices.NansException, match="far too large, or the checkpoint damaged$"):
        devices.check_finite(torch.full((2,), float("nan")))
    devices.torch_gc()


@pytest.mark.parametrize("channels", [3, 4, 16])
def test_preview_recovers_colours(channels: int) -> None:
    model = FakeModel(latent_channels=channels)
    picture = torch.zeros(1, 3, 64, 96)
    picture[:, 0], picture[:, 2, :, 48:] = 0.8, -0.6
    latent = model.encode(picture)[0]
    shown = latent_to_rgb(latent, model)
    assert shown.shape == (64, 96, 3) and shown.dtype == np.uint8
    wanted = ((picture[0] / 2 + 0.5) * 255).permute(1, 2, 0).numpy()
    assert np.abs(shown[:, :40] - wanted[:, :40]).max() <= 2
    encodings = model.encode_calls
    latent_to_rgb(latent, model)
    assert model.encode_calls == encodings
    assert fit_preview(model).weights.shape == (channels, 3)

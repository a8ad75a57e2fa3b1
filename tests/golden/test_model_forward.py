"""UNet, VAE and text encoder of the tiny checkpoint against what A1111's own networks gave (data/units/model_forward.npz, cond.npz)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from modules.backends.catalog import Catalog
from modules.backends.families.sd1 import StableDiffusion
from modules.backends.loader import load_checkpoint
from modules.backends.tokenizer import ClipTokenizer

DATA = Path(__file__).parent / "data"
FORWARD = np.load(DATA / "units" / "model_forward.npz")
CONDITIONING = np.load(DATA / "units" / "cond.npz")


@pytest.fixture(scope="module")
def catalog(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return Catalog([tiny_models], tmp_path_factory.mktemp("cache") / "checkpoints.json")


def load(catalog: Catalog, vocabulary: Path, name: str = "tiny_sd15", dtype: torch.dtype = torch.float32) -> StableDiffusion:
    return load_checkpoint(catalog.find(name), torch.device("cpu"), dtype, vocabulary)


@pytest.fixture(scope="module")
def model(catalog: Catalog, vocabulary: Path) -> StableDiffusion:
    return load(catalog, vocabulary)


def cat_pixels() -> torch.Tensor:
    image = np.asarray(Image.open(DATA / "inputs" / "cat_128.png").convert("RGB"))
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255 * 2 - 1


def worst(got: torch.Tensor, wanted: np.ndarray, limit: float) -> None:
    found = float(np.abs(got.numpy() - wanted).max())
    print(f"largest difference {found:.2e}, limit {limit:.0e}")
    assert found <= limit


def signal_to_noise_db(got: torch.Tensor, wanted: torch.Tensor) -> float:
    return float(10 * torch.log10(wanted.square().mean() / (got - wanted).square().mean()))


def test_unet_at_fractional_timesteps(model: StableDiffusion) -> None:
    inputs = [torch.from_numpy(FORWARD[name]) for name in ("x", "t", "cond")]
    worst(model.predict(*inputs), FORWARD["eps"], 1e-4)  # 1.4e-4 where layouts differ from A1111's


def test_weights_lie_as_the_pictures_that_reach_them(model: StableDiffusion) -> None:
    """Where they do not, torch copies them at every call."""
    seen: dict[str, tuple[bool, bool]] = {}

    def is_channels_last(tensor: torch.Tensor) -> bool:
        return tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()

    def look(name: str, layer: torch.nn.Conv2d, arguments: tuple[torch.Tensor, ...]) -> None:
        seen[name] = (is_channels_last(arguments[0]), is_channels_last(layer.weight))

    layers = {
        name: layer for name, layer in model.unet.named_modules() if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (3, 3)
    }
    handles = [layer.register_forward_pre_hook(partial(look, name)) for name, layer in layers.items()]
    model.predict(*(torch.from_numpy(FORWARD[name]) for name in ("x", "t", "cond")))
    for handle in handles:
        handle.remove()
    assert set(seen) == set(layers) and {name for name, (picture, weight) in seen.items() if picture != weight} == set()
    assert not seen["conv_in"][0] and seen["conv_out"][0]


def test_vae(model: StableDiffusion) -> None:
    worst(model.encode(cat_pixels()), FORWARD["vae_latent_of_cat_128"], 2e-5)  # 0 with one thread on the CPU of the records
    decoded = model.decode(torch.from_numpy(FORWARD["vae_latent_of_cat_128"]))[0]
    worst(decoded.half().float(), FORWARD["vae_decoded"].astype(np.float32), 1e-3)  # stored as float16: one of its steps


@pytest.mark.parametrize("clip_skip", [1, 2])
@pytest.mark.parametrize("prompt", ["", "a photo of a cat"])
def test_text_encoder(model: StableDiffusion, prompt: str, clip_skip: int) -> None:
    tokens = [model.text.start_token, *model.text.tokenize(prompt)]
    tokens += [model.text.pad_token] * (77 - len(tokens))
    worst(model.text.encode(torch.tensor([tokens]), clip_skip)[0], CONDITIONING[f"{prompt}|skip{clip_skip}|No norm"], 5e-6)


def test_token_ids(vocabulary: Path) -> None:
    tokenizer = ClipTokenizer(vocabulary)
    for prompt in json.loads((DATA / "units" / "prompt_chunks.json").read_text()):
        if "tiny_ti" in prompt["prompt"]:
            continue  # a textual inversion: its vectors have no ids
        fragments = [text for text, weight in prompt["attention"] if (text, weight) != ("BREAK", -1)]
        wanted = [token for chunk in prompt["chunks"] for token in chunk["tokens"] if token not in (tokenizer.start, tokenizer.end)]
        assert [token for text in fragments for token in tokenizer.tokenize(text)] == wanted, prompt["prompt"]


@pytest.mark.parametrize(("name", "extra"), [("tiny_sd15", 0), ("tiny_sd15_ip2p", 4), ("tiny_sd15_inpaint", 5)])
def test_each_kind_runs_at_sizes_that_do_not_divide(catalog: Catalog, vocabulary: Path, name: str, extra: int) -> None:
    model = load(catalog, vocabulary, name)
    concat = torch.zeros(1, extra, 13, 9) if extra else None
    got = model.predict(torch.zeros(1, 4, 13, 9), torch.tensor([10.0]), torch.zeros(1, 154, 64), concat)
    assert got.shape == (1, 4, 13, 9) and got.isfinite().all()


def test_bfloat16_stays_close(catalog: Catalog, vocabulary: Path, model: StableDiffusion) -> None:
    inputs = [torch.from_numpy(FORWARD[name]) for name in ("x", "t", "cond")]
    half = load(catalog, vocabulary, dtype=torch.bfloat16)
    found = signal_to_noise_db(half.predict(*inputs), model.predict(*inputs))
    print(f"UNet in bfloat16: {found:.1f} dB, limit 30 dB")
    assert found >= 30 and half.dtype == torch.bfloat16


def test_tiling_wraps_around_and_can_be_switched_off(model: StableDiffusion) -> None:
    x = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    arguments = (torch.tensor([300.0]), torch.zeros(1, 77, 64))
    plain = model.predict(x, *arguments)
    model.set_tiling(True)
    tiled = model.predict(x, *arguments)
    shifted = model.predict(x.roll(8, dims=-1), *arguments).roll(-8, dims=-1)
    model.set_tiling(False)
    assert torch.allclose(shifted, tiled, atol=1e-3) and not torch.allclose(plain, tiled, atol=1e-2)
    assert torch.equal(model.predict(x, *arguments), plain)


def test_vae_leaves_half_precision_when_it_gives_nan(catalog: Catalog, vocabulary: Path) -> None:
    model = load(catalog, vocabulary, dtype=torch.float16)
    latent = torch.from_numpy(FORWARD["vae_latent_of_cat_128"])
    before = model.decode(latent)
    assert model.vae.dtype == torch.float16
    model.vae.network.decoder.conv_in.weight.mul_(3e4)  # its output overflows float16, and is normalised soon after
    decoded = model.decode(latent)
    assert model.vae.dtype == torch.float32
    assert decoded.isfinite().all() and before.isfinite().all()


def test_no_bit_depends_on_the_number_of_threads(model: StableDiffusion) -> None:
    inputs = [torch.from_numpy(FORWARD[name]) for name in ("x", "t", "cond")]
    before, given = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            latent = model.encode(cat_pixels())
            given.append((model.predict(*inputs), latent, model.decode(latent)))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, two) for one, two in zip(*given, strict=True))

"""Stable Diffusion 2: recognised by its weights, and the same numbers as diffusers' and transformers' own loading of the same file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from modules.backends.catalog import Catalog, CheckpointInfo
from modules.backends.families.sd1 import StableDiffusion
from modules.backends.loader import load_checkpoint
from modules.backends.loras.file import read_lora
from modules.backends.loras.memory import ByteCache
from modules.engine.lora.network import WeightedNetwork
from modules.engine.model import ModelKind, Prediction
from modules.engine.prompts.conditioning import encode_texts
from modules.runtime.presets import preset_for
from tests.golden.sd2_files import SMALL, Sizes, write_full, write_small

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")
UNET = {
    "sample_size": 8, "in_channels": 4, "block_out_channels": (64, 128, 256, 256), "cross_attention_dim": SMALL.context,
    "attention_head_dim": (1, 2, 4, 4), "use_linear_projection": True,
}  # fmt: skip
VAE = {
    "block_out_channels": (32, 64, 128, 128), "latent_channels": 4, "layers_per_block": 2, "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}  # fmt: skip
TEXT = {
    "vocab_size": 49408, "hidden_size": SMALL.context, "intermediate_size": 4 * SMALL.context, "num_attention_heads": 2,
    "hidden_act": "gelu",
}  # fmt: skip
BIAS = "model__diffusion_model__output_blocks__11__1__transformer_blocks__0__norm1__bias"
OUT_BIAS = "model__diffusion_model__out__2__bias"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Base models, an inpainting one, and one that predicts v by each sign of it."""
    folder = tmp_path_factory.mktemp("sd2")
    write_small(folder / "base.safetensors")
    return folder


@pytest.fixture(scope="module")
def whole(folder: Path) -> dict[str, torch.Tensor]:
    return {name: values.float() for name, values in load_file(folder / "base.safetensors").items()}


def look(folder: Path, name: str) -> CheckpointInfo:
    return Catalog([folder], folder / "cache.json").find(name)


def load(folder: Path, vocabulary: Path, name: str = "base", **options: Any) -> StableDiffusion:
    return load_checkpoint(look(folder, name), CPU, options.pop("dtype", torch.float32), vocabulary, **options)


@pytest.fixture(scope="module")
def model(folder: Path, vocabulary: Path) -> StableDiffusion:
    return load(folder, vocabulary)


def worst(what: str, got: torch.Tensor, wanted: torch.Tensor, limit: float = 2e-5) -> None:
    found = float((got - wanted).abs().max() / wanted.abs().max())
    print(f"{what}: largest difference {found:.1e} of the largest value, limit {limit:.0e}")
    assert got.shape == wanted.shape and found <= limit


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def make_text(whole: dict[str, torch.Tensor], layers: int) -> CLIPTextModel:
    """As diffusers reads it; `layers` first layers alone."""
    network = CLIPTextModel(CLIPTextConfig(**TEXT, num_hidden_layers=layers))
    found = convert_open_clip_checkpoint(network, dict(whole))
    kept = {name.removeprefix("text_model."): values for name, values in found.items()}
    missing, _ = network.load_state_dict(kept, strict=False)
    assert not missing
    return network.eval()


@torch.no_grad()
def test_networks_give_what_diffusers_gives(model: StableDiffusion, whole: dict[str, torch.Tensor]) -> None:
    unet, vae = UNet2DConditionModel(**UNET).eval(), AutoencoderKL(**VAE).eval()
    unet.load_state_dict(convert_ldm_unet_checkpoint(dict(whole), unet.config))
    vae.load_state_dict(convert_ldm_vae_checkpoint(dict(whole), vae.config))
    x, timestep, context = noise(2, 4, 16, 8), torch.tensor([3.0, 987.5]), noise(2, 154, SMALL.context)
    worst("UNet", model.predict(x, timestep, context), unet(x, timestep, context).sample)
    pixels, latent = noise(1, 3, 64, 64).clamp(-1, 1), noise(1, 4, 8, 8)
    worst("VAE encoder", model.encode(pixels), vae.encode(pixels).latent_dist.mean * 0.18215)
    worst("VAE decoder", model.decode(latent), vae.decode(latent / 0.18215).sample)


@torch.no_grad()
def test_texts_are_what_the_layer_before_the_last_says(model: StableDiffusion, whole: dict[str, torch.Tensor]) -> None:
    encoder = model.text
    assert (encoder.pad_token, encoder.own_clip_skip, encoder.layers, encoder.width) == (0, 2, 3, SMALL.context)
    ids = [encoder.start_token, *encoder.tokenize("a cat, on a chair"), encoder.end_token]
    tokens = torch.tensor([ids + [0] * (77 - len(ids))])
    penultimate = make_text(whole, 2)(tokens).last_hidden_state
    worst("text", encoder.encode(tokens, 2), penultimate)
    worst("text, last layer", encoder.encode(tokens, 1), make_text(whole, 3)(tokens).last_hidden_state)
    for clip_skip in (1, 2, 3):  # A1111 has no choice here
        worst(f"prompt with clip skip {clip_skip}", encode_texts(["a cat, on a chair"], encoder, clip_skip), penultimate)
    worst("empty prompt", model.empty_prompt[None], encode_texts([""], encoder))


def test_eps_and_v_and_kinds_are_found_from_the_weights(folder: Path, vocabulary: Path) -> None:
    mute = replace(SMALL, vocabulary=64)
    write_small(folder / "inpaint.safetensors", replace(mute, inputs=9), **{BIAS: np.linspace(-1, 1, 64)})
    write_small(folder / "spread.safetensors", mute, **{BIAS: np.linspace(-1, 1, 64)})
    write_small(folder / "tried.safetensors", mute, **{OUT_BIAS: np.full(4, -3.0)})
    write_small(folder / "said.safetensors", mute, **{BIAS: np.linspace(-1, 1, 64)})
    (folder / "said.yaml").write_text("model: {params: {parameterization: eps, unet_config: {params: {num_head_channels: 64}}}}")
    wanted = {
        "base": (ModelKind.BASE, Prediction.EPSILON, "default"),
        "inpaint": (ModelKind.INPAINT, Prediction.EPSILON, "default"),
        "spread": (ModelKind.BASE, Prediction.V, "weights"),
        "said": (ModelKind.BASE, Prediction.EPSILON, "YAML"),
        "tried": (ModelKind.BASE, Prediction.EPSILON, "default"),
    }
    for name, values in wanted.items():
        info = look(folder, name)
        assert (info.kind, info.prediction, info.prediction_from, info.family, info.reason) == (*values, "Stable Diffusion 2", "")
        loaded = load(folder, vocabulary, name)
        assert loaded.prediction is (Prediction.V if name in ("spread", "tried") else Prediction.EPSILON) and loaded.text.pad_token == 0
    assert load(folder, vocabulary, "tried", prediction=Prediction.EPSILON).prediction is Prediction.EPSILON
    assert preset_for(look(folder, "spread")).width == 768 and preset_for(look(folder, "base")).width == 512


def test_an_encoder_without_its_last_layer_gives_the_same(folder: Path, vocabulary: Path, model: StableDiffusion) -> None:
    """As converters from diffusers' folders write it: 23 layers of 1,024. Narrow here, so that the count must be said."""
    pipeline = folder / "as-folder"
    whole = {name: values.float() for name, values in load_file(folder / "base.safetensors").items()}
    unet, vae = UNet2DConditionModel(**UNET), AutoencoderKL(**VAE)
    unet.load_state_dict(convert_ldm_unet_checkpoint(dict(whole), unet.config))
    vae.load_state_dict(convert_ldm_vae_checkpoint(dict(whole), vae.config))
    for name, network in (("unet", unet), ("vae", vae), ("text_encoder", make_text(whole, 2))):
        network.save_pretrained(pipeline / name)
    (pipeline / "scheduler").mkdir()
    scheduler = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": "v_prediction"}
    (pipeline / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
    (pipeline / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    loaded = load(folder, vocabulary, "as-folder")
    assert loaded.prediction is Prediction.V and (loaded.text.own_clip_skip, loaded.text.layers) == (2, 3)
    worst("folder, text", encode_texts(["a cat"], loaded.text), encode_texts(["a cat"], model.text))
    x, timestep, context = noise(1, 4, 8, 8), torch.tensor([500.0]), noise(1, 77, SMALL.context)
    worst("folder, UNet", loaded.predict(x, timestep, context), model.predict(x, timestep, context))


def test_a_lora_for_stable_diffusion_2_merges_and_comes_out_again(folder: Path, vocabulary: Path, tmp_path: Path) -> None:
    loaded = load(folder, vocabulary)
    unet, text = dict(loaded.unet.named_parameters()), dict(loaded.text.network.named_parameters())
    places = {
        "lora_unet_down_blocks_0_attentions_0_proj_in": unet["down_blocks.0.attentions.0.proj_in.weight"],
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k": unet[
            "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
        ],
        "lora_te_text_model_encoder_layers_1_self_attn_q_proj": text["encoder.layers.1.self_attn.q_proj.weight"],
    }
    tensors, before = {}, {name: weight.clone() for name, weight in places.items()}
    for name, weight in places.items():
        tensors[f"{name}.lora_up.weight"] = noise(weight.shape[0], 2, seed=2)
        tensors[f"{name}.lora_down.weight"] = noise(2, weight.shape[1], seed=3)
        tensors[f"{name}.alpha"] = torch.tensor(2.0)
    save_file(tensors, tmp_path / "style.safetensors")
    file = read_lora(tmp_path / "style.safetensors", "style", ByteCache(1 << 20))
    notes = loaded.apply_networks([WeightedNetwork(file, 0.5, 0.5)])
    assert notes == []
    for name, weight in places.items():
        delta = 0.5 * tensors[f"{name}.lora_up.weight"] @ tensors[f"{name}.lora_down.weight"]
        assert torch.allclose(weight.float(), before[name].float() + delta, atol=2e-2 if "_te_" in name else 1e-5), name
    loaded.apply_networks([])
    assert all(torch.equal(weight, before[name]) for name, weight in places.items())


MEASURE = """
import sys, threading, time
from pathlib import Path
import torch
from modules.backends.catalog import Catalog
from modules.backends.loader import load_checkpoint
from modules.backends import unet, vae
def resident_gib():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) / 2**20
info = Catalog([Path(sys.argv[1])], Path(sys.argv[1]) / "cache.json").find("full")
info = info.hashed()
before, peak, is_done = resident_gib(), [0.0], threading.Event()
def watch():
    while not is_done.is_set():
        peak[0] = max(peak[0], resident_gib())
        time.sleep(0.01)
watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
started = time.perf_counter()
model = load_checkpoint(info, torch.device("cpu"), torch.bfloat16, Path(sys.argv[2]))
took = time.perf_counter() - started
is_done.set()
watcher.join()
assert model.text.encode(torch.zeros(1, 77, dtype=torch.int64), 2).shape == (1, 77, 1024)
print("RESULT", took, peak[0] - before, model.kind.value)
"""


@pytest.mark.slow
def test_a_full_size_inpainting_checkpoint_loads_in_seconds_and_once(tmp_path: Path, vocabulary: Path) -> None:
    size_gib = write_full(tmp_path / "full.safetensors", Sizes()) / 2**30
    started = time.perf_counter()
    info = look(tmp_path, "full")
    listed_s = time.perf_counter() - started
    assert (info.kind, info.family) == (ModelKind.INPAINT, "Stable Diffusion 2")
    command = [sys.executable, "-c", MEASURE, str(tmp_path), str(vocabulary)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    match = re.search(r"RESULT (\S+) (\S+) inpaint", result.stdout)
    assert match is not None, result.stderr[-2000:]
    took_s, peak_gib = float(match[1]), float(match[2])
    print(f"{size_gib:.2f} GiB: listed in {listed_s:.2f} s, loaded in {took_s:.1f} s, memory grew by {peak_gib:.2f} GiB at most")
    assert listed_s < 1 and peak_gib < 1.3 * size_gib + 0.2

"""Loading real files: without a network, within memory, from folders, and what happens when a file is bad or is replaced."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from modules.backends.catalog import Catalog
from modules.backends.families.sd1 import StableDiffusion
from modules.backends.loader import load_checkpoint
from modules.base.errors import BrokenCheckpoint, UnsupportedCheckpoint
from modules.engine.model import ModelKind, Prediction

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")
MARGIN_MIB = 200
OFFLINE = """
import socket, sys, threading, time
def refuse(*args, **kwargs):
    raise AssertionError("loading tried to open a socket")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
from pathlib import Path
import torch
from modules.backends.catalog import Catalog
from modules.backends.loader import load_checkpoint
from modules.backends import unet, vae
def anonymous_mib():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) / 1024
catalog = Catalog([Path(sys.argv[1])], Path(sys.argv[3]) / "checkpoints.json")
info = catalog.find(sys.argv[4])
before, peak, is_done = anonymous_mib(), [0.0], threading.Event()
def watch():
    while not is_done.is_set():
        peak[0] = max(peak[0], anonymous_mib())
        time.sleep(0.002)
watcher = threading.Thread(target=watch)
watcher.start()
model = load_checkpoint(info, torch.device("cpu"), getattr(torch, sys.argv[5]), Path(sys.argv[2]))
is_done.set()
watcher.join()
networks = (model.unet, model.vae.network, model.text.network)
weights = sum(p.numel() * p.element_size() for network in networks for p in network.parameters()) / 2**20
print("RESULT", peak[0] - before, weights)
"""


@pytest.fixture
def models(tiny_models: Path, tmp_path: Path) -> Path:
    """A models folder of the test's own, with the base checkpoint in it."""
    folder = tmp_path / "models"
    folder.mkdir()
    for suffix in (".safetensors", ".yaml"):
        shutil.copy(tiny_models / f"tiny_sd15{suffix}", folder)
    return folder


@pytest.fixture
def catalog(models: Path, tmp_path: Path) -> Catalog:
    return Catalog([models], tmp_path / "checkpoints.json")


def load(catalog: Catalog, name: str, vocabulary: Path) -> StableDiffusion:
    return load_checkpoint(catalog.find(name), CPU, torch.float32, vocabulary)


def run_once(model: StableDiffusion) -> torch.Tensor:
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    return model.predict(x, torch.tensor([250.0]), torch.ones(1, 77, 64))


@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_loading_needs_no_network_and_no_second_copy(tiny_models: Path, vocabulary: Path, tmp_path: Path, dtype: str) -> None:
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hub"), "PYTHONPATH": str(ROOT)}
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)
    command = [sys.executable, "-c", OFFLINE, str(tiny_models), str(vocabulary), str(tmp_path), "tiny_sd15_inpaint", dtype]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    match = re.search(r"RESULT (\S+) (\S+)", result.stdout)
    assert match is not None
    growth, weights = float(match[1]), float(match[2])
    print(f"anonymous memory grew by {growth:.0f} MiB at most, limit 1.3 x {weights:.0f} + {MARGIN_MIB} MiB")
    assert growth <= 1.3 * weights + MARGIN_MIB
    assert not list((tmp_path / "hub").rglob("*")), "something was cached for a hub"


def test_truncated_file(catalog: Catalog, models: Path, vocabulary: Path) -> None:
    path = models / "tiny_sd15.safetensors"
    info = catalog.find("tiny_sd15")
    path.write_bytes(path.read_bytes()[:20_000_000])
    with pytest.raises(BrokenCheckpoint, match=r"tiny_sd15\.safetensors is truncated: \d+ of \d+ bytes"):
        load_checkpoint(info, CPU, torch.float32, vocabulary)
    assert "truncated" in catalog.find("tiny_sd15").reason
    with pytest.raises(UnsupportedCheckpoint, match="truncated"):
        load(catalog, "tiny_sd15", vocabulary)


def test_missing_and_surplus_weights_are_named(catalog: Catalog, models: Path, vocabulary: Path) -> None:
    path = models / "tiny_sd15.safetensors"
    whole = {key: value.clone() for key, value in load_file(path).items()}
    name = "model.diffusion_model.output_blocks.5.1.proj_out.weight"
    save_file({key: value for key, value in whole.items() if key != name}, path)
    with pytest.raises(BrokenCheckpoint, match=r"1 of \d+ weights are missing \(up_blocks\.1\.attentions\.2\.proj_out\.weight"):
        load(catalog, "tiny_sd15", vocabulary)
    save_file({**whole, "model.diffusion_model.label_emb.0.0.weight": torch.zeros(2)}, path)
    with pytest.raises(BrokenCheckpoint, match=r"another architecture, .*label_emb"):
        load(catalog, "tiny_sd15", vocabulary)


def test_replaced_file_is_read_anew_and_a_loaded_model_does_not_need_it(catalog: Catalog, models: Path, vocabulary: Path) -> None:
    path = models / "tiny_sd15.safetensors"
    info = catalog.find("tiny_sd15")
    model = load(catalog, "tiny_sd15", vocabulary)
    before = run_once(model)
    tensors = {key: value.clone() for key, value in load_file(path).items()}
    path.write_bytes(b"")
    assert torch.equal(run_once(model), before)
    tensors["model.diffusion_model.out.2.bias"] += 1
    save_file(tensors, path)
    assert info.has_changed()
    fresh = catalog.find(info.title)
    assert fresh.sha256 != info.sha256 and not fresh.has_changed()
    changed = run_once(load_checkpoint(fresh, CPU, torch.float32, vocabulary))
    assert torch.allclose(changed, before + 1, atol=1e-4)


def test_old_text_encoder_keys_and_prediction_override(catalog: Catalog, models: Path, vocabulary: Path) -> None:
    before = run_once(load(catalog, "tiny_sd15", vocabulary))
    tensors = load_file(models / "tiny_sd15.safetensors")
    renamed = {key.replace("transformer.text_model.", "transformer."): value for key, value in tensors.items()}
    save_file(renamed, models / "old.safetensors", metadata={"modelspec.prediction_type": "v"})
    shutil.copy(models / "tiny_sd15.yaml", models / "old.yaml")
    model = load(catalog, "old", vocabulary)
    assert torch.equal(run_once(model), before) and model.prediction is Prediction.V
    model = load_checkpoint(catalog.find("old"), CPU, torch.float32, vocabulary, prediction=Prediction.EPSILON)
    assert model.prediction is Prediction.EPSILON


def test_separate_vae(catalog: Catalog, models: Path, vocabulary: Path) -> None:
    prefix = "first_stage_model."
    tensors = load_file(models / "tiny_sd15.safetensors")
    vae = {key.removeprefix(prefix): value.clone() for key, value in tensors.items() if key.startswith(prefix)}
    vae["decoder.conv_out.bias"] += 0.5
    vae |= {"loss.logvar": torch.zeros(1), "model_ema.decay": torch.ones(1)}  # left over from training, as in published files
    save_file(vae, models / "other.vae.safetensors")
    assert [info.name for info in catalog.scan()] == ["tiny_sd15.safetensors"]
    info, latent = catalog.find("tiny_sd15"), torch.zeros(1, 4, 4, 4)
    own = load_checkpoint(info, CPU, torch.float32, vocabulary).decode(latent)
    other = load_checkpoint(info, CPU, torch.float32, vocabulary, vae=models / "other.vae.safetensors").decode(latent)
    assert torch.allclose(other, own + 0.5, atol=1e-4)


def test_diffusers_folder(catalog: Catalog, models: Path, vocabulary: Path) -> None:
    model = load(catalog, "tiny_sd15", vocabulary)
    write_folder(model, models / "sub" / "as-folder")
    info = catalog.find("sub/as-folder")
    assert (info.kind, info.prediction, info.prediction_from) == (ModelKind.BASE, Prediction.V, "scheduler")
    assert info.title == f"sub/as-folder [{info.sha256[:10]}]" and info.model_name == "sub_as-folder"
    again = load(catalog, "sub\\as-folder", vocabulary)
    assert torch.equal(run_once(again), run_once(model))
    assert torch.equal(again.decode(torch.zeros(1, 4, 4, 4)), model.decode(torch.zeros(1, 4, 4, 4)))
    tokens = torch.full((1, 77), 49407)
    assert torch.equal(again.text.encode(tokens, 2), model.text.encode(tokens, 2))
    (models / "sub" / "as-folder" / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(BrokenCheckpoint, match=r"as-folder/vae/diffusion_pytorch_model\.safetensors is missing"):
        load(catalog, "sub/as-folder", vocabulary)


def write_folder(model: StableDiffusion, folder: Path) -> None:
    """Save a model as diffusers and transformers do."""
    model.unet.save_pretrained(folder / "unet")
    model.vae.network.save_pretrained(folder / "vae")
    (folder / "text_encoder").mkdir()
    (folder / "scheduler").mkdir()
    weights = {f"text_model.{key}": value.contiguous() for key, value in model.text.network.state_dict().items()}
    save_file(weights, folder / "text_encoder" / "model.safetensors")
    documents = {
        "text_encoder/config.json": {"vocab_size": 49408, "hidden_size": 64, "num_hidden_layers": 12, "num_attention_heads": 1,
                                     "intermediate_size": 256, "hidden_act": "quick_gelu"},
        "scheduler/scheduler_config.json": {"prediction_type": "v_prediction", "beta_start": 0.00085, "beta_end": 0.012,
                                            "beta_schedule": "scaled_linear"},
        "model_index.json": {"_class_name": "StableDiffusionPipeline"},
    }  # fmt: skip
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document))

"""LoRA on the tiny checkpoint: A1111's picture in every layout, and nothing of it left afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from modules.backends.catalog import Catalog
from modules.backends.loader import load_checkpoint
from modules.backends.loras.catalog import LoraCatalog
from modules.backends.loras.file import read_lora
from modules.base.paths import Paths
from modules.engine.lora.network import WeightedNetwork
from modules.engine.prompts.conditioning import encode_texts
from modules.imaging.picture import open_picture
from modules.pipeline.processed import Processed
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.session import Session
from modules.settings.flags import parse_flags

DATA = Path(__file__).parent / "data"
PROMPT = "a photo of a cat"
A1111_HASH = "f2d007bbbcd9"
Paint = Callable[..., Processed]


@pytest.fixture(scope="module")
def loras(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny LoRA, the same in diffusers' layout, and one that fits no layer of this model."""
    folder = tmp_path_factory.mktemp("loras")
    kohya = load_file(tiny_models / "lora" / "tiny_lora.safetensors")
    save_file(kohya, folder / "tiny_lora.safetensors", metadata={"format": "pt"})
    save_file({in_diffusers_words(name): tensor for name, tensor in kohya.items()}, folder / "diffusers.safetensors")
    wide = {name: tensor.repeat_interleave(2, 0) if name.endswith("up.weight") else tensor for name, tensor in kohya.items()}
    save_file(wide, folder / "wide.safetensors", metadata={"ss_base_model_version": "sdxl_base_v1-0"})
    return folder


def in_diffusers_words(name: str) -> str:
    layer, _, part = name.partition(".")
    words = layer.removeprefix("lora_unet_").removeprefix("lora_te_text_model_")
    for joined in ("down_blocks", "up_blocks", "mid_block", "transformer_blocks", "to_q", "to_k", "to_v", "to_out", "proj_in", "self_attn",
                   "q_proj", "v_proj"):  # fmt: skip
        words = words.replace(joined, joined.replace("_", "-"))
    path = words.replace("_", ".").replace("-", "_")
    start = "unet." if "unet" in layer else "text_encoder.text_model."
    return start + path + {"alpha": ".alpha", "lora_up.weight": ".lora_B.weight", "lora_down.weight": ".lora_A.weight"}[part]


@pytest.fixture(scope="module")
def paint(tiny_models: Path, loras: Path, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paint]:
    root = Path(__file__).parents[2]
    flags = parse_flags(["--no-half", "--ckpt-dir", str(tiny_models), "--lora-dir", str(loras)])
    session = Session(Paths.under(root, tmp_path_factory.mktemp("data")), flags)
    session.options.update({"sd_model_checkpoint": "tiny_sd15.safetensors"})

    def run(prompt: str, **fields: Any) -> Processed:
        given = {"width": 128, "height": 128, "steps": 6, "seed": 1000, "sampler_name": "Euler", "cfg_scale": 7, **fields}
        picture = open_picture(DATA / "inputs" / "cat_128.png").image
        request = Img2ImgProcessing(
            prompt=prompt, negative_prompt="blurry, dark", init_images=[picture], do_not_save_samples=True, do_not_save_grid=True, **given
        )
        job = session.submit(request, "golden")
        assert job.wait(300)
        return job.outcome()

    yield run
    session.close()


def pixels(processed: Processed) -> np.ndarray:
    return np.asarray(processed.images[0], int)


def test_a_job_after_one_with_lora_gives_the_bits_of_before(paint: Paint) -> None:
    before = pixels(paint(PROMPT))
    assert not np.array_equal(pixels(paint(f"{PROMPT} <lora:tiny_lora:0.8>")), before)
    assert not np.array_equal(pixels(paint(f"{PROMPT} <lora:tiny_lora:-2:3>")), before)
    assert np.array_equal(pixels(paint(PROMPT)), before)
    assert np.array_equal(pixels(paint(f"{PROMPT}<lora:tiny_lora:0:0>")), before)
    assert np.array_equal(pixels(paint(f"{PROMPT}<lora:tiny_lora:0.8>", disable_extra_networks=True)), before)


def test_text_encoder_and_unet_have_their_own_multipliers(paint: Paint) -> None:
    made = [pixels(paint(f"{PROMPT} <lora:tiny_lora:{numbers}>")) for numbers in ("0.8", "0.8:0", "0:0.8", "te=0.8:unet=0.8")]
    assert np.array_equal(made[0], made[3])
    assert all(not np.array_equal(made[one], made[other]) for one, other in ((0, 1), (0, 2), (1, 2)))


def test_the_same_file_in_diffusers_layout_gives_the_same_picture(paint: Paint) -> None:
    kohya, diffusers = (paint(f"{PROMPT} <lora:{name}:0.8>") for name in ("tiny_lora", "diffusers"))
    assert diffusers.notes == [] and np.array_equal(pixels(kohya), pixels(diffusers))
    assert kohya.extra_generation_params["Lora hashes"] == f"tiny_lora: {A1111_HASH}"


def test_a_file_that_does_not_fit_is_an_error_that_leaves_no_trace(paint: Paint) -> None:
    before = pixels(paint(PROMPT))
    with pytest.raises(Exception, match=r"LoRA 'wide', layer .* wanted .*sdxl_base_v1-0") as error:
        paint(f"{PROMPT} <lora:tiny_lora:0.8><lora:wide:0.8>")
    assert type(error.value).__name__ == "UnusableNetwork"
    assert np.array_equal(pixels(paint(PROMPT)), before)


def test_it_is_merged_into_inpainting_models_too(paint: Paint) -> None:
    override = {"sd_model_checkpoint": "tiny_sd15_inpaint.safetensors"}
    hole = Image.new("L", (128, 128))
    hole.paste(255, (32, 32, 96, 96))
    plain, changed = (paint(prompt, image_mask=hole, override_settings=override) for prompt in (PROMPT, f"{PROMPT} <lora:tiny_lora:0.8>"))
    assert not np.array_equal(pixels(plain), pixels(changed)) and changed.notes == []


def test_the_empty_prompt_is_the_checkpoints_own(tiny_models: Path, loras: Path, vocabulary: Path) -> None:
    """As in A1111, which encodes it when the checkpoint is loaded; "Pad conds" pads with it, also under a LoRA."""
    catalog = Catalog([tiny_models], loras / "checkpoints.json")
    plain, changed = (load_checkpoint(catalog.find("tiny_sd15"), torch.device("cpu"), torch.float32, vocabulary) for _ in range(2))
    catalogue = LoraCatalog([loras], loras / "loras.json")
    changed.apply_networks([WeightedNetwork(read_lora(loras / "tiny_lora.safetensors", "tiny_lora", catalogue.memory), 1.0, 1.0)])
    assert torch.equal(changed.empty_prompt, plain.empty_prompt)
    assert not torch.equal(encode_texts([""], changed.text), encode_texts([""], plain.text))

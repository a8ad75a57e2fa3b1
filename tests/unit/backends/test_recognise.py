"""What a checkpoint is follows from keys and shapes; what it predicts from YAML, metadata or weights, in that order."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.backends.header import read_header
from modules.backends.ldm_yaml import LdmSettings, read_ldm_yaml
from modules.backends.recognise import Recognition, recognise
from modules.base.errors import BrokenCheckpoint
from modules.engine.model import ModelKind, Prediction
from tests.unit.backends.files import YAML, write_sketch


def look(path: Path, parameterization: str | None = None) -> Recognition:
    return recognise(read_header(path), LdmSettings(parameterization=parameterization))


@pytest.mark.parametrize(
    ("inputs", "channels", "kind"),
    [(4, 4, ModelKind.BASE), (8, 4, ModelKind.EDIT), (9, 4, ModelKind.INPAINT),
     (8, 8, ModelKind.BASE), (16, 8, ModelKind.EDIT), (17, 8, ModelKind.INPAINT), (33, 16, ModelKind.INPAINT)],
)  # fmt: skip
def test_kind_follows_from_channels(tmp_path: Path, inputs: int, channels: int, kind: ModelKind) -> None:
    found = look(write_sketch(tmp_path / "misleading-inpainting-name.safetensors", inputs, channels))
    assert (found.kind, found.latent_channels, found.reason) == (kind, channels, "")


def test_other_channel_counts_are_refused(tmp_path: Path) -> None:
    assert "5 inputs for z = 4" in look(write_sketch(tmp_path / "depth.safetensors", 5)).reason


def test_prediction_by_precedence(tmp_path: Path) -> None:
    path = write_sketch(tmp_path / "a.safetensors", metadata={"modelspec.prediction_type": "epsilon"}, extra=("v_pred",))
    assert (look(path, "v").prediction, look(path, "v").prediction_from) == (Prediction.V, "YAML")
    assert (look(path).prediction, look(path).prediction_from) == (Prediction.EPSILON, "metadata")
    path = write_sketch(tmp_path / "b.safetensors", extra=("v_pred",))
    assert (look(path).prediction, look(path).prediction_from) == (Prediction.V, "weights")
    path = write_sketch(tmp_path / "c.safetensors")
    assert (look(path).prediction, look(path).prediction_from) == (Prediction.EPSILON, "default")
    assert "'x0'" in look(path, "x0").reason


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("conditioner.embedders.0.transformer.x", "SDXL: not supported yet"),
        ("noise_augmentor.time_embed.weight", "Stable Diffusion 2 unCLIP: not supported yet"),
        ("model.diffusion_model.joint_blocks.0.x", "Stable Diffusion 3: not supported yet"),
        ("double_blocks.0.img_attn.x", "FLUX: not supported yet"),
        ("transformer_blocks.0.img_mod.1.weight", "Qwen-Image: not supported yet"),
        ("control_model.x", "ControlNet: not supported yet"),
        ("lora_unet_mid_block.lora_up.weight", "move it to models/Lora"),
        ("emb_params", "move it to models/embeddings"),
    ],
)
def test_other_families_have_a_reason(tmp_path: Path, key: str, said: str) -> None:
    assert said in look(write_sketch(tmp_path / "a.safetensors", extra=(key,))).reason


def write_parts(path: Path, *prefixes: str, dtype: str = "float16") -> Path:
    from safetensors.numpy import save_file

    from tests.unit.backends.files import sketch

    save_file({name: value for name, value in sketch(dtype=dtype).items() if name.startswith(prefixes)}, path)
    return path


def test_incomplete_files_say_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    assert "without its VAE" in look(write_parts(path, "model.", "cond_stage_model.")).reason
    assert "without its text encoder" in look(write_parts(path, "model.", "first_stage_model.")).reason
    assert "move it to models/VAE" in look(write_parts(path, "first_stage_model.")).reason
    assert "unknown" in look(write_parts(path, "cond_stage_model.")).reason
    assert look(write_parts(path, "nothing")).reason == "holds no weights"
    assert "stored as U8" in look(write_parts(path, "", dtype="uint8")).reason


def test_yaml_values(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(YAML.format("v") + "    unet_config: {params: {num_heads: -1, num_head_channels: 64}}\n    linear_start: 1.0e-03\n")
    settings = read_ldm_yaml(path)
    assert (settings.parameterization, settings.scale_factor, settings.heads, settings.head_width) == ("v", 0.5, None, 64)
    assert (settings.linear_start, settings.linear_end, settings.timesteps) == (0.001, 0.012, 1000)
    assert read_ldm_yaml(None) == LdmSettings()


@pytest.mark.parametrize("text", ["a: [", "nothing: here", "- 1", "model: {params: {scale_factor: wide}}", "\x00"])
def test_yaml_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(BrokenCheckpoint, match=r"odd\.yaml"):
        read_ldm_yaml(path)

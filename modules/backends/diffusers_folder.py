"""Models kept as a diffusers folder: `model_index.json`, and a sub-folder with `config.json` and safetensors for each part."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.backends.header import Header, read_header
from modules.backends.ldm_layout import Part
from modules.backends.open_clip import TextTraits
from modules.backends.recognise import NOT_YET, SD1, SD2, Recognition, kind_of, parse_prediction
from modules.base.errors import BrokenCheckpoint
from modules.engine.model import Prediction

INDEX_FILE = "model_index.json"
_PARTS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
_UNET_KEYS = (
    "in_channels", "out_channels", "block_out_channels", "layers_per_block", "down_block_types", "up_block_types", "cross_attention_dim",
    "attention_head_dim", "use_linear_projection", "transformer_layers_per_block", "norm_num_groups",
)  # fmt: skip
_VAE_KEYS = (
    "in_channels", "out_channels", "block_out_channels", "layers_per_block", "down_block_types", "up_block_types", "latent_channels",
    "norm_num_groups", "use_quant_conv", "use_post_quant_conv", "mid_block_add_attention",
)  # fmt: skip
_OLD_VAE_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
_FAMILIES = {"quick_gelu": SD1, "gelu": SD2}
_DEFAULT_SCALE_FACTOR = 0.18215


@dataclass(frozen=True)
class FolderPart:
    """One part: what builds it, and the file that its weights are in."""

    part: Part
    header: Header


def list_files(folder: Path) -> list[Path]:
    """Every file that a load reads; the UNet's weights first."""
    weights = [_weights_file(folder, name) for name in _PARTS]
    configs = [folder / name / "config.json" for name in _PARTS]
    return [*(file for file in weights if file is not None), *configs, folder / INDEX_FILE, folder / "scheduler" / "scheduler_config.json"]


def recognise_folder(folder: Path) -> Recognition:
    """Recognise a folder from its configurations and the UNet's header.

    Raises:
        BrokenCheckpoint: A file is missing, truncated or no JSON.
    """
    pipeline = str(_read_json(folder, INDEX_FILE).get("_class_name"))
    if not (folder / "unet").is_dir() or "XL" in pipeline:
        return Recognition(reason=f"{pipeline}: {NOT_YET}")
    activation = _read_json(folder, "text_encoder/config.json").get("hidden_act", "quick_gelu")
    if activation not in _FAMILIES:
        return Recognition(reason=f"a text encoder with {activation!r} inside: {NOT_YET} ({' and '.join(_FAMILIES)} are)")
    header = _open_part(folder, "unet")
    conv_in, conv_out = header.shape("conv_in.weight"), header.shape("conv_out.weight")
    if conv_in is None or conv_out is None:
        raise BrokenCheckpoint(f"{folder.name}/unet is incomplete: conv_in or conv_out is missing")
    channels = int(_read_json(folder, "vae/config.json").get("latent_channels", 4))
    kind, reason = kind_of(conv_in[1], conv_out[0], channels)
    word = str(read_scheduler(folder).get("prediction_type", "epsilon"))
    prediction = parse_prediction(word)
    if prediction is None:
        reason = reason or f"it predicts {word!r}: {NOT_YET} (epsilon and v_prediction are)"
    return Recognition(kind, prediction or Prediction.EPSILON, "scheduler", channels, reason, _FAMILIES[activation])


def read_scheduler(folder: Path) -> dict[str, Any]:
    """`scheduler/scheduler_config.json`; empty when there is none."""
    file = folder / "scheduler" / "scheduler_config.json"
    return _read_json(folder, "scheduler/scheduler_config.json") if file.is_file() else {}


def read_unet(folder: Path) -> FolderPart:
    """UNet of the folder.

    Raises:
        BrokenCheckpoint: A file is missing, truncated or no JSON.
    """
    header, config = _open_part(folder, "unet"), _read_json(folder, "unet/config.json")
    unknown = [key for key in ("class_embed_type", "addition_embed_type", "encoder_hid_dim", "num_class_embeds") if config.get(key)]
    if unknown:
        raise BrokenCheckpoint(f"{folder.name}/unet/config.json sets {unknown[0]}: {NOT_YET}")
    return FolderPart(Part(_pick(config, _UNET_KEYS), {name: name for name in header.tensors}), header)


def read_vae(folder: Path) -> tuple[FolderPart, float]:
    """VAE of the folder, and its scale factor.

    Raises:
        BrokenCheckpoint: A file is missing, truncated or no JSON.
    """
    header, config = _open_part(folder, "vae"), _read_json(folder, "vae/config.json")
    names = {}
    for name in header.tensors:
        ours = name
        for new, old in _OLD_VAE_NAMES.items():
            ours = ours.replace(f".attentions.0.{old}.", f".attentions.0.{new}.")
        names[ours] = name
    return FolderPart(Part(_pick(config, _VAE_KEYS), names), header), float(config.get("scaling_factor") or _DEFAULT_SCALE_FACTOR)


def read_clip_text(folder: Path) -> tuple[FolderPart, TextTraits]:
    """Text encoder of the folder. Stable Diffusion 2's is kept without its last layer, and the last one there is the one to use.

    Raises:
        BrokenCheckpoint: A file is missing, truncated or no JSON.
    """
    header, config = _open_part(folder, "text_encoder"), _read_json(folder, "text_encoder/config.json")
    names = {name.removeprefix("text_model."): name for name in header.tensors if not name.endswith("position_ids")}
    try:
        values = {
            "vocabulary": config["vocab_size"], "width": config["hidden_size"], "layers": config["num_hidden_layers"],
            "heads": config["num_attention_heads"], "inner_width": config["intermediate_size"],
            "positions": config.get("max_position_embeddings", 77), "activation": config.get("hidden_act", "quick_gelu"),
        }  # fmt: skip
    except KeyError as error:
        raise BrokenCheckpoint(f"{folder.name}/text_encoder/config.json lacks {error}") from error
    is_sd2 = values["activation"] == "gelu"
    return FolderPart(Part(values, names), header), TextTraits(2, 0, missing_layers=1) if is_sd2 else TextTraits()


def _pick(config: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: tuple(config[key]) if isinstance(config[key], list) else config[key] for key in keys if config.get(key) is not None}


def _open_part(folder: Path, name: str) -> Header:
    file = _weights_file(folder, name)
    if file is None:
        wanted = f"{folder.name}/{name}/{_PARTS[name]}.safetensors"
        raise BrokenCheckpoint(f"{wanted} is missing (pickle .bin files and files split in shards are not read)")
    return read_header(file)


def _weights_file(folder: Path, name: str) -> Path | None:
    candidates = (folder / name / f"{_PARTS[name]}{variant}.safetensors" for variant in ("", ".fp16"))
    return next((file for file in candidates if file.is_file()), None)


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        document = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenCheckpoint(f"{folder.name}/{name} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise BrokenCheckpoint(f"{folder.name}/{name} is no JSON object")
    return document

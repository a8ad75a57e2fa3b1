"""Qwen-Image-Layered in miniature: the architecture with random weights, saved as real ones are."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLQwenImage, FlowMatchEulerDiscreteScheduler, QwenImageLayeredPipeline, QwenImageTransformer2DModel
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer

CHANNELS = 8  # of latents; four would be taken for a picture with alpha
WIDTH = 32  # of the text encoder
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def save_small(folder: Path) -> Path:
    """Make one, 1.5 MB; the index names a processor, as the published one does."""
    torch.manual_seed(0)
    pipeline = QwenImageLayeredPipeline(
        FlowMatchEulerDiscreteScheduler(), _autoencoder(), _text_encoder(), _tokenizer(), None, _transformer()
    )  # type: ignore[no-untyped-call]
    pipeline.save_pretrained(folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "processor": ["transformers", "Qwen2VLProcessor"]}))
    return folder


def _autoencoder() -> AutoencoderKLQwenImage:
    sizes = {"base_dim": 4, "z_dim": CHANNELS, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
    return AutoencoderKLQwenImage(**sizes, input_channels=4, latents_mean=[0.0] * CHANNELS, latents_std=[1.0] * CHANNELS)


def _transformer() -> QwenImageTransformer2DModel:
    heads = {"num_layers": 1, "attention_head_dim": 16, "num_attention_heads": 1, "axes_dims_rope": (4, 6, 6)}
    channels = {"in_channels": 4 * CHANNELS, "out_channels": CHANNELS, "joint_attention_dim": WIDTH}
    return QwenImageTransformer2DModel(patch_size=2, **heads, **channels, use_additional_t_cond=True, use_layer3d_rope=True)


def _text_encoder() -> Qwen2_5_VLForConditionalGeneration:
    sizes = {"hidden_size": WIDTH, "intermediate_size": 64}
    heads = {"num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1}
    turns = {"type": "mrope", "mrope_section": [2, 3, 3], "rope_type": "default"}
    text = {**sizes, **heads, "vocab_size": 400, "max_position_embeddings": 2048, "rope_scaling": turns}
    vision = {**sizes, "depth": 1, "num_heads": 2, "out_hidden_size": WIDTH, "fullatt_block_indexes": [0]}
    return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision))


def _tokenizer() -> Qwen2Tokenizer:
    """Bytes alone, and the template's marks; the letters are those of GPT-2's byte-level table."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in shown] + [chr(256 + place) for place in range(256 - len(shown))]
    return Qwen2Tokenizer(vocab={word: place for place, word in enumerate([*letters, *SPECIAL])}, merges=[])

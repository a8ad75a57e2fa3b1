"""The text encoder of Stable Diffusion 2, as OpenCLIP lays it out, read into transformers' `CLIPTextModel`.

References:
    Cherti et al., "Reproducible scaling laws for contrastive language-image learning", CVPR 2023 (OpenCLIP, ViT-H/14).
"""

from __future__ import annotations

from dataclasses import dataclass

from modules.backends.header import Header
from modules.backends.ldm_layout import OPEN_CLIP_PREFIX, TEXT_HEAD_WIDTH, Part, Reader
from modules.backends.ldm_yaml import LdmSettings

WIDTH, LAYERS = 1024, 24
"""Of the encoder that Stable Diffusion 2 was trained with."""
_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_JOINED = ("q_proj", "k_proj", "v_proj")


@dataclass(frozen=True)
class TextTraits:
    """What the weights of a text encoder do not show.

    Attributes:
        own_clip_skip: What the UNet was trained with: 1 = the last layer, 2 = the one before it.
        pad_token: What fills a chunk behind its end; None = the end token.
        missing_layers: How many of the encoder's last layers the file left out, as nobody needs them.
    """

    own_clip_skip: int = 1
    pad_token: int | None = None
    missing_layers: int = 0


def is_open_clip(header: Header) -> bool:
    """Whether a checkpoint's text encoder is OpenCLIP's."""
    return header.has_prefix(OPEN_CLIP_PREFIX)


def read_open_clip_text(header: Header, settings: LdmSettings) -> tuple[Part, TextTraits]:
    """Text encoder of a Stable Diffusion 2 checkpoint, in transformers' layout.

    Raises:
        BrokenCheckpoint: A tensor that the structure needs is missing, or one is left over.
    """
    reader = Reader(header, OPEN_CLIP_PREFIX)
    reader.take("token_embedding", "embeddings.token_embedding")
    reader.names["embeddings.position_embedding.weight"] = OPEN_CLIP_PREFIX + "positional_embedding"
    reader.take("ln_final", "final_layer_norm")
    layers = reader.count("transformer.resblocks.{}.")
    for index in range(layers):
        _read_block(reader, f"transformer.resblocks.{index}", f"encoder.layers.{index}")
    vocabulary, width = reader.shape("token_embedding.weight")
    config = {
        "vocabulary": vocabulary,
        "width": width,
        "layers": layers,
        "heads": settings.text_heads or max(1, width // TEXT_HEAD_WIDTH),
        "inner_width": reader.shape("transformer.resblocks.0.mlp.c_fc.weight")[0],
        "positions": reader.shape("positional_embedding")[0],
        "activation": "gelu",
    }
    part = reader.finish(config, ignored=("text_projection", "logit_scale", "attn_mask", "visual."))
    missing = LAYERS - layers if width == WIDTH and layers == LAYERS - 1 else 0
    return part, TextTraits(own_clip_skip=2, pad_token=0, missing_layers=missing)


def _read_block(reader: Reader, old: str, new: str) -> None:
    for theirs, ours in _BLOCK.items():
        reader.take(f"{old}.{theirs}", f"{new}.{ours}")
    for suffix in ("weight", "bias"):
        joined = f"{old}.attn.in_proj_{suffix}"
        if reader.has(joined):
            for index, name in enumerate(_JOINED):
                reader.take_rows(joined, f"{new}.self_attn.{name}.{suffix}", index, len(_JOINED))

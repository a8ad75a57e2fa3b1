"""The LDM key layout read as structure: widths, depths and channels from shapes, and each tensor's name in our modules.

"Ours" are the names in diffusers' `UNet2DConditionModel` and `AutoencoderKL` and in transformers' `CLIPTextModel`; "theirs" are the file's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from modules.backends.header import Header
from modules.backends.ldm_yaml import LdmSettings
from modules.base.errors import BrokenCheckpoint

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."
TEXT_PREFIXES = ("cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.")
OPEN_CLIP_PREFIX = "cond_stage_model.model."
DEFAULT_HEADS = 8
LINEAR_HEAD_WIDTH = 64
"""UNets whose transformers begin with a linear layer (Stable Diffusion 2) have heads of equal width, the older ones of equal number."""
TEXT_HEAD_WIDTH = 64
_RESNET = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2", "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut", "norm1": "norm1", "conv1": "conv1", "norm2": "norm2", "conv2": "conv2",
    "nin_shortcut": "conv_shortcut",
}  # fmt: skip
_VAE_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}


@dataclass(frozen=True)
class Part:
    """One network of a checkpoint.

    Attributes:
        config: Keyword arguments of the module that runs it.
        names: Parameter name in that module -> tensor name in the file.
        rows: Parameter name -> (index, count), where it is one of several equal parts of the tensor's rows.
    """

    config: dict[str, Any]
    names: dict[str, str]
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)


class Reader:
    """Looks tensors up below one prefix, and collects the renamings."""

    def __init__(self, header: Header, prefix: str) -> None:
        self.header, self.prefix = header, prefix
        self.names: dict[str, str] = {}
        self.rows: dict[str, tuple[int, int]] = {}
        self.below: dict[str, list[str]] = {}
        for name in header.tensors:
            if name.startswith(prefix):
                self.below.setdefault(_block_of(name[len(prefix) :]), []).append(name[len(prefix) :])

    def has(self, name: str) -> bool:
        return self.prefix + name in self.header.tensors

    def shape(self, name: str) -> tuple[int, ...]:
        shape = self.header.shape(self.prefix + name)
        if shape is None:
            raise BrokenCheckpoint(f"{self.header.path.name} is incomplete: tensor {self.prefix}{name} is missing")
        return shape

    def take(self, old: str, new: str) -> None:
        """Rename the layer `old` (its weight and bias) to `new`."""
        for suffix in (".weight", ".bias"):
            if self.has(old + suffix):
                self.names[new + suffix] = self.prefix + old + suffix

    def take_rows(self, old: str, new: str, index: int, count: int) -> None:
        """The parameter `new` is part `index` of `count` equal parts of the tensor `old`'s rows."""
        self.names[new] = self.prefix + old
        self.rows[new] = (index, count)

    def take_resnet(self, old: str, new: str) -> None:
        for theirs, ours in _RESNET.items():
            self.take(f"{old}.{theirs}", f"{new}.{ours}")

    def take_all(self, old: str, new: str) -> None:
        """Rename everything below `old`, keeping what follows."""
        for name in self.below.get(_block_of(old + "."), ()):
            if name.startswith(old + "."):
                self.names[new + name[len(old) :]] = self.prefix + name

    def count(self, pattern: str) -> int:
        """1 + the largest number that `{}` stands for in the names matching `pattern`; 0 for no match."""
        expression = re.compile(re.escape(pattern).replace(r"\{\}", r"(\d+)"))
        found = (expression.match(name) for name in self.below.get(_block_of(pattern.split("{}")[0]), self._all()))
        return 1 + max((int(match.group(1)) for match in found if match), default=-1)

    def finish(self, config: dict[str, Any], ignored: tuple[str, ...] = ()) -> Part:
        """Refuse tensors that nobody asked for: they mean an architecture that this layout is not."""
        used = set(self.names.values())
        unused = [self.prefix + rest for rest in self._all() if self.prefix + rest not in used and not rest.startswith(ignored)]
        if unused:
            raise BrokenCheckpoint(
                f"{self.header.path.name} has {len(unused)} tensors of another architecture, {sorted(unused)[0]} for one"
            )
        return Part(config, self.names, self.rows)

    def _all(self) -> list[str]:
        return [name for names in self.below.values() for name in names]


def _block_of(name: str) -> str:
    """A key that splits the names into small groups: "input_blocks.3", "encoder.mid", "out.0"."""
    return ".".join(name.split(".")[:2])


def read_unet(header: Header, settings: LdmSettings) -> Part:
    """UNet of a latent diffusion checkpoint.

    Raises:
        BrokenCheckpoint: A tensor that the structure needs is missing, or one is left over.
    """
    reader = Reader(header, UNET_PREFIX)
    for old, new in {"time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2", "input_blocks.0.0": "conv_in",
                     "out.0": "conv_norm_out", "out.2": "conv_out"}.items():  # fmt: skip
        reader.take(old, new)
    widths, layers, depths = _read_down(reader)
    _read_middle(reader)
    _read_up(reader, layers)
    context = reader.shape("middle_block.1.transformer_blocks.0.attn2.to_k.weight")[1]
    levels = range(len(widths))
    is_linear = len(reader.shape("middle_block.1.proj_in.weight")) == 2
    head_width = settings.head_width or (LINEAR_HEAD_WIDTH if is_linear else None)
    heads: int | list[int] = settings.heads or DEFAULT_HEADS
    if settings.heads is None and head_width is not None:
        heads = [max(1, width // head_width) for width in widths]
    return reader.finish({
        "in_channels": reader.shape("input_blocks.0.0.weight")[1],
        "out_channels": reader.shape("out.2.weight")[0],
        "block_out_channels": tuple(widths),
        "layers_per_block": tuple(layers),
        "down_block_types": tuple("CrossAttnDownBlock2D" if depths[level] else "DownBlock2D" for level in levels),
        "up_block_types": tuple("CrossAttnUpBlock2D" if depths[level] else "UpBlock2D" for level in reversed(levels)),
        "transformer_layers_per_block": tuple(max(depth, 1) for depth in depths),
        "cross_attention_dim": context,
        "attention_head_dim": tuple(heads) if isinstance(heads, list) else heads,
        "use_linear_projection": is_linear,
    })  # fmt: skip


def _read_down(reader: Reader) -> tuple[list[int], list[int], list[int]]:
    """Widths, numbers of residual blocks and transformer depths (0 = no attention), a level each."""
    widths, layers, depths = [0], [0], [0]
    for index in range(1, reader.count("input_blocks.{}.")):
        block, level = f"input_blocks.{index}", len(widths) - 1
        if reader.has(f"{block}.0.op.weight"):
            reader.take(f"{block}.0.op", f"down_blocks.{level}.downsamplers.0.conv")
            widths, layers, depths = [*widths, 0], [*layers, 0], [*depths, 0]
            continue
        widths[level] = reader.shape(f"{block}.0.in_layers.2.weight")[0]
        reader.take_resnet(f"{block}.0", f"down_blocks.{level}.resnets.{layers[level]}")
        if reader.has(f"{block}.1.norm.weight"):
            reader.take_all(f"{block}.1", f"down_blocks.{level}.attentions.{layers[level]}")
            depths[level] = reader.count(block + ".1.transformer_blocks.{}.")
        layers[level] += 1
    return widths, layers, depths


def _read_middle(reader: Reader) -> None:
    reader.take_resnet("middle_block.0", "mid_block.resnets.0")
    reader.take_all("middle_block.1", "mid_block.attentions.0")
    reader.take_resnet("middle_block.2", "mid_block.resnets.1")


def _read_up(reader: Reader, layers: list[int]) -> None:
    index = 0
    for level, count in enumerate(reversed(layers)):
        for layer in range(count + 1):
            block = f"output_blocks.{index}"
            reader.take_resnet(f"{block}.0", f"up_blocks.{level}.resnets.{layer}")
            if reader.has(f"{block}.1.norm.weight"):
                reader.take_all(f"{block}.1", f"up_blocks.{level}.attentions.{layer}")
            for place in (1, 2):
                reader.take(f"{block}.{place}.conv", f"up_blocks.{level}.upsamplers.0.conv")
            index += 1


def read_vae(header: Header, prefix: str = VAE_PREFIX) -> Part:
    """KL autoencoder of a latent diffusion checkpoint.

    Raises:
        BrokenCheckpoint: A tensor that the structure needs is missing, or one is left over.
    """
    reader = Reader(header, prefix)
    levels = reader.count("encoder.down.{}.")
    widths, layers = [], 0
    for level in range(levels):
        layers = max(layers, reader.count(f"encoder.down.{level}.block.{{}}."))
        widths.append(reader.shape(f"encoder.down.{level}.block.0.conv1.weight")[0])
        for block in range(layers):
            reader.take_resnet(f"encoder.down.{level}.block.{block}", f"encoder.down_blocks.{level}.resnets.{block}")
        reader.take(f"encoder.down.{level}.downsample.conv", f"encoder.down_blocks.{level}.downsamplers.0.conv")
        for block in range(layers + 1):
            reader.take_resnet(f"decoder.up.{level}.block.{block}", f"decoder.up_blocks.{levels - 1 - level}.resnets.{block}")
        reader.take(f"decoder.up.{level}.upsample.conv", f"decoder.up_blocks.{levels - 1 - level}.upsamplers.0.conv")
    for half in ("encoder", "decoder"):
        _read_vae_ends(reader, half)
    reader.take("quant_conv", "quant_conv")
    reader.take("post_quant_conv", "post_quant_conv")
    channels = reader.shape("decoder.conv_in.weight")[1]
    has_quant = reader.has("quant_conv.weight")
    return reader.finish({
        "in_channels": reader.shape("encoder.conv_in.weight")[1],
        "out_channels": reader.shape("decoder.conv_out.weight")[0],
        "block_out_channels": tuple(widths),
        "layers_per_block": layers,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "latent_channels": channels,
        "use_quant_conv": has_quant,
        "use_post_quant_conv": reader.has("post_quant_conv.weight"),
        "mid_block_add_attention": reader.has("encoder.mid.attn_1.norm.weight"),
    }, ignored=("loss.", "model_ema."))  # fmt: skip


def _read_vae_ends(reader: Reader, half: str) -> None:
    reader.take(f"{half}.conv_in", f"{half}.conv_in")
    reader.take(f"{half}.norm_out", f"{half}.conv_norm_out")
    reader.take(f"{half}.conv_out", f"{half}.conv_out")
    for block in (1, 2):
        reader.take_resnet(f"{half}.mid.block_{block}", f"{half}.mid_block.resnets.{block - 1}")
    for theirs, ours in _VAE_ATTENTION.items():
        reader.take(f"{half}.mid.attn_1.{theirs}", f"{half}.mid_block.attentions.0.{ours}")


def read_clip_text(header: Header, settings: LdmSettings) -> Part:
    """CLIP text encoder of a latent diffusion checkpoint, in transformers' layout.

    Raises:
        BrokenCheckpoint: A tensor that the structure needs is missing, or one is left over.
    """
    prefix = next((prefix for prefix in TEXT_PREFIXES if header.has_prefix(prefix)), TEXT_PREFIXES[0])
    reader = Reader(header, prefix)
    for name in header.tensors:
        if name.startswith(prefix) and not name.endswith("position_ids"):
            reader.names[name[len(prefix) :]] = name
    vocabulary, width = reader.shape("embeddings.token_embedding.weight")
    return reader.finish({
        "vocabulary": vocabulary,
        "width": width,
        "layers": reader.count("encoder.layers.{}."),
        "heads": settings.text_heads or max(1, width // TEXT_HEAD_WIDTH),
        "inner_width": reader.shape("encoder.layers.0.mlp.fc1.weight")[0],
        "positions": reader.shape("embeddings.position_embedding.weight")[0],
    }, ignored=("embeddings.position_ids",))  # fmt: skip

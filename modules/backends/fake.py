"""A model without weights: deterministic arithmetic behind the protocols of `engine.model`.

It reacts to everything a real model reacts to (prompt, timestep, mask and picture conditioning, clip skip), batch items do not influence
one another, and `decode(encode(x))` is an 8 x 8 mosaic of `x`. Tests of every floor above use it.
"""

from __future__ import annotations

import math
import re
import time
import uuid
import zlib
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from modules.backends.script_view import ScriptView
from modules.engine.lora.network import WeightedNetwork
from modules.engine.model import ModelKind, Prediction, TokenVectors
from modules.engine.prompts.conditioning import encode_texts
from modules.engine.word_guide import WordGuide

_WORDS = re.compile(r"<\|startoftext\|>|<\|endoftext\|>|[^\W\d_]+|\d|[^\s\w]+|_+")
_COMMA_TOKEN, _START_TOKEN, _END_TOKEN = 267, 49406, 49407
_FIRST_WORD_TOKEN = 320


class FakeTextEncoder:
    """Words by hash, vectors by sine waves; needs no vocabulary.

    Args:
        width: Last dimension of the conditioning.
    """

    start_token = _START_TOKEN
    end_token = _END_TOKEN
    pad_token = _END_TOKEN
    comma_token = _COMMA_TOKEN
    layers = 12
    own_clip_skip = 1

    def __init__(self, width: int = 16) -> None:
        self.width = width
        self.encoded_chunks = 0

    def tokenize(self, text: str) -> list[int]:
        """One id a word, digit or run of punctuation; the ids of "," and of the special tokens are CLIP's."""
        return [self._token(word) for word in _WORDS.findall(text.lower())]

    def encode(self, tokens: Tensor, clip_skip: int = 1, replaced: Sequence[TokenVectors] = ()) -> Tensor:
        """(B, 77) int64 -> (B, 77, width) float32, different for another `clip_skip`."""
        self.encoded_chunks += tokens.shape[0]
        frequency = torch.arange(1, self.width + 1, dtype=torch.float64)
        vectors = torch.sin(tokens.double().unsqueeze(-1) * frequency * 0.7368).float()
        for item in replaced:
            vectors[item.row, item.position : item.position + len(item.vectors)] = item.vectors
        position = torch.arange(tokens.shape[1], dtype=torch.float32).view(1, -1, 1)
        channel = torch.arange(self.width, dtype=torch.float32).view(1, 1, -1)
        return vectors + 0.1 * torch.cos(position * 0.31 + channel) + 0.05 * (clip_skip - 1)

    @staticmethod
    def _token(word: str) -> int:
        fixed = {",": _COMMA_TOKEN, "<|startoftext|>": _START_TOKEN, "<|endoftext|>": _END_TOKEN}
        return fixed.get(word, _FIRST_WORD_TOKEN + zlib.crc32(word.encode()) % (_START_TOKEN - _FIRST_WORD_TOKEN))


class FakeModel(ScriptView):
    """A `DiffusionModel` made of a few formulas.

    Args:
        kind: What the UNet would be given: base (C), edit (2C) or inpaint (2C + 1) channels.
        latent_channels: C, at least 1.
        prediction: Reported only; `predict` gives the same numbers.
        name: File name that the catalogue would list.
        width: Last dimension of the conditioning.
        step_s: Seconds that every `predict` sleeps, for tests of queues and interruption.
        fails_after: Number of `predict` calls after which each raises `RuntimeError`; None = never.

    Attributes:
        predict_calls: Number of `predict` calls so far.
        encode_calls: Number of `encode` calls so far.
        decode_calls: Number of `decode` calls so far.
        is_tiling: What `set_tiling` last said.
        word_guide: None, unless a test puts one in.
        networks: What `apply_networks` was given last; changes no number.
    """

    vae_name: str | None = None
    vae_sha256 = ""
    word_guide: WordGuide | None = None
    latent_factor = 8
    scale_factor = 0.18215

    def __init__(
        self,
        kind: ModelKind = ModelKind.BASE,
        latent_channels: int = 4,
        prediction: Prediction = Prediction.EPSILON,
        name: str = "fake.safetensors",
        width: int = 16,
        step_s: float = 0.0,
        fails_after: int | None = None,
    ) -> None:
        self.kind, self.latent_channels, self.prediction, self.name = kind, latent_channels, prediction, name
        self.identity: Hashable = uuid.uuid4().hex
        self.sha256 = f"{zlib.crc32(f'{name}|{kind.value}|{latent_channels}'.encode()):08x}" * 8
        self.title = f"{name} [{self.sha256[:10]}]"
        self.device, self.dtype = torch.device("cpu"), torch.float32
        self.text = FakeTextEncoder(width)
        betas = torch.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000, dtype=torch.float64) ** 2
        self.alphas_cumprod = torch.cumprod(1 - betas, dim=0).float()
        self.step_s, self.fails_after = step_s, fails_after
        self.predict_calls = self.encode_calls = self.decode_calls = 0
        self.is_tiling = False
        self.networks: tuple[WeightedNetwork, ...] = ()

    @property
    def text_key(self) -> Hashable:
        """Files and multipliers that were given for the text encoder."""
        return tuple((network.file.key, network.te) for network in self.networks)

    @property
    def empty_prompt(self) -> Tensor:
        """(77, width)."""
        return encode_texts([""], self.text)[0]

    def apply_networks(self, networks: Sequence[WeightedNetwork], *, halves_text: bool = False) -> list[str]:
        """Remembered in `networks`."""
        self.networks = tuple(networks)
        return []

    @property
    def concat_channels(self) -> int:
        """How many channels `predict` wants after the latent: 0 (base), C (edit) or C + 1 (inpaint)."""
        return {ModelKind.BASE: 0, ModelKind.EDIT: self.latent_channels, ModelKind.INPAINT: self.latent_channels + 1}[self.kind]

    def predict(self, x: Tensor, timestep: Tensor, context: Tensor, concat: Tensor | None = None, *, resizes_first: bool = False) -> Tensor:
        """(B, C, h, w), (B,), (B, 77 n, width), (B, K, h, w) or None -> (B, C, h, w) float32, about unit variance for noise."""
        self.predict_calls += 1
        if self.fails_after is not None and self.predict_calls > self.fails_after:
            raise RuntimeError("the fake model was told to fail")
        time.sleep(self.step_s)
        self._check(x, timestep, context, concat)
        power = x.square().mean(dim=(1, 2, 3), keepdim=True)
        channel = torch.arange(self.latent_channels, dtype=torch.float32).view(1, -1, 1, 1)
        prompt = context.float().mean(dim=(1, 2)).view(-1, 1, 1, 1) * 40
        result = 0.9 * x / torch.sqrt(power + 0.1) + 0.1 * torch.sin(prompt + channel + timestep.view(-1, 1, 1, 1) / 500)
        if concat is not None:
            result = result + 0.05 * torch.tanh(concat.mean(dim=1, keepdim=True))
        return result

    def encode(self, pixels: Tensor) -> Tensor:
        """(1, 3, H, W) in [-1, 1] -> (1, C, H // 8, W // 8): mean colours, further channels from their mean."""
        self.encode_calls += 1
        height, width = pixels.shape[2] // 8 * 8, pixels.shape[3] // 8 * 8
        colours = functional.avg_pool2d(pixels[:, :, :height, :width].float(), 8)
        grey = colours.mean(dim=1, keepdim=True)
        extra = [grey * 0.5 / (1 + index) for index in range(max(0, self.latent_channels - 3))]
        return torch.cat([colours, *extra], dim=1)[:, : self.latent_channels] * (5 * self.scale_factor)

    def decode(self, latent: Tensor) -> Tensor:
        """(1, C, h, w) -> (1, 3, 8 h, 8 w) float32, one colour a block."""
        self.decode_calls += 1
        colours = latent[:, :3] / (5 * self.scale_factor)
        if colours.shape[1] < 3:
            colours = colours[:, :1].expand(-1, 3, -1, -1)
        return functional.interpolate(colours.float(), scale_factor=8, mode="nearest")

    def set_tiling(self, is_on: bool) -> None:
        """Remembered in `is_tiling`; changes no number."""
        self.is_tiling = is_on

    def _check(self, x: Tensor, timestep: Tensor, context: Tensor, concat: Tensor | None) -> None:
        batch, _, height, width = x.shape
        got = 0 if concat is None else concat.shape[1]
        assert x.shape[1] == self.latent_channels, f"x has {x.shape[1]} channels, the model has {self.latent_channels}"
        assert got == self.concat_channels, f"concat has {got} channels, a {self.kind.value} model wants {self.concat_channels}"
        assert timestep.shape == (batch,), f"timestep has shape {tuple(timestep.shape)}, wanted ({batch},)"
        assert context.shape[0] == batch and context.shape[2] == self.text.width, f"context has shape {tuple(context.shape)}"
        assert concat is None or concat.shape == (batch, got, height, width), f"concat does not fit x {tuple(x.shape)}"

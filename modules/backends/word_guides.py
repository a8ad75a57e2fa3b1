"""The guide of words that a checkpoint may hold beside its three networks."""

from __future__ import annotations

import json

import torch

from modules.backends.families.sd1 import StableDiffusion
from modules.backends.header import Header
from modules.backends.weights import build_module
from modules.base.errors import BrokenCheckpoint
from modules.engine.word_guide import WordGuide

PREFIX = "word_guide."
THINGS = "word_guide_things"
"""Key of the file's metadata: a JSON list of the names of what the guide knows."""


def load_word_guide(header: Header, model: StableDiffusion, text_width: int) -> WordGuide | None:
    """The guide in a single-file checkpoint, in float32; None where it has none.

    Args:
        header: Of the checkpoint.
        model: Whose latents it tells apart.
        text_width: Of the text encoder's vectors.

    Raises:
        BrokenCheckpoint: It is incomplete, or made for other latents or another text encoder.
    """
    if not header.has_prefix(PREFIX):
        return None
    shape = header.shape(f"{PREFIX}head.weight")
    if shape is None or len(shape) != 2:
        raise BrokenCheckpoint(f"{header.path.name} is incomplete: tensor {PREFIX}head.weight is missing")
    names = {name.removeprefix(PREFIX): name for name in header.tensors if name.startswith(PREFIX)}
    guide = build_module(lambda: WordGuide(model.latent_channels, shape[0], text_width), header, names, model.device, torch.float32)
    assert isinstance(guide, WordGuide)
    guide.things = _read_things(header, shape[0])
    return guide


def _read_things(header: Header, count: int) -> tuple[str, ...]:
    try:
        names = json.loads(header.metadata.get(THINGS, "null"))
    except ValueError as error:
        raise BrokenCheckpoint(f"{header.path.name}: its metadata {THINGS} cannot be read ({error})") from error
    if not isinstance(names, list) or len(names) != count or not all(isinstance(name, str) for name in names):
        raise BrokenCheckpoint(f"{header.path.name}: its metadata {THINGS} is no list of {count} names")
    return tuple(names)

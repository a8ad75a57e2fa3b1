"""The guide of words that an inpainting checkpoint may hold beside its three networks."""

from __future__ import annotations

import json
import logging

import torch

from modules.backends.header import Header
from modules.backends.weights import build_module
from modules.base.errors import BrokenCheckpoint
from modules.engine.word_guide import WordGuide

log = logging.getLogger(__name__)
PREFIX = "word_guide."
PIXELS = "word_guide.pixels."
"""Those of its `PixelRange`, which it may lack."""
THINGS = "word_guide_things"
"""Key of the file's metadata: a JSON list of the names of what the guide knows. Programs that rewrite checkpoints may lose it."""


def load_word_guide(header: Header, channels: int, text_width: int, device: torch.device) -> WordGuide | None:
    """The guide in a single-file checkpoint, in float32; None where it has none.

    One that does not fit the checkpoint, as a merge may leave it, is left out, and a line of the log says so.

    Args:
        header: Of the checkpoint.
        channels: Of its latents.
        text_width: Of its text encoder's vectors.
    """
    if not header.has_prefix(PREFIX):
        return None
    try:
        return _load(header, channels, text_width, device)
    except BrokenCheckpoint as error:
        log.warning("the guide of words is left out: %s", error)
        return None


def _load(header: Header, channels: int, text_width: int, device: torch.device) -> WordGuide:
    shape = header.shape(f"{PREFIX}head.weight")
    if shape is None or len(shape) != 2:
        raise BrokenCheckpoint(f"{header.path.name} is incomplete: tensor {PREFIX}head.weight is missing")
    names = {name.removeprefix(PREFIX): name for name in header.tensors if name.startswith(PREFIX)}
    has_pixels = header.has_prefix(PIXELS)
    guide = build_module(lambda: WordGuide(channels, shape[0], text_width, has_pixels=has_pixels), header, names, device, torch.float32)
    assert isinstance(guide, WordGuide)
    guide.things = _read_things(header, shape[0])
    return guide


def _read_things(header: Header, count: int) -> tuple[str, ...]:
    if THINGS not in header.metadata:
        return ()
    try:
        names = json.loads(header.metadata[THINGS])
    except (ValueError, RecursionError) as error:
        raise BrokenCheckpoint(f"{header.path.name}: its metadata {THINGS} cannot be read ({error})") from error
    if not isinstance(names, list) or len(names) != count or not all(isinstance(name, str) for name in names):
        raise BrokenCheckpoint(f"{header.path.name}: its metadata {THINGS} is no list of {count} names")
    return tuple(names)

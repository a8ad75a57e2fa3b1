"""The tiny networks for live previews, read from a folder of safetensors files."""

from __future__ import annotations

import json
import logging
import operator
from functools import cache
from pathlib import Path

import torch

from modules.backends.header import Header, read_floats, read_header
from modules.backends.weights import build_module
from modules.base.errors import BrokenCheckpoint
from modules.engine.preview import TinyPreview, TinyPreviews
from modules.engine.tiny_decoder import TinyDecoder, TinyShape

logger = logging.getLogger(__name__)

KIND = "tiny-decoder"
COLOURS = "colour"
"""The space of a network that enlarges colours; others name latents."""
PROBE = "probe"
_LARGEST = 512
_LONGEST_HEADER = 1_000_000


@cache
def load_preview_networks(folder: Path) -> TinyPreviews:
    """Read all networks of `folder`, once while the program runs.

    What is broken is left out, and what is missing told, in a line of the log: previews then are drawn by simpler means.
    """
    decoders, enlarger = [], None
    for path in sorted(folder.glob("*.safetensors")):
        try:
            header = read_header(path, _LONGEST_HEADER)
            preview = read_preview_network(header)
        except BrokenCheckpoint as error:
            logger.warning("a live preview network is left out: %s; `git checkout -- models/preview` brings it back", error)
            continue
        if header.metadata.get("space") == COLOURS:
            enlarger = preview
        else:
            decoders.append(preview)
    if enlarger is None:
        logger.warning("live previews are plain: no network to enlarge them in %s; `git checkout -- models/preview` brings it back", folder)
    return TinyPreviews(tuple(decoders), enlarger)


def read_preview_network(header: Header) -> TinyPreview:
    """Build one network from a file's header and tensors.

    Raises:
        BrokenCheckpoint: It is no such file, of a shape that cannot be, or cannot be read.
    """
    shape = _read_shape(header)
    names = {name: name for name in header.tensors if name != PROBE}
    network = build_module(lambda: TinyDecoder(shape), header, names, torch.device("cpu"), torch.float32)
    if not isinstance(network, TinyDecoder):
        raise TypeError(type(network))
    probe, sides = read_floats(header, PROBE), header.shape(PROBE)
    if probe is None or sides is None or len(sides) != 3 or sides[0] != shape.channels:
        raise BrokenCheckpoint(f"{header.path.name} holds no latents of the probe, which tell the models that it fits")
    return TinyPreview(header.path.name, network, torch.from_numpy(probe.copy()).reshape(sides))


def _read_shape(header: Header) -> TinyShape:
    metadata = header.metadata
    if metadata.get("pentimento") != KIND:
        raise BrokenCheckpoint(f"{header.path.name} is no tiny decoder of Pentimento's: its metadata does not say so")
    try:
        shape = TinyShape(**json.loads(metadata["shape"]))
        sizes = [operator.index(size) for size in vars(shape).values()]
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenCheckpoint(f"{header.path.name}: its metadata cannot be read ({error})") from error
    if not all(1 <= size <= _LARGEST for size in sizes):
        raise BrokenCheckpoint(f"{header.path.name}: its metadata tells sizes of {sizes}, wanted 1 to {_LARGEST}")
    if metadata.get("space") == COLOURS and shape.channels != 3:
        raise BrokenCheckpoint(f"{header.path.name} enlarges colours, but takes {shape.channels} channels, wanted 3")
    return shape

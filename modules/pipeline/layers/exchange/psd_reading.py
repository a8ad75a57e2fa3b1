"""Photoshop files of anybody as pieces: 8 and 16 bits, RGB, grey, indexed and CMYK; groups, masks and clipping are worked in."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from psd_tools import ParseLimits, PSDImage
from psd_tools.compression import PSDDecompressionWarning
from psd_tools.constants import ChannelID

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.pipeline.layers.exchange.pieces import Note, Piece, PixelBudget, Pixels, note, spread
from modules.pipeline.layers.exchange.psd import BLENDS, PACKAGE_RESOURCE

HEADER_BYTES = 26
MODES = {0: "bitmap", 1: "grey", 2: "indexed", 3: "RGB", 4: "CMYK", 8: "duotone"}
OTHER_MODES = {7: "multichannel", 9: "Lab"}
DEPTHS = (1, 8, 16)
MAX_OBJECTS, MAX_DEPTH = 2_000_000, 64
LIMITS = ParseLimits(max_objects=MAX_OBJECTS, max_nesting_depth=MAX_DEPTH)
_MODES_OF = {psd: ours for ours, psd in BLENDS.items()}


@dataclass(frozen=True)
class PsdContents:
    """What is in the file.

    Attributes:
        pieces: Bottom first; the merged picture where the file has no layers. Marks are layer numbers.
        package: What `psd.write_psd` was given; None = the file was not made here, or another program dropped it.
    """

    extent: Extent
    pieces: tuple[Piece, ...]
    package: bytes | None
    notes: tuple[Note, ...]


def read_psd(data: bytes | Path, file_name: str) -> PsdContents:
    """Read a file of layers.

    Raises:
        InvalidRequest: Damaged, of a colour mode or depth that cannot be read, too large, or with too many layers.
    """
    whole = data if isinstance(data, bytes) else data.read_bytes()
    budget = PixelBudget(file_name)
    notes = _check_header(whole, file_name, budget)
    with _damage_named(file_name):
        psd = PSDImage.open(io.BytesIO(whole), max_alloc_bytes="unlimited", parse_limits=LIMITS)
        package = psd.image_resources.get_data(PACKAGE_RESOURCE)
        leaves = [layer for layer in psd.descendants() if not layer.is_group()]
    is_ours = isinstance(package, bytes)
    budget.count_layers(len(leaves))
    for layer in leaves:
        if layer.width > 0 and layer.height > 0:
            budget.take(Extent(layer.width, layer.height), f"layer {layer.name}")
        if layer.has_mask() and layer.mask.width > 0 and layer.mask.height > 0:
            budget.take(Extent(layer.mask.width, layer.mask.height), f"mask of layer {layer.name}")
    reader = _LayerReader(file_name, uses_profile=not is_ours)
    pieces = reader.read(leaves)
    if not leaves:
        pieces = [_merged_piece(psd, file_name, uses_profile=not is_ours)]
        notes.append(note("flat", "the file has no layers; its merged picture was taken"))
    return PsdContents(Extent(psd.width, psd.height), tuple(pieces), package if is_ours else None, (*notes, *reader.notes))


def _check_header(data: bytes, file_name: str, budget: PixelBudget) -> list[Note]:
    """Judge size, mode and number of layers by the first bytes of each section (Adobe, "Photoshop File Formats Specification")."""
    try:
        signature, version, _, height, width, depth, mode = struct.unpack(">4sH6xHIIHH", data[:HEADER_BYTES])
        at = HEADER_BYTES
        for _ in range(2):  # colour mode data, image resources
            at += 4 + struct.unpack_from(">I", data, at)[0]
        wide = "Q" if version == 2 else "I"
        has_layers = struct.unpack_from(f">{wide}", data, at)[0] > 0
        layer_count = abs(struct.unpack_from(f">{wide}{wide}h", data, at)[2]) if has_layers else 0
    except struct.error as error:
        raise InvalidRequest(file_name, f"{len(data)} bytes", "a whole PSD file") from error
    if signature != b"8BPS" or version not in (1, 2):
        raise InvalidRequest(file_name, data[:6], "a PSD or PSB file")
    if mode not in MODES:
        raise InvalidRequest(file_name, f"colour mode {OTHER_MODES.get(mode, mode)}", "RGB, grey, indexed or CMYK")
    if depth not in DEPTHS:
        raise InvalidRequest(file_name, f"{depth} bits a channel", "8 or 16 bits a channel")
    budget.take(Extent(width, height), file_name)
    budget.count_layers(layer_count // 3)  # each group of a layer adds two records; counted again when they are known
    notes = []
    if mode != 3:
        notes.append(note("mode", f"{MODES[mode]} was converted to RGB", mode=MODES[mode]))
    if depth == 16:
        notes.append(note("depth", "16 bits a channel were reduced to 8"))
    return notes


@contextmanager
def _damage_named(what: str) -> Iterator[None]:
    """Whatever the reader stumbles over is damage of the file; channels that it would fill with black are too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PSDDecompressionWarning)
            yield
    except InvalidRequest:
        raise
    except MemoryError as error:
        raise InvalidRequest(what, "layers that do not fit into memory", "a smaller file") from error
    except Exception as error:  # psd-tools raises nearly anything on damaged files
        raise InvalidRequest(what, f"{type(error).__name__}: {error}", "a whole PSD file") from error


class _LayerReader:
    """Turns layers into pieces, bottom first, and notes what of them is lost.

    Args:
        uses_profile: Convert colours by the file's profile; files of our own are taken as they are, whatever profile was added since.
    """

    def __init__(self, file_name: str, *, uses_profile: bool) -> None:
        self.file_name, self.uses_profile = file_name, uses_profile
        self.notes: list[Note] = []

    def read(self, leaves: list[Any]) -> list[Piece]:
        pieces: list[Piece] = []
        base: Piece | None = None
        for layer in leaves:
            with _damage_named(f"{self.file_name}: {layer.name}"):
                piece = self._piece(layer)
            if piece is None:
                self._note("left_out", f"{layer.name}: a {layer.kind} layer has no pixels and was left out", layer)
                continue
            if not layer.clipping:
                base = piece
            elif base is not None:
                piece = _clipped(piece, base)
                self._note("clipped", f"{layer.name}: clipped by {base.name}; the clipping is now part of its pixels", layer)
            pieces.append(piece)
        return pieces

    def _piece(self, layer: Any) -> Piece | None:
        if layer.width < 1 or layer.height < 1:
            return _piece_of(layer, np.zeros((1, 1, 4), np.uint8)) if layer.kind == "pixel" else None
        image = layer.topil(apply_icc=self.uses_profile)
        if image is None:
            return None
        pixels = np.array(image.convert("RGBA"))
        alpha = layer.topil(ChannelID.TRANSPARENCY_MASK)
        pixels[..., 3] = 255 if alpha is None else np.asarray(alpha.convert("L"))
        self._mask(layer, pixels)
        if layer.kind not in ("pixel", "type"):
            self._note("flattened", f"{layer.name}: a {layer.kind} layer was taken as pixels", layer)
        if layer.has_effects():
            self._note("effects", f"{layer.name}: its effects were not taken", layer)
        if layer.blend_mode not in _MODES_OF:
            self._note("blend", f"{layer.name}: the mode {layer.blend_mode.name.lower()} is not known here; Normal instead", layer)
        return _piece_of(layer, pixels)

    def _mask(self, layer: Any, pixels: Pixels) -> None:
        if not layer.has_mask() or layer.mask.disabled:
            return
        mask = layer.mask.topil(layer_sized=True)
        if mask is None:
            share = np.full(pixels.shape[:2], layer.mask.background_color, np.uint16)
        else:
            share = np.asarray(mask.convert("L")).astype(np.uint16)
        pixels[..., 3] = (pixels[..., 3] * share + 127) // 255
        self._note("mask", f"{layer.name}: its mask is now part of its pixels", layer)

    def _note(self, key: str, text: str, layer: Any) -> None:
        self.notes.append(note(key, text, layer=layer.name))


def _piece_of(layer: Any, pixels: Pixels) -> Piece:
    """The piece with what the groups around it add: opacity multiplied, hidden when one of them is."""
    groups: list[str] = []
    opacity, is_visible = layer.opacity / 255 * layer.fill_opacity / 255, layer.visible
    around = layer.parent
    while around is not None and around.parent is not None:
        groups.insert(0, around.name)
        opacity, is_visible = opacity * around.opacity / 255, is_visible and around.visible
        around = around.parent
    return Piece(
        name=layer.name,
        box=Box(layer.left, layer.top, pixels.shape[1], pixels.shape[0]),
        pixels=pixels,
        blend=_MODES_OF.get(layer.blend_mode, BlendMode.NORMAL),
        opacity=opacity,
        is_visible=is_visible,
        is_locked=layer.locks is not None and bool(layer.locks.value),
        mark=str(layer.layer_id) if layer.layer_id >= 0 else "",
        groups=tuple(groups),
    )


def _clipped(piece: Piece, base: Piece) -> Piece:
    """A layer that shows only where the one below it does."""
    pixels = piece.pixels.copy()
    share = spread(base.pixels[..., 3], base.box, piece.box).astype(np.uint16)
    pixels[..., 3] = (pixels[..., 3] * share + 127) // 255
    return replace(piece, pixels=pixels, is_visible=bool(piece.is_visible and base.is_visible))


def _merged_piece(psd: PSDImage, file_name: str, *, uses_profile: bool) -> Piece:
    with _damage_named(file_name):
        image: Image.Image | None = psd.topil(apply_icc=uses_profile)
        if image is None:
            raise InvalidRequest(file_name, "a file without pixels", "at least one layer with pixels, or a merged picture")
        pixels = np.array(image.convert("RGBA"))
    return Piece("background", Box(0, 0, psd.width, psd.height), pixels, BlendMode.NORMAL, 1.0, True, False)

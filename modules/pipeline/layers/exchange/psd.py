"""Pieces as a Photoshop file, with a package of our own in it that other programs carry along or drop."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import numpy as np
from psd_tools.constants import BlendMode as PsdBlend
from psd_tools.constants import ChannelID, ColorMode, Compression, SectionDivider, Tag
from psd_tools.psd import PSD
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.image_resources import ImageResource, ImageResources
from psd_tools.psd.layer_and_mask import (
    ChannelData,
    ChannelDataList,
    ChannelImageData,
    ChannelInfo,
    LayerAndMaskInformation,
    LayerFlags,
    LayerInfo,
    LayerRecord,
    LayerRecords,
)

from modules.base.errors import InvalidRequest
from modules.imaging.layering.blend_mode import BlendMode
from modules.pipeline.layers.exchange.pieces import Piece, Pixels

PACKAGE_RESOURCE = 4747
"""Number of the image resource that holds our own document: 4000 to 4999 belong to plug-ins."""
PACKAGE_NAME = "Pentimento"
MAX_SIDE_PX = 30_000
MAX_FILE_BYTES = (2 << 30) - 1
"""Of a PSD file, both after Adobe's "Photoshop File Formats Specification"."""
MAX_NAME_CHARS = 255
LOCKED_ALL = 1 << 31

BLENDS = {
    BlendMode.NORMAL: PsdBlend.NORMAL,
    BlendMode.MULTIPLY: PsdBlend.MULTIPLY,
    BlendMode.SCREEN: PsdBlend.SCREEN,
    BlendMode.OVERLAY: PsdBlend.OVERLAY,
    BlendMode.DARKEN: PsdBlend.DARKEN,
    BlendMode.LIGHTEN: PsdBlend.LIGHTEN,
    BlendMode.COLOR_DODGE: PsdBlend.COLOR_DODGE,
    BlendMode.COLOR_BURN: PsdBlend.COLOR_BURN,
    BlendMode.HARD_LIGHT: PsdBlend.HARD_LIGHT,
    BlendMode.SOFT_LIGHT: PsdBlend.SOFT_LIGHT,
    BlendMode.DIFFERENCE: PsdBlend.DIFFERENCE,
    BlendMode.EXCLUSION: PsdBlend.EXCLUSION,
    BlendMode.ADD: PsdBlend.LINEAR_DODGE,
    BlendMode.SUBTRACT: PsdBlend.SUBTRACT,
}
Record = tuple[LayerRecord, ChannelDataList]


def write_psd(merged: Pixels, groups: Sequence[tuple[str, Sequence[Piece]]], package: bytes) -> bytes:
    """A layered file of 8 bits RGB.

    Args:
        merged: (H, W, 4) uint8 RGBA: what programs show that read no layers.
        groups: Bottom first: the group's name, and its pieces; pieces of the group "" stand alone. Their marks are the numbers from 1,
            as text, over all pieces in order.
        package: Our own document, for `PACKAGE_RESOURCE`.

    Raises:
        InvalidRequest: The picture or the file would be larger than PSD can be.
    """
    height, width = merged.shape[:2]
    if max(width, height) > MAX_SIDE_PX:
        raise InvalidRequest("kind", f"psd of {width}x{height} px", f"at most {MAX_SIDE_PX} px a side; ORA and ZIP hold more")
    is_opaque = bool((merged[..., 3] == 255).all())
    header = FileHeader(width=width, height=height, channels=3 if is_opaque else 4, depth=8, color_mode=ColorMode.RGB)
    records = _records(groups)
    count_of = len(records) if is_opaque else -len(records)
    info = LayerInfo(count_of, LayerRecords([record for record, _ in records]), ChannelImageData([data for _, data in records]))
    resources = ImageResources.new()
    resources[PACKAGE_RESOURCE] = ImageResource(key=PACKAGE_RESOURCE, name=PACKAGE_NAME, data=package)
    psd = PSD(header, image_resources=resources, layer_and_mask_information=LayerAndMaskInformation(info))
    psd.image_data = _merged_data(merged, header, is_opaque)
    buffer = io.BytesIO()
    psd.write(buffer)
    if buffer.tell() > MAX_FILE_BYTES:
        raise InvalidRequest("kind", f"psd of {buffer.tell()} bytes", "at most 2 GiB, the most that PSD can hold; ZIP holds more")
    return buffer.getvalue()


def _records(groups: Sequence[tuple[str, Sequence[Piece]]]) -> list[Record]:
    records: list[Record] = []
    numbers, group_numbers = count(1), count(1 + sum(len(pieces) for _, pieces in groups))
    for name, pieces in groups:
        if not name:
            records += [_record(piece, next(numbers)) for piece in pieces]
            continue
        is_visible = any(piece.is_visible is not False for piece in pieces)
        records.append(_divider("</Layer group>", SectionDivider.BOUNDING_SECTION_DIVIDER, next(group_numbers), is_visible=True))
        records += [_record(replace(piece, is_visible=True), next(numbers)) for piece in pieces]
        records.append(_divider(name, SectionDivider.CLOSED_FOLDER, next(group_numbers), is_visible=is_visible))
    return records


def _record(piece: Piece, number: int) -> Record:
    height, width = piece.pixels.shape[:2]
    channels = [ChannelID.TRANSPARENCY_MASK, ChannelID.CHANNEL_0, ChannelID.CHANNEL_1, ChannelID.CHANNEL_2]
    planes = ChannelDataList([_plane(piece.pixels[..., index], width, height) for index in (3, 0, 1, 2)])
    record = LayerRecord(
        top=piece.box.y,
        left=piece.box.x,
        bottom=piece.box.y + height,
        right=piece.box.x + width,
        channel_info=[ChannelInfo(channel, len(plane.data) + 2) for channel, plane in zip(channels, planes, strict=True)],
        blend_mode=BLENDS[piece.blend or BlendMode.NORMAL],
        opacity=round(255 * (1.0 if piece.opacity is None else piece.opacity)),
        flags=LayerFlags(visible=piece.is_visible is not False),
    )
    _name(record, piece.name, number)
    if piece.is_locked:
        record.tagged_blocks.set_data(Tag.PROTECTED_SETTING, LOCKED_ALL)
    return record, planes


def _divider(name: str, kind: SectionDivider, number: int, *, is_visible: bool) -> Record:
    """The start (below) or the end (above) of a group; pass-through, so that its members meet what lies below them."""
    record = LayerRecord(blend_mode=PsdBlend.NORMAL, flags=LayerFlags(visible=is_visible, pixel_data_irrelevant=True))
    _name(record, name, number)
    if kind is SectionDivider.BOUNDING_SECTION_DIVIDER:
        record.tagged_blocks.set_data(Tag.SECTION_DIVIDER_SETTING, kind)
    else:
        record.blend_mode = PsdBlend.PASS_THROUGH
        record.tagged_blocks.set_data(Tag.SECTION_DIVIDER_SETTING, kind, signature=b"8BIM", blend_mode=PsdBlend.PASS_THROUGH)
    channels = (ChannelID.TRANSPARENCY_MASK, ChannelID.CHANNEL_0, ChannelID.CHANNEL_1, ChannelID.CHANNEL_2)
    record.channel_info = [ChannelInfo(channel, 2) for channel in channels]
    return record, ChannelDataList([ChannelData() for _ in channels])


def _name(record: LayerRecord, name: str, number: int) -> None:
    """Two spellings: Mac Roman for old programs, and the real one."""
    record.name = name.encode("macroman", "replace").decode("macroman")[:MAX_NAME_CHARS]
    record.tagged_blocks.set_data(Tag.UNICODE_LAYER_NAME, name[:MAX_NAME_CHARS])
    record.tagged_blocks.set_data(Tag.LAYER_ID, number)


def _plane(values: Pixels, width: int, height: int) -> ChannelData:
    data = ChannelData(Compression.RLE)
    data.set_data(np.ascontiguousarray(values).tobytes(), width, height, 8)
    return data


def _merged_data(merged: Pixels, header: FileHeader, is_opaque: bool) -> ImageData:
    """Channels of the merged picture; transparent ones lie on white, as Photoshop writes them."""
    planes = [merged[..., index] for index in range(3)]
    if not is_opaque:
        alpha = merged[..., 3].astype(np.uint32)
        planes = [((plane * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8) for plane in planes] + [merged[..., 3]]
    data = ImageData(Compression.RLE)
    data.set_data([np.ascontiguousarray(plane).tobytes() for plane in planes], header)
    return data

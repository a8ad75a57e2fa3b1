"""The one way out: a document of layers as a file of another kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from modules.base.errors import UnknownName
from modules.base.files import write_atomically
from modules.base.registry import load_dotted
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.imaging.naming import sanitize_part
from modules.pipeline.layers.document import LayerDocument, LayerKind
from modules.pipeline.layers.exchange import folders, ora
from modules.pipeline.layers.exchange.carrying import Carried, carry, pack
from modules.pipeline.layers.exchange.pieces import Note, Piece, note
from modules.pipeline.layers.exchange.pngs import encode_picture
from modules.pipeline.layers.exchange.showing import Baked, bake, show_document
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import Sources

HERE = "modules.pipeline.layers.exchange"
ORA_PREFIX = "pentimento/"
KINDS = {
    "png": "image/png",
    "zip": "application/zip",
    "psd": "image/vnd.adobe.photoshop",
    "ora": "image/openraster",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


@dataclass(frozen=True)
class ExportOptions:
    """Choices of a person.

    Attributes:
        is_trimmed: PNGs of a folder or ZIP hold only the layer's own box (its offset is in layers.json), not the whole canvas; not
            where the document's canvas is locked.
        has_text_boxes: PPTX gets text layers as text that can be written in, instead of pictures.
    """

    is_trimmed: bool = False
    has_text_boxes: bool = False


@dataclass(frozen=True)
class Exported:
    """A file to hand out.

    Attributes:
        file_name: The document's name, safe, with the kind's extension.
        notes: What the other program will not see as it is here: {"key": ..., "text": in words, values ...}.
    """

    data: bytes
    file_name: str
    media_type: str
    notes: tuple[Mapping[str, Any], ...] = ()


def export(document: LayerDocument, sources: Sources, kind: str, options: ExportOptions | None = None) -> Exported:
    """Write a document as one file. ZIP, PSD and ORA hold the document itself, too: `import_layers` gives it back exactly.

    Args:
        document: What to write.
        sources: Hold what it names.
        kind: One of `KINDS`.
        options: Choices of a person.

    Raises:
        InvalidRequest: Unknown kind, or the kind cannot hold a picture of that size.
        InvalidImage: A source is missing or damaged.
    """
    writers: dict[str, Callable[[LayerDocument, Sources, ExportOptions], tuple[bytes, list[Note]]]] = {
        "png": lambda document, sources, options: (encode_picture(render(document, sources)), []),
        "zip": _zip,
        "psd": _psd,
        "ora": _ora,
        "pptx": _pptx,
    }
    if kind not in writers:
        raise UnknownName("kind", kind, sorted(KINDS))
    data, notes = writers[kind](document, sources, options or ExportOptions())
    return Exported(data, f"{sanitize_part(document.name) or 'layers'}.{kind}", KINDS[kind], tuple(notes))


def export_folder(document: LayerDocument, sources: Sources, folder: Path, options: ExportOptions | None = None) -> tuple[Note, ...]:
    """Write a document as named PNGs and layers.json into a folder, from which `import_layers` reads it exactly; returns notes.

    Files of the same names are replaced, others stay; layers.json comes last, so that a folder that has it is whole.

    Raises:
        SaveFailed: Disk full or no permission.
        InvalidImage: A source is missing or damaged.
    """
    files, notes = _named_files(document, sources, options or ExportOptions())
    for name in sorted(files, key=lambda name: name.endswith(".json")):
        write_atomically(folder / name, files[name])
    return tuple(notes)


def show_again(carried: Carried, sources: Sources) -> Sequence[Piece]:
    """The pieces that went out with a document."""
    if carried.kind == "ora":
        return bake(carried.document, sources, tuple(ora.OPERATORS)).pieces
    if carried.kind == "zip":
        return folders.show_files(carried.document, sources, is_trimmed=carried.is_trimmed)
    return [piece for shown in show_document(carried.document, sources, has_residuals=True) for piece in shown]


def _named_files(document: LayerDocument, sources: Sources, options: ExportOptions) -> tuple[dict[str, bytes], list[Note]]:
    is_trimmed = options.is_trimmed and not document.is_canvas_locked
    pieces = folders.show_files(document, sources, is_trimmed=is_trimmed)
    carried = Carried(document, "zip", tuple(map(carry, pieces)), is_trimmed)
    merged = {f"{folders.MERGED_STEM}.png": encode_picture(render(document, sources))}
    notes = []
    hidden = [layer.name for layer in document.layers if layer.difference is not None and layer.source is not None]
    if hidden:
        words = "the exact differences of these layers are in layers.json and sources only: " + ", ".join(hidden)
        notes.append(note("differences_apart", words, layers=hidden))
    return {**merged, **folders.write_files(pieces), **pack(carried, sources)}, notes


def _zip(document: LayerDocument, sources: Sources, options: ExportOptions) -> tuple[bytes, list[Note]]:
    files, notes = _named_files(document, sources, options)
    return folders.write_zip(files), notes


def _psd(document: LayerDocument, sources: Sources, options: ExportOptions) -> tuple[bytes, list[Note]]:
    write_psd = cast(Callable[..., bytes], load_dotted(f"{HERE}.psd:write_psd"))
    shown = show_document(document, sources, has_residuals=True)
    groups = [(layer.name if len(pieces) > 1 else "", pieces) for layer, pieces in zip(document.layers, shown, strict=True)]
    in_order = [piece for pieces in shown for piece in pieces]
    marked = [replace(piece, mark=str(number)) for number, piece in enumerate(in_order, 1)]
    package = folders.write_zip(pack(Carried(document, "psd", tuple(map(carry, marked))), sources))
    notes = []
    split = [layer.name for layer in document.layers if layer.difference is not None]
    if split:
        words = "the exact differences are layers of the modes Linear Dodge (Add) and Subtract, named + and -: " + ", ".join(split)
        notes.append(note("add_and_subtract", words, layers=split))
    if any(layer.difference is not None and sources.difference(layer.difference)[..., 3].any() for layer in document.layers):
        notes.append(note("alpha_differences", "differences of transparency cannot be shown in PSD; they come back here"))
    if document.light is Light.LINEAR:
        notes.append(note("linear", "the layers are mixed in linear light here; Photoshop mixes them in sRGB unless it is told to"))
    return write_psd(render(document, sources), groups, package), notes


def _ora(document: LayerDocument, sources: Sources, options: ExportOptions) -> tuple[bytes, list[Note]]:
    baked = bake(document, sources, tuple(ora.OPERATORS))
    marked = [replace(piece, mark=ora.mark_of(place)) for place, piece in enumerate(baked.pieces)]
    carried = Carried(document, "ora", tuple(map(carry, marked)), holds={layer: list(held) for layer, held in baked.holds.items()})
    return ora.write_ora(render(document, sources), marked, pack(carried, sources, ORA_PREFIX)), _baked_notes(baked)


def _pptx(document: LayerDocument, sources: Sources, options: ExportOptions) -> tuple[bytes, list[Note]]:
    write_slide = cast(Callable[..., bytes], load_dotted(f"{HERE}.slides:write_slide"))
    baked = bake(document, sources, (BlendMode.NORMAL,))
    notes = _baked_notes(baked)
    texts = {layer.id: layer for layer in document.layers if layer.kind is LayerKind.TEXT and layer.text is not None and layer.text.string}
    if not options.has_text_boxes:
        texts = {}
    if texts:
        words = "texts are set by the program that shows the slide, so they are not the same to the pixel; fonts do not travel with it"
        notes.append(note("text_boxes", words, layers=[layer.name for layer in texts.values()]))
    return write_slide(document.extent, baked.pieces, texts), notes


def _baked_notes(baked: Baked) -> list[Note]:
    if not baked.changed:
        return []
    words = (
        f"worked into the colours of the layers, as they lie now: {', '.join(baked.changed)}; "
        f"the layers together are within {baked.worst} of 255 of the picture, {baked.mean:.3f} on average"
    )
    return [note("baked", words, layers=list(baked.changed), worst=baked.worst, mean=round(baked.mean, 4))]

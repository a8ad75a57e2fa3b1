"""The one way out: a document of layers as a file of another kind."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from modules.base.errors import UnknownName
from modules.base.files import write_atomically
from modules.base.registry import load_dotted
from modules.imaging.naming import sanitize_part
from modules.pipeline.layers.document import LayerDocument

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
        is_trimmed: PNGs of a folder or ZIP hold only the layer's own box (its offset is in layers.json), not the whole canvas.
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


def export(document: LayerDocument, sources: Any, kind: str, options: ExportOptions | None = None) -> Exported:
    """Write a document as one file.

    Args:
        sources: `pipeline.layers.sources.Sources` that hold what the document names.
        kind: One of `KINDS`.

    Raises:
        InvalidRequest: Unknown kind, or the kind cannot hold a picture of that size.
    """
    if kind not in KINDS:
        raise UnknownName("kind", kind, sorted(KINDS))
    files = _files(document, sources)
    data = files["picture.png"]
    if kind == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        data = buffer.getvalue()
    elif kind != "png":
        raise UnknownName("kind", kind, ["png", "zip"])
    return Exported(data, f"{sanitize_part(document.name) or 'layers'}.{kind}", KINDS[kind])


def export_folder(
    document: LayerDocument, sources: Any, folder: Path, options: ExportOptions | None = None
) -> tuple[Mapping[str, Any], ...]:
    """Write a document as named PNGs and layers.json into a folder, from which `import_layers` reads it exactly; returns notes.

    Raises:
        SaveFailed: Disk full or no permission.
    """
    for name, content in _files(document, sources).items():
        write_atomically(folder / name, content)
    return ()


def _files(document: LayerDocument, sources: Any) -> dict[str, bytes]:
    render = load_dotted("modules.pipeline.layers.render:render")
    files = {"picture.png": _png(render(document, sources))}
    for layer in document.layers:
        files[f"{sanitize_part(layer.name) or layer.id}.png"] = _png(render(document, sources, only={layer.id}))
    return files


def _png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()

"""The one way in: a file or folder of layers of our own or of another program becomes a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest
from modules.pipeline.layers.document import LayerDocument


@dataclass(frozen=True)
class Imported:
    """What came in.

    Attributes:
        document: Has a new id.
        notes: What was converted, changed outside or left out: {"key": ..., "text": in words, values ...}.
    """

    document: LayerDocument
    notes: tuple[Mapping[str, Any], ...] = ()


def import_layers(data: bytes | Path, name: str, sources: Any) -> Imported:
    """Read layers from a ZIP, PSD, OpenRaster file or folder.

    Args:
        data: The file's bytes, or the path of a file or folder.
        name: Its name, for the document and for errors.
        sources: `pipeline.layers.sources.Sources`; gets the pixels.

    Raises:
        InvalidRequest: No such kind of file, damaged, hostile, too large or without pixels; the words say which.
    """
    raise InvalidRequest("file", name, "a ZIP, PSD or ORA file of layers")

"""What the routes below /api/layers take and give."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from modules.base.registry import load_dotted
from modules.runtime.layers.library import State
from modules.runtime.layers.record import Record

MAX_EDITS = 1000


class Strict(BaseModel):
    """A request: a name that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class RecordResponse(BaseModel):
    """A document as the list has it."""

    id: str
    name: str
    revision: int
    created_s: float = Field(description="Seconds since the epoch.")
    changed_s: float
    width: int
    height: int
    layers: int
    notes: list[dict[str, Any]] = Field(description='What a person should know: {"key": ..., ...}; "damaged" = it cannot be opened.')


class DocumentResponse(BaseModel):
    """A document as it stands."""

    document: dict[str, Any] = Field(description="Canvas and layers, bottom first.")
    revision: int = Field(description="Give it with the next change.")
    can_undo: bool
    can_redo: bool
    notes: list[dict[str, Any]]


class RevisionRequest(Strict):
    revision: int | None = Field(None, description="The one that the change starts from; another one in force = 409. Null: whichever is.")


class EditsRequest(RevisionRequest):
    edits: list[dict[str, Any]] = Field(max_length=MAX_EDITS, description='One step: {"op": "set", "layer": ..., "values": {...}} ...')


class RenameRequest(Strict):
    name: str


class CopyRequest(Strict):
    name: str = ""
    document: dict[str, Any] | None = Field(None, description="Save this state of the document instead of the one in force: a tab's own.")


class DecomposeRequest(Strict):
    image: str = Field(description="A picture in base64, as a data URL, or the id of an asset.")
    name: str = ""
    backend: str = "built-in"
    settings: dict[str, Any] = {}
    wait: bool = Field(False, description="Answer when it is done.")


class JobResponse(BaseModel):
    """Work on layers that is under way or over."""

    job: str
    state: Literal["queued", "running", "done", "failed", "interrupted"]
    work: str = Field(description="decompose, split, enlarge, repaint, batch or table.")
    progress: float = Field(description="0 to 1.")
    doing: str = Field(description='A key: "text", "subject", "background", "light", "settling" ...')
    eta_s: float | None
    document: str | None = Field(description="Id of the document that came of it, or that it changes; null = not there yet.")
    error: str | None
    notes: list[str]
    done: int = Field(0, description="Of a batch or table: pictures that were made.")
    failed: int = 0
    total: int = 0
    troubles: list[dict[str, str]] = Field([], description='Of those that failed, the first 100: {"name", "error"}.')
    output: str | None = Field(None, description="Of a batch or table: the folder that its pictures and report are in.")


class BackendResponse(BaseModel):
    """One way to take pictures apart."""

    name: str
    why_not: str = Field(description="Why it cannot be used here and what to do; empty = it can.")
    settings: list[dict[str, Any]] = Field(description="name, type, default, least, most, choices.")


class TextRequest(RevisionRequest):
    values: dict[str, Any] = Field(description="Any of string, font, size_px, color, alignment, tracking_px, angle_deg.")


class PictureRequest(RevisionRequest):
    image: str = Field(description="A picture in base64, as a data URL, or the id of an asset; fitted to the layer's box.")


class EnlargeRequest(RevisionRequest):
    upscaler: str = Field("", description="Name as in /sdapi/v1/upscalers; empty = the option's.")
    wait: bool = False


class ShadowRequest(RevisionRequest):
    light_from_deg: float | None = Field(None, description="Where the light comes from, clockwise from the top; null = the document's.")
    light_height_deg: float | None = Field(None, gt=0, le=90)
    softness: float | None = Field(None, ge=0, le=5, description="0 sharp, 1 as in daylight.")


class SplitRequest(Strict):
    backend: str = "built-in"
    settings: dict[str, Any] = {}
    wait: bool = False


class RepaintStart(BaseModel):
    """What Inpaint needs to repaint one layer."""

    picture: str = Field(description="Asset id of the layer's colours on what lies below it, RGB.")
    mask: str = Field(description="Asset id; white = the layer's alpha.")
    box: list[int] = Field(description="left, top, width, height on the canvas.")


class RepaintRequest(RevisionRequest):
    result: str | None = Field(None, description="Bring this picture (base64, data URL or asset id) back into the layer.")
    mask: str | None = Field(None, description="Repaint only here, within the layer: of the canvas's size, white = repaint.")
    grow_px: int = Field(0, ge=0, le=256, description="Room around the layer's alpha that may be painted too.")
    keeps_alpha: bool = Field(True, description="False = the shape is found again in the new picture.")
    request: dict[str, Any] | None = Field(None, description="Paint it: fields of an img2img request (prompt, seed, steps ...).")
    wait: bool = False


class FontResponse(BaseModel):
    """A font that text may be set in."""

    family: str
    styles: list[str]
    origin: str = Field(description="installed, uploaded or built-in.")
    has_chinese: bool


class FontsAdded(BaseModel):
    """What a font file brought."""

    family: str
    families: list[str]


class BatchRequest(Strict):
    folder: str = Field(description="Folder of pictures on the machine that the studio runs on.")
    output_folder: str
    backend: str = "built-in"
    settings: dict[str, Any] = {}
    wait: bool = False


class TableRequest(Strict):
    document: str = Field(description="Id of the template.")
    rows: list[dict[str, Any]] | None = Field(None, description="Rows by column name; or `table`.")
    table: str | None = Field(None, description="The text of a CSV or JSON file; or its bytes as a data URL.")
    folder: str = Field("", description="Folder that pictures named in the table lie in.")
    output_folder: str
    sizes: list[str] = Field([], description='Sizes of rows that name none: "1080x1350", "50%"; empty = the document\'s own.')
    format: Literal["png", "jpg", "webp"] = "png"
    wait: bool = False


def describe_state(state: State) -> DocumentResponse:
    """A document for JSON."""
    as_json: Any = load_dotted("modules.pipeline.layers.building:as_json")
    notes = [dict(note) for note in state.record.notes]
    return DocumentResponse(
        document=as_json(state.document), revision=state.record.revision, can_undo=state.can_undo, can_redo=state.can_redo, notes=notes
    )


def describe_record(record: Record) -> RecordResponse:
    return RecordResponse(**record.as_json())

"""Our own route for work on masks: /api/masks. Pictures and masks go by their asset ids."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from modules.runtime.alpha_work import lay_into_alpha
from modules.runtime.mask_work import MaskOrder
from modules.web.api.assets import AssetResponse
from modules.web.api.caller import SessionDependency, UserDependency

router = APIRouter(prefix="/api/masks", tags=["Pentimento"])

Operation = Literal[
    "grow", "shrink", "feather", "invert", "fill_holes", "union", "subtract", "intersect", "bucket", "object", "background", "alpha"
]
AssetId = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class MaskRequest(BaseModel):
    """What to do with a mask."""

    model_config = ConfigDict(extra="forbid")

    operation: Operation
    mask: AssetId | None = Field(None, description="The mask it starts from; null = an empty one of the picture's size.")
    picture: AssetId | None = Field(None, description="The picture the mask belongs to.")
    other: AssetId | None = Field(None, description="A second mask, for union, subtract and intersect.")
    combine: Literal["replace", "union", "subtract", "intersect"] | None = Field(
        None, description="How a selection (bucket, object, background, alpha) is joined with the mask; bucket: union, else replace."
    )
    px: float | None = Field(None, description="Distance for grow, shrink and feather (feather: sigma = px / 2), 0 to 4096.")
    x: float | None = Field(None, description="Point of bucket and object, in pixels from the left.")
    y: float | None = Field(None, description="... and from the top.")
    box: list[float] | None = Field(None, description="[left, top, right, bottom] for object; without box and point: the main subject.")
    tolerance: int | None = Field(None, description="Bucket: how far a channel may be from the clicked pixel's, 0 to 255; 32 by default.")
    contiguous: bool | None = Field(None, description="Bucket: only what hangs together with the point (the default).")


class MaskResponse(AssetResponse):
    """The new mask: an L PNG, 255 = repaint; `notes` says what a person should know about how it was made."""

    hints: list[str] = Field(description="The notes' short ids: without_network, by_colour, resized.")


class AlphaRequest(BaseModel):
    """A picture and its mask."""

    model_config = ConfigDict(extra="forbid")

    picture: AssetId
    mask: AssetId | None = Field(None, description="Of the picture's size, 255 = repaint; null = none, the picture becomes opaque.")


@router.post("/into_alpha")
def lay_mask_into_alpha(request: AlphaRequest, session: SessionDependency, user: UserDependency) -> AssetResponse:
    """Lay a mask into its picture's transparency (alpha = 255 - mask), as ComfyUI's nodes take both from one file."""
    return AssetResponse(**lay_into_alpha(session.store, request.picture, request.mask).as_json())


@router.post("")
def make_mask(request: MaskRequest, session: SessionDependency, user: UserDependency) -> MaskResponse:
    """Grow, shrink, feather, invert, combine or fill a mask, or select by colour, object, background or transparency."""
    values = request.model_dump(exclude={"combine"})
    order = {name: values.pop(name) for name in ("operation", "mask", "picture", "other")}
    result = session.masks.run(MaskOrder(**order, combine=request.combine or "", params=values))
    return MaskResponse(**result.asset.as_json() | {"notes": list(result.notes.values()), "hints": list(result.notes)})

"""Our own route about what an edit changed: /api/heat_map."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from modules.base.errors import InvalidRequest
from modules.web.api.assets import IMMUTABLE
from modules.web.api.caller import SessionDependency, UserDependency

router = APIRouter(prefix="/api", tags=["Pentimento"])


@router.get("/heat_map", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def draw_heat_map(
    session: SessionDependency,
    user: UserDependency,
    start: Annotated[str, Query(description="Asset id of the picture before.")],
    result: Annotated[str, Query(description="Asset id of the picture after, of the same size.")],
    mask: Annotated[str | None, Query(description="Asset id of the blurred mask, of the same size; its rim is drawn.")] = None,
) -> Response:
    """How much each pixel changed, as a PNG to lay over the result: hotter where more is seen, clear where nothing changed."""
    try:
        drawn = session.comparer.heat_map(start, result, mask)
    except ValueError as error:
        raise InvalidRequest("result", result, f"pictures of one size ({error})") from error
    return Response(drawn, media_type="image/png", headers=IMMUTABLE)

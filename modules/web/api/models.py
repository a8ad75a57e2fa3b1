"""Our own routes about models that can be fetched by name: /api/models. How a fetch stands is asked at /api/jobs."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from modules.web.api.caller import HereDependency, OwnerDependency, SessionDependency, UserDependency

router = APIRouter(prefix="/api/models", tags=["Pentimento"])


class LicenceResponse(BaseModel):
    """Terms of use of a model."""

    name: str
    summary: str = Field(description="What it asks, in short; the text on the page is what counts.")
    page: str


class KnownModelResponse(BaseModel):
    """A model that can be fetched."""

    name: str = Field(description="Of its file or folder.")
    about: str
    folder: str = Field(description="Where it will lie, below the data folder.")
    size: int = Field(description="Bytes.")
    page: str
    licence: LicenceResponse
    aliases: list[str]
    is_there: bool
    begun_bytes: int = Field(description="What an earlier fetch that was stopped has left; the next one goes on from there.")
    job: str | None = Field(description="The caller's job that is fetching it now.")


class FetchRequest(BaseModel):
    """Fetch a known model."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=300)
    agreed: bool = Field(False, description="Whether the person read the licence and agrees to it.")


class FetchResponse(BaseModel):
    """A fetch that was begun, or was under way."""

    job: str = Field(description="For /api/jobs/{id} and its /interrupt.")


@router.get("/known")
def list_known_models(session: SessionDependency, owner: OwnerDependency) -> list[KnownModelResponse]:
    """Models that can be fetched by name, with their licences, and which are there already."""
    return [KnownModelResponse(**values) for values in session.downloads.known(owner)]


@router.post("/get")
def fetch_model(
    body: FetchRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency, is_here: HereDependency
) -> FetchResponse:
    """Fetch a known model from the hub; the answer comes at once, and interrupted work goes on from where it stopped."""
    if user is None and not is_here:
        raise HTTPException(403, "models are fetched by people at this machine, or with a login (--api-auth, --gradio-auth)")
    return FetchResponse(job=session.downloads.get(body.name, has_agreed=body.agreed, owner=owner, user=user).id)

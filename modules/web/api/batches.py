"""Our own routes about batches: /api/batches.

Who knows a batch's id, which cannot be guessed, may read its reports; with logins, only those of one's own batches.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Response

from modules.base.errors import InvalidRequest
from modules.runtime.batch.manifest import Manifest
from modules.runtime.batch.report import as_csv, as_json
from modules.runtime.session import Session
from modules.web.api.caller import SessionDependency, UserDependency

router = APIRouter(prefix="/api/batches", tags=["Pentimento"])


@router.get("/{batch_id}")
def get_batch(batch_id: str, session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """How a batch stands: where its results go, and how many files are in each state."""
    manifest = _find(session, batch_id, user)
    counts = {state.value: count for state, count in manifest.counts().items()}
    return {"id": manifest.id, "created_s": manifest.created_s, "output_folder": str(manifest.plan.output_folder), "counts": counts}


@router.get("/{batch_id}/report.csv")
def get_csv_report(batch_id: str, session: SessionDependency, user: UserDependency) -> Response:
    """A row a file, for spreadsheets: file, mask, state, outputs, seeds, seconds, changed pixels outside the mask, error, notes."""
    return _attach(as_csv(_find(session, batch_id, user)), f"{batch_id}.csv", "text/csv; charset=utf-8")


@router.get("/{batch_id}/report.json")
def get_json_report(batch_id: str, session: SessionDependency, user: UserDependency) -> Response:
    """The same for programs, with the form."""
    return _attach(as_json(_find(session, batch_id, user)), f"{batch_id}.json", "application/json")


def _find(session: Session, batch_id: str, user: str | None) -> Manifest:
    try:
        manifest = session.batches.find(batch_id)
        if user is None or manifest.user in (None, user):
            return manifest
    except InvalidRequest:
        pass
    raise HTTPException(404, f"Batch {batch_id!r} not found")


def _attach(data: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(data, media_type=kind, headers=headers)

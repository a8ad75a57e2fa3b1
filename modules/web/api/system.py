"""What the program is made of and runs on: flags, memory, infotext of pictures, probes of old clients."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from modules.pipeline.infotext_parse import parse_infotext
from modules.runtime.jobs import JobState
from modules.settings.flags import Flags
from modules.web.api.caller import SessionDependency, UserDependency
from modules.web.api.pictures import decode_picture
from modules.web.api.schemas import PNGInfoRequest, PNGInfoResponse

router = APIRouter(tags=["A1111"])

SECRETS = ("api_auth", "gradio_auth")


@router.post("/sdapi/v1/png-info")
def get_png_info(body: PNGInfoRequest, session: SessionDependency, user: UserDependency) -> PNGInfoResponse:
    """The infotext of a picture, its parts, and all other text in the file."""
    items = dict(decode_picture(body.image, "image", session.options.current).info)
    infotext = items.pop("parameters", None)
    return PNGInfoResponse(info=infotext or "", items=items, parameters=parse_infotext(infotext) if infotext else {})


@router.get("/sdapi/v1/cmd-flags")
def get_flags(session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """Command-line flags; passwords are not told."""
    return describe_flags(session.flags)


@router.get("/sdapi/v1/memory")
def get_memory(user: UserDependency) -> dict[str, Any]:
    """Bytes of main memory, and of the accelerator's where there is one."""
    return {"ram": main_memory(), "cuda": _cuda_memory()}


@router.get("/queue/status")
def get_queue_status(session: SessionDependency) -> dict[str, Any]:
    """How many jobs wait; old clients use it to see whether the program is up."""
    waiting = sum(job.state is JobState.QUEUED for job in session.queue.jobs())
    return {"msg": "estimation", "queue_size": waiting}


@router.get("/startup-events")
def get_startup_events() -> bool:
    """True once the program is up."""
    return True


@router.get("/user")
def get_current_user(user: UserDependency) -> str | None:
    """The login of the caller; null where none is asked for."""
    return user


def describe_flags(flags: Flags) -> dict[str, Any]:
    """Flags as JSON, passwords left out."""
    values = {name: str(value) if isinstance(value, Path) else value for name, value in dataclasses.asdict(flags).items()}
    return values | {name: "(set)" for name in SECRETS if values.get(name)}


def main_memory() -> dict[str, Any]:
    try:
        page_size = os.sysconf("SC_PAGE_SIZE")
        total = page_size * os.sysconf("SC_PHYS_PAGES")
        used = page_size * int(Path("/proc/self/statm").read_text().split()[1])
    except (AttributeError, ValueError, OSError) as error:
        return {"error": f"unknown on this system: {error}"}
    return {"free": total - used, "used": used, "total": total}


def _cuda_memory() -> dict[str, Any]:
    """Asks torch only if something else has already imported it."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {"error": "unavailable"}
    free, total = torch.cuda.mem_get_info()
    stats = dict(torch.cuda.memory_stats())
    return {
        "system": {"free": free, "used": total - free, "total": total},
        "active": {"current": stats.get("active_bytes.all.current", 0), "peak": stats.get("active_bytes.all.peak", 0)},
        "allocated": {"current": stats.get("allocated_bytes.all.current", 0), "peak": stats.get("allocated_bytes.all.peak", 0)},
        "reserved": {"current": stats.get("reserved_bytes.all.current", 0), "peak": stats.get("reserved_bytes.all.peak", 0)},
        "events": {"retries": stats.get("num_alloc_retries", 0), "oom": stats.get("num_ooms", 0)},
    }

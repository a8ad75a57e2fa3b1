"""All routers of the API."""

from __future__ import annotations

from fastapi import FastAPI

from modules.web.api import (
    assets,
    batches,
    catalogue,
    comfy,
    comfy_files,
    comfy_socket,
    extensions,
    extras,
    heat_maps,
    history,
    img2img,
    jobs,
    layers,
    layers_edits,
    layers_jobs,
    masks,
    models,
    options,
    progress,
    scripts,
    settings,
    styles,
    system,
    tokens,
    workflows,
)

ROUTERS = (
    img2img.router,
    extras.router,
    options.router,
    progress.router,
    catalogue.router,
    extensions.router,
    scripts.router,
    system.router,
    jobs.router,
    layers_jobs.router,
    layers_edits.router,
    layers.router,
    assets.router,
    batches.router,
    heat_maps.router,
    history.router,
    masks.router,
    models.router,
    settings.router,
    styles.router,
    tokens.router,
    workflows.router,
)

BELOW_API = "/api"


def include_routes(app: FastAPI, *, with_comfy: bool) -> None:
    """Make `app` answer.

    Args:
        with_comfy: ComfyUI's routes too, as they are and below `/api`, where our own of the same name go first.
    """
    if with_comfy:
        app.include_router(comfy.ours_first)
    for router in ROUTERS:
        app.include_router(router)
    if with_comfy:
        for router in (comfy.router, comfy_files.router):
            app.include_router(router)
            app.include_router(router, prefix=BELOW_API)
        app.include_router(comfy_socket.router)

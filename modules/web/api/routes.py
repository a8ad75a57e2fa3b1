"""All routers of the API."""

from __future__ import annotations

from modules.web.api import (
    assets,
    batches,
    catalogue,
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
    options,
    progress,
    scripts,
    settings,
    styles,
    system,
    tokens,
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
    settings.router,
    styles.router,
    tokens.router,
)

"""What is installed: checkpoints, samplers, schedulers and the rest of A1111's lists."""

from __future__ import annotations

import dataclasses
from typing import Any

from fastapi import APIRouter

from modules.backends.embeddings.catalog import problem_with
from modules.pipeline.styles import read_styles
from modules.web.api.caller import OwnerDependency, SessionDependency, UserDependency

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"])


@router.get("/sd-models")
def get_checkpoints(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Checkpoints that can run."""
    return [_describe_checkpoint(info) for info in session.checkpoints() if info.is_supported]


@router.get("/samplers")
def get_samplers(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Samplers with their aliases and ways."""
    return [{"name": spec.name, "aliases": list(spec.aliases), "options": dict(spec.options)} for spec in session.samplers()]


@router.get("/schedulers")
def get_schedulers(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Schedulers; requests may use name, label or alias."""
    return [
        {
            "name": spec.name,
            "label": spec.label,
            "aliases": list(spec.aliases) or None,
            "default_rho": spec.default_rho,
            "need_inner_model": spec.need_inner_model,
        }
        for spec in session.schedulers()
    ]


@router.get("/upscalers")
def get_upscalers(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Upscalers, for `upscaler_for_img2img` and scripts."""
    return [
        {
            "name": upscaler.name,
            "model_name": upscaler.model_name,
            "model_path": upscaler.data_path,
            "model_url": upscaler.model_url,
            "scale": upscaler.scale,
        }
        for upscaler in session.upscalers.all()
    ]


@router.get("/latent-upscale-modes")
def get_latent_upscale_modes(user: UserDependency) -> list[dict[str, Any]]:
    """None: they belong to txt2img's hires fix, which this version does not have."""
    return []


@router.get("/sd-vae")
def get_vaes(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """VAE files that the option `sd_vae` may name."""
    return [{"model_name": name, "filename": str(path)} for name, path in session.loader.vaes().items()]


@router.get("/hypernetworks")
def get_hypernetworks(user: UserDependency) -> list[dict[str, Any]]:
    """None: this version cannot apply them."""
    return []


@router.get("/face-restorers")
def get_face_restorers(user: UserDependency) -> list[dict[str, Any]]:
    """None: this version has none."""
    return []


@router.get("/realesrgan-models")
def get_realesrgan_models(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Published Real-ESRGAN models whose files are there."""
    return [{"name": found.name, "path": found.data_path, "scale": found.scale} for found in session.upscalers.real_esrgan()]


@router.get("/prompt-styles")
def get_prompt_styles(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Styles of `styles.csv` in the data folder."""
    return [dataclasses.asdict(style) for style in read_styles(session.paths.styles)]


@router.get("/embeddings")
def get_embeddings(session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """Textual inversions; those that the model in memory cannot use are under `skipped`, with the reason."""
    width = session.pool.model.text.width if session.pool.model is not None else None
    listed: dict[str, dict[str, Any]] = {"loaded": {}, "skipped": {}}
    unknown = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None}
    for info in session.embeddings.scan():
        reason = problem_with(info, width)
        entry = {**unknown, "shape": info.width, "vectors": info.vectors}
        listed["skipped" if reason else "loaded"][info.name] = {**entry, "reason": reason} if reason else entry
    return listed


@router.get("/loras")
def get_loras(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """LoRA files that can be used."""
    return [
        {"name": info.name, "alias": info.alias, "path": str(info.path), "metadata": info.metadata}
        for info in session.loras.scan()
        if not info.problem
    ]


@router.post("/refresh-checkpoints")
def refresh_checkpoints(session: SessionDependency, user: UserDependency) -> None:
    """Look for new checkpoint files."""
    session.checkpoints()


@router.post("/refresh-vae")
def refresh_vaes(user: UserDependency) -> None:
    """Nothing to look for yet."""


@router.post("/refresh-loras")
def refresh_loras(session: SessionDependency, user: UserDependency) -> None:
    """Look for new LoRA files."""
    session.loras.scan()


@router.post("/refresh-embeddings")
def refresh_embeddings(session: SessionDependency, user: UserDependency) -> None:
    """Look for new textual inversions."""
    session.embeddings.scan()


@router.post("/unload-checkpoint")
def unload_checkpoint(session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """Free the model's memory; the next job loads it again."""
    session.pool.unload()
    return {}


@router.post("/reload-checkpoint")
def reload_checkpoint(session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """Load the configured model, after the jobs before it; answers when it is there."""
    job = session.load_model(owner)
    job.wait()
    job.outcome()
    return {}


def _describe_checkpoint(info: Any) -> dict[str, Any]:
    return {
        "title": info.title,
        "model_name": info.model_name,
        "hash": info.short_hash or None,
        "sha256": info.sha256 or None,
        "filename": str(info.path),
        "config": str(info.config) if info.config else None,
    }

"""The upscalers of a session: which folders are searched, and how the options say that networks run."""

from __future__ import annotations

from collections.abc import Callable

from modules.backends.upscalers.catalog import ModelFolder, UpscalerCatalog
from modules.backends.upscalers.computing import Computing
from modules.base.paths import Paths
from modules.pipeline.context import RUNNING
from modules.settings.flags import Flags
from modules.settings.options import Options


def make_upscalers(paths: Paths, flags: Flags, configured: Callable[[], Options]) -> UpscalerCatalog:
    """The catalogue; within a job the job's own options hold."""

    def options() -> Options:
        running = RUNNING.get()
        return configured() if running is None else running.options

    def computing() -> Computing:
        now = options()
        is_exact = flags.no_half or now.pentimento_precision == "fp32"
        return Computing(now.ESRGAN_tile, now.ESRGAN_tile_overlap, use_cpu=bool(flags.use_cpu), is_exact=is_exact)

    return UpscalerCatalog(upscaler_folders(paths), computing, lambda: options().realesrgan_enabled_models)


def upscaler_folders(paths: Paths) -> list[ModelFolder]:
    """Folders that are searched for upscalers, each once; of models with the same name the first counts."""
    places = dict.fromkeys((paths.models.resolve(), paths.builtin_models.resolve()))
    return [ModelFolder(place / name, name == "RealESRGAN") for place in places for name in ("ESRGAN", "RealESRGAN")]

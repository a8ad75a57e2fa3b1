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

    return UpscalerCatalog(upscaler_folders(paths, flags), computing, lambda: options().realesrgan_enabled_models)


def upscaler_folders(paths: Paths, flags: Flags) -> list[ModelFolder]:
    """Folders that are searched for upscalers, each once; of models with the same name the first counts."""
    models = dict.fromkeys((paths.models.resolve(), paths.builtin_models.resolve()))
    kinds = (("ESRGAN", flags.esrgan_models_path), ("RealESRGAN", flags.realesrgan_models_path))
    asked = [ModelFolder(further.resolve(), name == "RealESRGAN") for name, further in kinds if further is not None]
    return [*asked, *(ModelFolder(place / name, name == "RealESRGAN") for place in models for name, _ in kinds)]

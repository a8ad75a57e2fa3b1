"""How a checkpoint is loaded for a job: precision, VAE and prediction, from options and command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.settings.flags import Flags
from modules.settings.options import Options


@dataclass(frozen=True)
class LoadSettings:
    """All that loading a checkpoint depends on besides its own files; the model is loaded anew when it changes.

    Attributes:
        device, dtype: Where, and in what, UNet and VAE compute.
        prediction: "Automatic", "eps" or "v".
        vae: Another VAE's file; None = the checkpoint's own.
        vae_stamp: Its size and time of change.
    """

    device: Any
    dtype: Any
    prediction: str
    vae: Path | None
    vae_stamp: tuple[int, int] = (0, 0)


class ModelLoader:
    """Loads checkpoints (`backends.catalog.CheckpointInfo`).

    Args:
        paths: Folders of the installation.
        flags: Command line.
        checkpoint_folders: Where VAEs may lie beside their checkpoints.
    """

    def __init__(self, paths: Paths, flags: Flags, checkpoint_folders: list[Path]) -> None:
        self._paths, self._flags, self._checkpoint_folders = paths, flags, checkpoint_folders

    def vaes(self) -> dict[str, Path]:
        """VAE files by name."""
        find_vaes: Any = load_dotted("modules.backends.vaes:find_vaes")
        found: dict[str, Path] = find_vaes([self._paths.models / "VAE"], self._checkpoint_folders)
        return found

    def settings(self, info: Any, options: Options) -> LoadSettings:
        """How `options` and the command line want a checkpoint to be loaded.

        Raises:
            BrokenCheckpoint: Its header cannot be read.
        """
        choose_device: Any = load_dotted("modules.engine.devices:choose_device")
        choose_dtype: Any = load_dotted("modules.engine.devices:choose_dtype")
        count_parameters: Any = load_dotted("modules.backends.loader:count_parameters")
        choose_vae: Any = load_dotted("modules.backends.vaes:choose_vae")
        device = choose_device(self._flags.use_cpu)
        dtype = choose_dtype(device, self._flags.no_half, parameters=count_parameters(info), precision=options.pentimento_precision)
        vae = choose_vae(options.sd_vae, info.path, self.vaes())
        status = vae.stat() if vae is not None else None
        stamp = (status.st_size, status.st_mtime_ns) if status else (0, 0)
        return LoadSettings(device, dtype, options.prediction_override, vae, stamp)

    def place(self, options: Options) -> tuple[Any, Any]:
        """Device and precision of a network that comes with no checkpoint."""
        choose_device: Any = load_dotted("modules.engine.devices:choose_device")
        choose_dtype: Any = load_dotted("modules.engine.devices:choose_dtype")
        device = choose_device(self._flags.use_cpu)
        return device, choose_dtype(device, self._flags.no_half, precision=options.pentimento_precision)

    def load(self, info: Any, settings: LoadSettings) -> Any:
        """The `DiffusionModel` of a checkpoint; errors as for `backends.loader.load_checkpoint`."""
        load: Any = load_dotted("modules.backends.loader:load_checkpoint")
        parse_prediction: Any = load_dotted("modules.engine.model:Prediction")
        prediction = None if settings.prediction == "Automatic" else parse_prediction(settings.prediction)
        return load(info, settings.device, settings.dtype, self._paths.vocabulary, prediction=prediction, vae=settings.vae)

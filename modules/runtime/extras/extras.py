"""Post-processing as page, API and scripts ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest
from modules.base.paths import Paths
from modules.plugins.postprocessing import ScriptPostprocessingRunner
from modules.plugins.postprocessing_loader import PostprocessingLibrary
from modules.runtime.batch.folders import FolderRules
from modules.runtime.batch.listing import list_folder
from modules.runtime.extras.source import ExtrasSource
from modules.runtime.extras.task import ExtrasTask, History
from modules.runtime.store import AssetStore
from modules.settings.options import Options


@dataclass(frozen=True)
class Extras:
    """What makes post-processing jobs.

    Attributes:
        options: Gives those in force.
        library: The post-processing scripts.
    """

    paths: Paths
    store: AssetStore
    options: Callable[[], Options]
    library: PostprocessingLibrary
    history: History

    @property
    def runner(self) -> ScriptPostprocessingRunner:
        """The scripts; the first to ask waits until all are loaded."""
        return self.library.runner

    def folder(self) -> Path:
        """Where results go if nobody says otherwise.

        Raises:
            UnsafePath: The option leads out of the data folder, or into the program.
        """
        named = self.options().outdir_samples or self.options().outdir_extras_samples
        return FolderRules(self.paths, is_local=False).writable(named, "outdir_extras_samples")

    def task(
        self,
        sources: Sequence[ExtrasSource],
        args: Sequence[Any] | Mapping[str, Mapping[str, Any]],
        folder: Path | None = None,
        *,
        keeps_names: bool = False,
    ) -> ExtrasTask:
        """A job to submit, of kind `extras.task.KIND`.

        Args:
            sources: At least one.
            args: Values of all controls, or those of some scripts by name and argument.
            folder: Where results are saved; None = they are only handed back.
            keeps_names: Results are called as their sources are, if the option says so too.

        Raises:
            InvalidRequest: There is no picture, or a script or value is unknown.
        """
        if not sources:
            raise InvalidRequest("image", None, "a picture")
        values = self.runner.create_args_for_run(args) if isinstance(args, Mapping) else list(args)
        keeps_names = keeps_names and self.options().use_original_name_batch
        return ExtrasTask(sources, self.runner, values, self.store, self.history, folder, keeps_names)

    def forget_picture(self) -> None:
        """Tell the scripts that another picture was put into the tab."""
        if self.library.is_loaded:
            self.runner.image_changed()


def sources_in(folder: Path, field: str = "input_dir") -> list[ExtrasSource]:
    """The pictures of a folder.

    Raises:
        InvalidRequest: It cannot be read, or holds none.
    """
    files = list_folder(folder, field).files
    if not files:
        raise InvalidRequest(field, str(folder), "a folder with pictures in it")
    return [ExtrasSource(file.name, file.path) for file in files]

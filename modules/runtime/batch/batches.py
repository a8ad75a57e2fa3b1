"""All batches of a session: look ahead, begin, go on, list."""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest, PentimentoError, SaveFailed
from modules.base.paths import Paths
from modules.runtime.batch.check import Check, check_items
from modules.runtime.batch.folders import FolderRules
from modules.runtime.batch.listing import LeftOut, PictureFile
from modules.runtime.batch.manifest import Manifest, fingerprint, load_manifest, new_manifest, read_label
from modules.runtime.batch.plan import Plan, draw_plan
from modules.runtime.batch.png_info import FindCheckpoint
from modules.runtime.batch.requests import RecipeRequests
from modules.runtime.batch.settings import BatchSettings
from modules.runtime.batch.task import BatchTask, History, Process
from modules.runtime.recipe import Recipe
from modules.runtime.store import AssetStore
from modules.settings.options import Options

FOLDER = "batches"
ID_CHARS = len("2026-11-21-0123456789abcdef")
_ID = re.compile(r"\d{4}-\d\d-\d\d-[0-9a-f]{16}")


class ValuesNotKept(PentimentoError):
    """The rest of a batch would come out otherwise than what is made of it."""

    def __init__(self) -> None:
        super().__init__(
            "this batch cannot go on by itself, because not all values of its scripts could be kept; "
            "what is made of it stays. Choose the same pictures and settings and press Generate to make the rest"
        )


@dataclass(frozen=True)
class DryRun:
    """What pressing Generate would do.

    Attributes:
        output_folder: Where results would go.
        left_out: Entries of the input folder that are not taken, by reason.
        begun: The batch that would be gone on with; None = a new one.
    """

    check: Check
    output_folder: Path
    left_out: dict[LeftOut, int]
    begun: Manifest | None = None


@dataclass(frozen=True)
class Batches:
    """What the page, the API and the command line share.

    Attributes:
        is_local: The program serves this machine alone, so that any folder may be named.
        options: Gives those in force.
        process: Runs one request.
        history: Is told of each file's finished job.
    """

    paths: Paths
    is_local: bool
    store: AssetStore
    options: Callable[[], Options]
    find_checkpoint: FindCheckpoint
    process: Process
    history: History | None = None

    @property
    def folder(self) -> Path:
        return self.paths.outputs / FOLDER

    def rules(self, owner: str, user: str | None) -> FolderRules:
        """What this person may name; without a login all results are everybody's."""
        if user is None:
            return FolderRules(self.paths, self.is_local)
        named = [str(value) for name, value in self.options().as_dict().items() if name.startswith("outdir_") and value]
        results = (self.paths.outputs, *((self.paths.data / name).resolve() for name in named))
        return FolderRules(self.paths, self.is_local, results, lambda folder: self._is_made_for(folder, owner, user))

    def look_ahead(self, recipe: Recipe, settings: BatchSettings, owner: str, *, user: str | None = None, is_anew: bool = False) -> DryRun:
        """What would be made, of which pictures; nothing is written.

        Raises:
            InvalidRequest, UnsafePath: As for `task`.
        """
        begun = None if is_anew else self._unfinished(recipe, settings, owner, user)
        plan = self._plan(recipe, settings, begun, self.rules(owner, user))
        return DryRun(check_items(plan.items), plan.output_folder, dict(plan.left_out), begun)

    def task(
        self,
        recipe: Recipe,
        settings: BatchSettings,
        owner: str,
        *,
        user: str | None = None,
        is_anew: bool = False,
        script_args: Sequence[Any] = (),
    ) -> BatchTask:
        """A batch to submit. If this owner's last one with the same form was not finished, what it lacks is made.

        Args:
            recipe: The form; its picture and mask do not count.
            owner, user: Who asks: what the browser calls itself, which anybody may claim, and the login, which counts too.
            is_anew: Begin another one in any case.
            script_args: Values of scripts' controls, for a recipe that could not keep them all.

        Raises:
            InvalidRequest: There are no pictures or masks, or a folder is missing.
            UnsafePath: A folder may not be used.
            SaveFailed: The plan cannot be written, or the folder for results cannot be made.
        """
        begun = None if is_anew else self._unfinished(recipe, settings, owner, user)
        rules = self.rules(owner, user)
        plan = self._plan(recipe, settings, begun, rules)
        if begun is None:
            if not settings.output_folder.strip():
                plan = dataclasses.replace(plan, output_folder=rules.make_output())
            manifest = new_manifest(self.folder, owner, _form(recipe), settings, plan, _draw_seed(recipe), user)
        else:
            manifest = dataclasses.replace(begun, plan=plan)
        return self._ready(_keep_dropped(manifest), () if recipe.is_whole else script_args)

    def revive(self, job_id: str) -> BatchTask:
        """What the job of that id ran, for a program that was started again.

        Raises:
            InvalidRequest: There is no such batch, or its pictures are gone.
            ValuesNotKept: It cannot be made as it was begun.
        """
        manifest = self.find(job_id[:ID_CHARS])
        if not manifest.has_inputs:
            raise InvalidRequest("batch", manifest.id, "a batch whose files are still kept; this one was complete: drop them again")
        recipe = Recipe.from_json(manifest.recipe)
        if not recipe.is_whole:
            raise ValuesNotKept
        plan = self._plan(recipe, manifest.settings, manifest, self.rules(manifest.owner, manifest.user))
        return self._ready(dataclasses.replace(manifest, plan=plan))

    def resume(self, batch_id: str, owner: str, user: str | None = None) -> BatchTask:
        """Go on with a batch, whatever the form says now; files that failed are tried again.

        Raises:
            InvalidRequest: There is no such batch of this owner, or its pictures are gone.
            ValuesNotKept: It cannot be made as it was begun.
        """
        task = self.revive(self.find(batch_id, owner, user).id)
        task.also_failed = True
        return task

    def find(self, batch_id: str, owner: str | None = None, user: str | None = None) -> Manifest:
        """A batch by its id.

        Args:
            owner: Whose it must be, with the login `user`; None = anybody's.

        Raises:
            InvalidRequest: There is none.
        """
        if _ID.fullmatch(batch_id) and (self.folder / batch_id).is_dir():
            manifest = load_manifest(self.folder / batch_id)
            if owner is None or (owner, user) == (manifest.owner, manifest.user):
                return manifest
        raise InvalidRequest("batch", batch_id, "the id of one of your batches")

    def of_owner(self, owner: str, limit: int = 20, user: str | None = None) -> list[Manifest]:
        """An owner's batches, the newest first; those that cannot be read are left out."""
        return [manifest for _, manifest in zip(range(limit), self._of(owner, user), strict=False)]

    def _of(self, owner: str, user: str | None, form: str | None = None) -> Iterator[Manifest]:
        """Their batches, the newest first; of all forms, or of that of a fingerprint."""
        try:
            with os.scandir(self.folder) as entries:
                found = sorted((entry.stat().st_ctime_ns, entry.name) for entry in entries if _ID.fullmatch(entry.name))
        except FileNotFoundError:
            return
        for _, name in reversed(found):
            with suppress(InvalidRequest):
                label = read_label(self.folder / name)
                if (label.owner, label.user) == (owner, user) and form in (None, label.fingerprint):
                    yield load_manifest(self.folder / name)

    def _unfinished(self, recipe: Recipe, settings: BatchSettings, owner: str, user: str | None) -> Manifest | None:
        """The newest batch of the same form, if something of it is left to do."""
        wanted = fingerprint(_form(recipe), settings)
        found = next(self._of(owner, user, wanted), None)
        return None if found is None or found.is_finished or not found.has_inputs else found

    def _is_made_for(self, folder: Path, owner: str, user: str | None) -> bool:
        """Whether it is where a batch of theirs writes, and nobody else: not a folder that they named."""
        own = (manifest for manifest in self._of(owner, user) if not manifest.settings.output_folder.strip())
        return any(manifest.plan.output_folder == folder for manifest in own)

    def _plan(self, recipe: Recipe, settings: BatchSettings, begun: Manifest | None, rules: FolderRules) -> Plan:
        fields = recipe.fields
        count = int(fields.get("n_iter", 1)) * int(fields.get("batch_size", 1))
        extension = self.options().samples_format.lower().lstrip(".")
        return draw_plan(begun.settings if begun else settings, rules, count, extension, begun.begun() if begun else None)

    def _ready(self, manifest: Manifest, script_args: Sequence[Any] = ()) -> BatchTask:
        manifest.write()
        recipe = Recipe.from_json(manifest.recipe)
        make = RecipeRequests(recipe, manifest.settings, manifest.seed, self.store, self.find_checkpoint)
        make.script_args = script_args or None
        return BatchTask(manifest, make, self.process, self.history, recipe=recipe)


def _form(recipe: Recipe) -> dict[str, Any]:
    return dataclasses.replace(recipe, picture=None, mask=None, sketch=None).as_json()


def _draw_seed(recipe: Recipe) -> int:
    seed = int(recipe.fields.get("seed", -1))
    return seed if seed >= 0 else secrets.randbelow(2**32)


def _keep_dropped(manifest: Manifest) -> Manifest:
    """Move files that were dropped on the page out of the server's temporary folder, so that the batch can be gone on with later."""
    folder, settings = manifest.inputs, manifest.settings
    moved = {file: _keep(file, folder, number) for number, file in enumerate((*settings.files, *settings.mask_files))}
    if not moved:
        return manifest
    kept = dataclasses.replace(
        settings, files=tuple(moved[file] for file in settings.files), mask_files=tuple(moved[file] for file in settings.mask_files)
    )
    items = tuple(_moved(item, moved) for item in manifest.plan.items)
    return dataclasses.replace(manifest, settings=kept, plan=dataclasses.replace(manifest.plan, items=items))


def _moved(item: Any, moved: dict[PictureFile, PictureFile]) -> Any:
    pair = item.pair
    new = dataclasses.replace(pair, picture=moved.get(pair.picture, pair.picture), mask=moved.get(pair.mask, pair.mask))
    return dataclasses.replace(item, pair=new, info=moved.get(item.info, item.info))


def _keep(file: PictureFile, folder: Path, number: int) -> PictureFile:
    if file.path.parent == folder:
        return file
    target = folder / f"{number:05}{Path(file.name).suffix[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file.path, target)
        except FileExistsError:
            pass
        except OSError:
            shutil.copyfile(file.path, target)
    except OSError as error:
        raise SaveFailed(f"cannot keep {file.name!r} for the batch: {error.strerror or error}") from error
    return dataclasses.replace(file, path=target)

"""What a post-processing job runs: picture after picture through the scripts, each saved and recorded before the next begins."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from modules.backends.upscalers.watch import WATCH
from modules.base.errors import PentimentoError, SaveFailed, UnknownName, UnsafePath
from modules.imaging.picture import MAX_PIXELS, Picture
from modules.imaging.saving import SaveFormat, SaveNaming, save_image, write_new
from modules.pipeline.save_watch import SaveWatch
from modules.plugins.callbacks import CALLBACKS
from modules.plugins.postprocessing import PostprocessedImage, ScriptPostprocessingRunner
from modules.runtime.batch.folders import FolderRules
from modules.runtime.context import JobContext
from modules.runtime.extras.result import EXTRAS, ExtrasResult, MadePicture, describe_done
from modules.runtime.extras.source import ExtrasSource, Store
from modules.runtime.jobs import Job, JobState
from modules.runtime.recipe import Recipe, is_json

logger = logging.getLogger(__name__)

KIND = "extras"
KEPT_RESULTS = 64
STOPS_ALL = (SaveFailed, UnsafePath, UnknownName)
"""What would be wrong with every further picture too."""
PICTURE_INFO = "icc_profile"


class History(Protocol):
    """What is needed of `runtime.history`."""

    @property
    def is_on(self) -> bool: ...

    def record(self, job: Job, *, is_over: bool = True) -> Any: ...


@dataclass(frozen=True)
class PictureWatch:
    """What scripts and upscalers tell and ask while they work on one picture, which can be skipped."""

    context: JobContext

    def on_tile(self, done: int, total: int) -> None:
        """`done` of `total` tiles are finished."""
        self.context.on_tile(done, total)

    def is_interrupted(self) -> bool:
        """Whether this picture is to be left, alone or with all that follow."""
        return self.context.is_interrupted() or self.context.is_skipped()

    def tell(self, text: str) -> None:
        """What is being done."""
        with self.context.job.changing() as job:
            job.textinfo = text


@dataclass
class ExtrasTask:
    """What a post-processing job runs (`jobs.Task`).

    Attributes:
        sources: The pictures, in order.
        runner: The scripts.
        args: Values of all scripts' controls, as `ScriptPostprocessingRunner` takes them.
        store: Takes the pictures that history keeps.
        history: Is told of each finished picture.
        folder: Where results are saved; None = nowhere, and all are handed back.
        keeps_names: Results are called as their sources are.
    """

    sources: Sequence[ExtrasSource]
    runner: ScriptPostprocessingRunner
    args: Sequence[Any]
    store: Store
    history: History
    folder: Path | None = None
    keeps_names: bool = False

    def run(self, context: JobContext) -> ExtrasResult:
        """Work on what there is; a picture that cannot be worked on is named, and the rest goes on.

        Raises:
            PentimentoError: The only picture cannot be worked on, or none can: nothing can be saved, an upscaler is unknown.
        """
        job, made, result = context.job, deque[MadePicture](maxlen=KEPT_RESULTS if self.folder else None), ExtrasResult()
        with job.changing():
            job.images, job.is_counted, job.began_s = len(self.sources), True, time.time()
        for number, source in enumerate(self.sources):
            if context.is_interrupted():
                break
            context.clear_skip()
            with job.changing():
                job.image_no, job.step, job.steps = number, 0, 0
            made.extend(self._try(source, number, context, result))
        result.made, result.is_interrupted = list(made), context.is_interrupted()
        if len(self.sources) > 1:
            failed = [f"{len(result.failed)} failed"] if result.failed else []
            result.notes[:0] = [f"{result.finished} of {len(self.sources)} pictures made", *failed]
        with job.changing():  # not before: what was cut off by a crash is not begun again
            job.recipe = next((one.recipe for one in reversed(made) if one.recipe is not None), None)
        return result

    def _try(self, source: ExtrasSource, number: int, context: JobContext, result: ExtrasResult) -> list[MadePicture]:
        try:
            made, notes = self._work_on(source, context)
        except STOPS_ALL:
            raise
        except Exception as error:
            if len(self.sources) == 1:
                raise
            reason = str(error) if isinstance(error, PentimentoError) else f"the program failed: {type(error).__name__}: {error}"
            logger.warning("picture %r was not post-processed: %s", source.name, reason, exc_info=not isinstance(error, PentimentoError))
            result.failed.append((source.name, reason))
            result.notes.append(f"{source.name or number + 1}: {reason}")
            return []
        result.finished += bool(made)
        result.notes += [note for note in notes if note not in result.notes]
        return made

    def _work_on(self, source: ExtrasSource, context: JobContext) -> tuple[list[MadePicture], list[str]]:
        picture = source.open(min(MAX_PIXELS, int(context.options.img_max_size_mp * 1_000_000)))
        whole = PostprocessedImage(picture.image.copy())
        watch = PictureWatch(context)
        token = WATCH.set(watch)
        try:
            notes = self.runner.run(whole, self.args, is_stopped=watch.is_interrupted, tell=watch.tell)
        finally:
            WATCH.reset(token)
        if watch.is_interrupted():
            return [], []  # what was cut off is no result
        recipe = self._recipe(source, picture)
        made = [self._finish(one, suffix, source, picture, context, recipe) for one, suffix in _named([whole, *whole.extra_images])]
        self._record(made, recipe, context)
        if self.folder is not None:
            made = [replace(one, image=None) for one in made]
        return made, [*picture.notes, *notes]

    def _finish(
        self, pp: PostprocessedImage, suffix: str, source: ExtrasSource, picture: Picture, context: JobContext, recipe: Recipe | None
    ) -> MadePicture:
        image = pp.image if pp.image.mode in ("RGB", "RGBA") else pp.image.convert("RGBA" if "transparency" in pp.image.info else "RGB")
        texts = {key: value for key, value in picture.info.items() if isinstance(value, str)}
        one = MadePicture(image.copy(), describe_done(pp.info), texts, None, recipe)
        one_image: Any = one.image
        one_image.info = {PICTURE_INFO: picture.icc} if picture.icc else {}
        if self.folder is None:
            return one
        return replace(one, path=self._save(one_image, one, suffix, source, pp.caption, context, self.folder))

    def _save(
        self,
        image: Image.Image,
        one: MadePicture,
        suffix: str,
        source: ExtrasSource,
        caption: str | None,
        context: JobContext,
        folder: Path,
    ) -> Path:
        options, paths = context.options, context.paths
        has_info, is_named = options.enable_pnginfo, self.keeps_names and bool(source.stem)
        naming = SaveNaming(
            directory_pattern=options.directories_filename_pattern if options.save_to_dirs and not is_named else None,
            suffix=suffix,
            is_short=True,
            forced_name=f"{source.stem}{suffix}" if is_named else None,
        )
        items = {**one.chunks, **({EXTRAS: one.done} if one.done else {})}
        is_png = options.samples_format.lower().lstrip(".") == "png"
        infotext = one.infotext if has_info and not is_png and one.infotext else None
        rules = FolderRules(paths, is_local=False)
        watch = SaveWatch(None, image, infotext or "", lambda wanted: rules.writable(wanted, "filename"), items=items, is_labelled=has_info)
        path = save_image(
            image, folder, naming=naming, infotext=infotext, items=items if has_info else None,
            fmt=SaveFormat(options.samples_format, options.jpeg_quality, options.webp_lossless),
            revise=watch.revise if CALLBACKS.has("on_before_image_saved") else None,
        )  # fmt: skip
        watch.saved(path)
        if isinstance(caption, str) and caption.strip():
            write_new(path.parent, iter([f"{path.stem}.txt", f"{path.name}.txt"]), caption.encode("utf-8", "replace"))
        return path

    def _recipe(self, source: ExtrasSource, picture: Picture) -> Recipe | None:
        """What makes the results of one picture again; None where nobody keeps it."""
        if not self.history.is_on:
            return None
        off = self.runner.name_args(self.runner.create_args_for_run({}))
        asked = {name: values for name, values in self.runner.name_args(self.args).items() if values != off[name]}
        kept = {name: {key: value for key, value in values.items() if is_json(value)} for name, values in asked.items()}
        return Recipe(picture=source.keep(picture, self.store), alpha="flatten", extras=kept, is_whole=kept == asked)

    def _record(self, made: Sequence[MadePicture], recipe: Recipe | None, context: JobContext) -> None:
        """The results of one picture, as a part of the whole job."""
        if recipe is None:
            return
        whole = context.job
        part = Job(whole.owner, None, KIND, whole.user, recipe, whole.id, JobState.DONE, result=ExtrasResult(made))
        self.history.record(part, is_over=False)
        with whole.changing():
            whole.preview, whole.preview_no = made[0].image, whole.preview_no + 1


def _named(pictures: Sequence[PostprocessedImage]) -> Iterator[tuple[PostprocessedImage, str]]:
    """Each with what its file name ends with."""
    used: dict[str, int] = {}
    return ((picture, picture.get_suffix(used)) for picture in pictures)

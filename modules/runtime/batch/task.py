"""A whole batch as one job: file after file through the pipeline, each saved and noted before the next begins."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from modules.base.errors import BrokenCheckpoint, MissingModel, PentimentoError, SaveFailed, UnsafePath, UnsupportedCheckpoint
from modules.imaging.metadata import encode_image
from modules.imaging.saving import write_new
from modules.pipeline.context import RunContext
from modules.runtime.batch.file_job import FileJob
from modules.runtime.batch.manifest import MAX_ATTEMPTS, FileState, Manifest, Status
from modules.runtime.batch.naming import further_names
from modules.runtime.batch.pairing import FileProblem
from modules.runtime.batch.plan import Item
from modules.runtime.batch.report import write_reports
from modules.runtime.batch.requests import FileRequest, MakeRequest
from modules.runtime.batch.result import KEPT_PICTURES, BatchResult, Made
from modules.runtime.context import JobContext
from modules.runtime.jobs import Job, JobState
from modules.runtime.recipe import Recipe
from modules.settings.options import Options

logger = logging.getLogger(__name__)

KIND = "batch"
STOPS_ALL = (SaveFailed, UnsafePath, MissingModel, BrokenCheckpoint, UnsupportedCheckpoint)
"""What would be wrong with every further file too. The batch can be gone on with when it is mended."""
PARTS, OLD_S = ".saving-*.part", 60.0
CRASHED = "the program ended several times while it worked on this file"
Process = Callable[[Any, RunContext], Any]
Told = Callable[[Item, Status], None]


class History(Protocol):
    """What is needed of `runtime.history`."""

    def record(self, job: Job, *, is_over: bool = True) -> Any: ...


@dataclass
class BatchTask:
    """What a batch's job runs (`jobs.Task`).

    Attributes:
        manifest: Says what to do, and is told what was done.
        make_request: Opens a file and makes its request.
        process: Runs one request.
        history: Is told of each file's finished job; None = nobody is.
        also_failed: Files that failed before are tried again.
        on_file: Is told how each file ended.
        recipe: The form.
    """

    manifest: Manifest
    make_request: MakeRequest
    process: Process
    history: History | None = None
    also_failed: bool = False
    on_file: Told | None = None
    recipe: Recipe | None = None

    @property
    def job_id(self) -> str:
        """What its job should be called, so that both are found again together."""
        return self.manifest.id

    def run(self, context: JobContext) -> BatchResult:
        """Make what is missing, one file after another.

        Raises:
            SaveFailed, UnsafePath: A result or its state could not be written; what was saved stays.
            MissingModel, BrokenCheckpoint, UnsupportedCheckpoint: No file can be run.
        """
        manifest, whole = self.manifest, context.job
        manifest.reload()
        _sweep(manifest.plan.output_folder)
        todo = manifest.todo(also_failed=self.also_failed)
        todo.sort(key=lambda item: manifest.status(item).crashes)  # what may have ended the program comes last
        last: deque[Made] = deque(maxlen=KEPT_PICTURES)
        with whole.changing():
            whole.images, whole.is_counted = len(todo), True
        try:
            for number, item in enumerate(todo):
                if whole.is_interrupted:
                    break
                whole.clear_skip()
                last.extend(self._run_file(item, context, number))
        finally:
            with suppress(SaveFailed):  # the report can be written again from the manifest
                write_reports(manifest)
        manifest.let_go()
        counts = manifest.counts()
        return BatchResult(manifest.id, counts, list(last), summarise(counts))

    def _run_file(self, item: Item, context: JobContext, number: int) -> Sequence[Made]:
        """Make one file's results; what goes wrong with this file alone becomes its state."""
        before = self.manifest.status(item)
        attempts = before.crashes + 1
        if before.crashes >= MAX_ATTEMPTS:
            self._end(item, Status(FileState.FAILED, error=CRASHED, attempts=before.attempts))
            return []
        _remove_parts(before)
        mark = self.manifest.mark()
        self.manifest.note(item, Status(FileState.RUNNING, attempts=attempts))
        begun_s = time.perf_counter()
        job = self._begin_job(context.job, number)
        try:
            made, status = self._make(item, job, context)
        except STOPS_ALL:
            try:
                self.manifest.note(item, Status(FileState.PENDING))
            except SaveFailed:  # it must not look as if the program had ended meanwhile
                self.manifest.take_back(item, mark)
            raise
        except FileProblem as error:
            made, status = [], Status(FileState.FAILED, error=str(error), problem=error.problem.value, detail=error.detail)
        except PentimentoError as error:
            made, status = [], Status(FileState.FAILED, error=str(error))
        except Exception as error:
            logger.exception("batch %s, file %r", self.manifest.id, item.pair.picture.name)
            made, status = [], Status(FileState.FAILED, error=f"the program failed: {type(error).__name__}: {error}")
        self._end(item, dataclasses.replace(status, seconds=round(time.perf_counter() - begun_s, 3), attempts=attempts))
        return made

    def _begin_job(self, whole: Job, number: int) -> FileJob:
        """The file's own job; in the history its results belong to the whole one."""
        begun: Any = {"id": whole.id, "user": whole.user, "state": JobState.RUNNING, "started_s": time.time()}
        return FileJob(whole.owner, None, KIND, whole=whole, number=number, **begun)

    def _make(self, item: Item, job: FileJob, context: JobContext) -> tuple[list[Made], Status]:
        whole = context.job
        asked = self.make_request(item, context.script_runner())
        job.request, job.recipe = asked.request, asked.recipe
        result = self.process(asked.request, dataclasses.replace(context, job=job))
        if whole.is_interrupted:
            return [], Status(FileState.PENDING)
        if whole.is_skipped:
            return [], Status(FileState.SKIPPED)
        made, status = self._save(item, asked, result, context)
        with job.changing():
            job.state, job.result, job.finished_s = JobState.DONE, result, time.time()
        if self.history is not None:
            self.history.record(job, is_over=False)
            status = dataclasses.replace(status, notes=tuple(dict.fromkeys([*status.notes, *result.notes])))
        return made, status

    def _save(self, item: Item, asked: FileRequest, result: Any, context: JobContext) -> tuple[list[Made], Status]:
        """Write results under their names, or the next free ones; the manifest tells beforehand what will be there."""
        options = context.options.coerced(asked.request.override_settings)
        pictures = list(result.pictures)
        if not pictures:
            raise PentimentoError("the run gave no picture")
        places = [next(index for index, image in enumerate(result.images) if image is picture) for picture in pictures]
        texts = [result.text_of(place) for place in places]
        names = [item.outputs[number] if number < len(item.outputs) else _further(item, number) for number in range(len(pictures))]
        status = _describe(asked, result, len(pictures))
        encoded = [_encode(picture, name, text, options) for picture, name, text in zip(pictures, names, texts, strict=True)]
        paths = self._write(item, names, encoded, status)
        if options.save_txt:
            for path, text in zip(paths, texts, strict=True):
                write_new(path.parent, further_names(f"{path.stem}.txt"), text.encode("utf-8", "replace"))
        result.paths = [paths[places.index(place)] if place in places else None for place in range(len(result.images))]
        seams = [*getattr(result, "seam_scores", []), *[None] * len(paths)]
        made = [
            Made(path, text, seed, status.changed_outside, asked.recipe, seam)
            for path, text, seed, seam in zip(paths, texts, status.seeds, seams, strict=False)
        ]
        return made, dataclasses.replace(status, outputs=tuple(map(str, paths)))

    def _write(self, item: Item, names: Sequence[str], encoded: Sequence[bytes], status: Status) -> list[Path]:
        folder = self.manifest.plan.output_folder
        hashes = tuple(hashlib.sha256(data).hexdigest() for data in encoded)
        paths = [folder / name for name in names]
        saving = dataclasses.replace(status, state=FileState.SAVING, outputs=tuple(map(str, paths)), hashes=hashes)
        self.manifest.note(item, saving)
        for number, data in enumerate(encoded):
            path = write_new(folder, further_names(names[number]), data)
            if path != paths[number]:  # somebody else has taken the name meanwhile
                paths[number] = path
                self.manifest.note(item, dataclasses.replace(saving, outputs=tuple(map(str, paths))))
        return paths

    def _end(self, item: Item, status: Status) -> None:
        self.manifest.note(item, status)
        if self.on_file is not None:
            self.on_file(item, status)


def summarise(counts: Mapping[FileState, int]) -> list[str]:
    """A batch in a few words, in English."""
    failed = counts[FileState.FAILED] + counts[FileState.REFUSED]
    left = counts[FileState.PENDING] + counts[FileState.RUNNING] + counts[FileState.SAVING]
    parts = (("failed", failed), ("skipped", counts[FileState.SKIPPED]), ("left", left))
    return [f"{counts[FileState.DONE]} of {sum(counts.values())} pictures made", *(f"{n} {word}" for word, n in parts if n)]


def _sweep(folder: Path) -> None:
    """Take away what writing left that was cut off by a kill; results appear under their names only when they are whole."""
    for path in folder.glob(PARTS):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > OLD_S:
                path.unlink()


def _describe(asked: FileRequest, result: Any, count: int) -> Status:
    """All that is known of a file's results, before their paths are."""
    changed = [pixels for pixels in result.changed_outside_mask or [] if pixels is not None]
    seeds = [*list(result.all_seeds)[:count], *[result.seed] * count][:count]
    notes = tuple(dict.fromkeys([*asked.notes, *result.notes]))
    return Status(FileState.DONE, seeds=tuple(seeds), changed_outside=sum(changed) if changed else None, notes=notes)


def _encode(picture: Image.Image, name: str, text: str, options: Options) -> bytes:
    infotext = text if options.enable_pnginfo else None
    return encode_image(picture, Path(name).suffix, infotext, quality=options.jpeg_quality, is_lossless=options.webp_lossless)


def _remove_parts(status: Status) -> None:
    """Take away what a run that was killed between two results of a file left; only what is certainly its own."""
    if status.state is FileState.SAVING:
        for path, wanted in zip(map(Path, status.outputs), status.hashes, strict=True):
            if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == wanted:
                path.unlink()


def _further(item: Item, number: int) -> str:
    """A name for a result that was not counted on; scripts may give any number of them."""
    first = Path(item.outputs[0])
    return f"{first.stem}-{number + 1}{first.suffix}"

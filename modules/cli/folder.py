"""`img2img` with a folder: the same batch as the page's, with its manifest, its report, and its way of going on where it was left."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from modules.base.errors import InvalidRequest
from modules.imaging.picture import Picture, open_picture
from modules.pipeline.modes import Mode
from modules.plugins.runner import ScriptRunner
from modules.runtime.batch.listing import PictureFile, mark_of
from modules.runtime.batch.manifest import FileState, Status
from modules.runtime.batch.plan import INPUT, MASKS, OUTPUT, Item
from modules.runtime.batch.requests import FileRequest, scale_mask
from modules.runtime.batch.settings import BatchSettings, MaskSource
from modules.runtime.batch.task import KIND, BatchTask
from modules.runtime.jobs import Job
from modules.runtime.recipe import Recipe
from modules.runtime.session import Session

OWNER = "command line"
STOP_LIMIT_S = 60.0
FLAGS = {INPUT: "--init", MASKS: "--mask", OUTPUT: "--out"}
NOT_OF_FORM = ("init", "mask", "out")
MakeRequest = Callable[[Picture, Image.Image | None, bool], Any]
"""(picture, mask, has it a mask of its own) -> `Img2ImgProcessing`, as the command line has it."""


class FileRequests:
    """Opens the files of a batch; nothing is kept in the store.

    Args:
        make: Makes a request.
        seed: Of every picture.
    """

    def __init__(self, make: MakeRequest, seed: int) -> None:
        self._make, self._seed = make, seed

    def __call__(self, item: Item, scripts: ScriptRunner) -> FileRequest:
        notes: list[str] = []
        picture = open_picture(item.pair.picture.path, item.pair.picture.name)
        mask = None
        if item.pair.mask is not None:
            mask = open_picture(item.pair.mask.path, item.pair.mask.name).image
            if mask.size != picture.image.size:
                mask, note = scale_mask(mask.convert("L"), picture.image.size)
                notes.append(note)
        request = self._make(picture, mask, mask is not None)
        request.seed = self._seed
        return FileRequest(request, notes=tuple(notes))


def repaint_folder(session: Session, arguments: argparse.Namespace, make: MakeRequest, show: Callable[[Job, str], None]) -> bool:
    """Run the batch, or what is left of it; says how every file ended. True when all were made.

    Args:
        make: Makes a file's request.
        show: Shows a job's progress until it is over.

    Raises:
        InvalidRequest: A folder cannot be used.
        PentimentoError: The batch could not go on.
    """
    task = begin(session, arguments, make)
    job = session.submit(task, OWNER, task.job_id, KIND)
    try:
        show(job, arguments.init.name)
    except KeyboardInterrupt:
        job.interrupt()
        job.wait(STOP_LIMIT_S)
        say("img2img: the same command goes on with what is left")
        raise
    result = job.outcome()
    refused = [item for item in task.manifest.plan.items if task.manifest.status(item).state is FileState.REFUSED]
    for item in refused:
        tell(item, task.manifest.status(item))
    say(f"{'; '.join(result.notes)}; report: {task.manifest.folder / 'report.csv'}")
    return all(task.manifest.status(item).state is FileState.DONE for item in task.manifest.plan.items)


def begin(session: Session, arguments: argparse.Namespace, make: MakeRequest) -> BatchTask:
    """The task; what an earlier run of the same command left is gone on with."""
    form = {name: value for name, value in vars(arguments).items() if name not in NOT_OF_FORM}
    recipe = Recipe(Mode.BATCH, json.loads(json.dumps(form, default=str)))
    try:
        task = dataclasses.replace(session.batches, is_local=True).task(recipe, read_settings(arguments), OWNER)
    except InvalidRequest as error:
        raise InvalidRequest(FLAGS.get(error.field, error.field), error.got, error.wanted) from error
    if len(task.manifest.todo()) < len(task.manifest.plan.items):
        say(f"going on: {len(task.manifest.todo())} of {len(task.manifest.plan.items)} pictures are left")
    task.make_request, task.on_file = FileRequests(make, task.manifest.seed), tell
    return task


def read_settings(arguments: argparse.Namespace) -> BatchSettings:
    """Folders as the command line has them; a single mask serves all."""
    settings = BatchSettings(folder=str(arguments.init.resolve()), output_folder=str(arguments.out.resolve()), has_own_size=False)
    mask: Path | None = arguments.mask
    if mask is None:
        return settings
    if mask.is_dir():
        return dataclasses.replace(settings, masks=MaskSource.FOLDER, mask_folder=str(mask.resolve()))
    try:
        file = PictureFile(mask.resolve(), mask.name, mark_of(mask.stat()))
    except OSError as error:
        raise InvalidRequest("--mask", str(mask), "a file or folder that exists") from error
    return dataclasses.replace(settings, masks=MaskSource.ONE, mask_files=(file,))


def tell(item: Item, status: Status) -> None:
    """One line a result, or why there is none; called from the worker's thread while the bar is drawn."""
    name = item.pair.picture.name
    if status.state is FileState.DONE:
        for path, seed in zip(status.outputs, status.seeds, strict=False):
            tqdm.write(f"{path} (seed {seed}, {status.seconds:.1f} s)", file=sys.stdout)
        for note in status.notes:
            tqdm.write(f"note: {name}: {note}", file=sys.stderr)
    elif status.error:
        tqdm.write(f"img2img: {name}: {status.error}", file=sys.stderr)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

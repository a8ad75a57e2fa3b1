"""A stand-in for the pipeline, and short words for running a batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from modules.pipeline.context import ReuseCache
from modules.pipeline.modes import Mode
from modules.pipeline.processed import Processed
from modules.plugins.runner import ScriptRunner
from modules.runtime.batch.batches import Batches
from modules.runtime.batch.manifest import Manifest
from modules.runtime.batch.settings import BatchSettings
from modules.runtime.context import JobContext
from modules.runtime.jobs import Job, JobState
from modules.runtime.recipe import Recipe

RECIPE = Recipe(Mode.BATCH, {"prompt": "a boat", "seed": -1, "steps": 4, "width": 64, "height": 64, "n_iter": 1})


class Pipeline:
    """Gives the start picture back in grey; `before` may do something to a run first."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.before: Callable[[Any, Any], None] = lambda request, context: None

    def __call__(self, request: Any, context: Any) -> Processed:
        self.before(request, context)
        self.requests.append(request)
        count = request.n_iter * request.batch_size
        context.begin(count, request.steps)
        for index in range(count):
            context.begin_iteration(index)
            context.on_step(request.steps, request.steps, None, None)
        grey = [request.init_images[0].convert("L").convert("RGB") for _ in range(count)]
        texts = [f"{request.prompt}\nSteps: {request.steps}, Seed: {request.seed + n}, Sampler: Euler" for n in range(count)]
        seeds = [request.seed + n for n in range(count)]
        changed = [0 if request.image_mask else None] * count
        return Processed(
            None, grey, seeds[0], texts[0], all_seeds=seeds, infotexts=texts, changed_outside_mask=changed, notes=request.notes
        )


def run(batches: Batches, task: Any, watch: Callable[[Job], None] | None = None) -> tuple[Any, Job]:
    job = Job("ann", task, "batch", state=JobState.RUNNING)
    context = JobContext(job, batches.options(), batches.paths, ReuseCache(), lambda *names: None, ScriptRunner)
    if watch is not None:
        watch(job)
    return task.run(context), job


def states(manifest: Manifest) -> str:
    return " ".join(f"{item.pair.picture.name}:{manifest.status(item).state.value}" for item in manifest.plan.items)


def settings_for(folder: Path, **chosen: Any) -> BatchSettings:
    return BatchSettings(folder=str(folder), output_folder=str(folder.parent / "out"), **{"has_own_size": False, **chosen})

"""One request on several checkpoints, so that their pictures can be laid over each other."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from modules.base.errors import PentimentoError
from modules.base.registry import load_dotted
from modules.runtime.batch.file_job import FileJob
from modules.runtime.context import JobContext
from modules.runtime.jobs import Job, JobState
from modules.runtime.recipe import Recipe, Store, build_request

KIND = "compare"
CHECKPOINT = "sd_model_checkpoint"
SEEDS = ("seed", "subseed")
Process = Callable[[Any, Any], Any]


class KeepsResults(Protocol):
    """What is needed of `runtime.history`."""

    def record(self, job: Job, *, is_over: bool = True) -> Any: ...


def recipes_for(recipe: Recipe, titles: Sequence[str]) -> tuple[Recipe, ...]:
    """The same request for each checkpoint: seeds that would be drawn anew each time are drawn once."""
    resolve: Any = load_dotted("modules.pipeline.plan:resolve_seed")
    seeds = {name: resolve(recipe.fields.get(name, -1)) for name in SEEDS}
    overrides = dict(recipe.fields.get("override_settings") or {})
    return tuple(
        dataclasses.replace(recipe, fields={**recipe.fields, **seeds, "override_settings": {**overrides, CHECKPOINT: title}})
        for title in titles
    )


@dataclass
class ModelComparison:
    """What the job of a comparison runs (`jobs.Task`).

    Attributes:
        recipes: Of `recipes_for`, one a checkpoint.
        names: What people call the checkpoints.
        script_args: Values of scripts' controls, those that a recipe cannot keep included.
        store: Has the pictures.
        process: Runs one request.
        history: Is told of each checkpoint's results.
    """

    recipes: Sequence[Recipe]
    names: Sequence[str]
    script_args: Sequence[Any]
    store: Store
    process: Process
    history: KeepsResults

    def run(self, context: JobContext) -> Any:
        """Run them one after another; each loads its checkpoint.

        Returns:
            A `Processed` of all their pictures, with `recipes` (one a picture), `names`, and `pairs`: places of the pictures of the first
            and of the second checkpoint that belong together. A checkpoint after the first that cannot be used becomes a note.
            None when interrupted before there was anything.

        Raises:
            Whatever the first checkpoint's run raises.
        """
        context.expect(len(self.recipes))
        parts: list[Any] = []
        used: list[Recipe] = []
        notes: list[str] = []
        for number, recipe in enumerate(self.recipes):
            if context.is_interrupted():
                break
            try:
                parts.append(self._make(number, recipe, context))
                used.append(recipe)
            except PentimentoError as error:
                if not parts:
                    raise
                notes.append(f"{self.names[number]}: {error}")
            context.clear_skip()
        if not parts:
            return None
        with context.job.changing() as job:  # not before: one that was cut off is not begun again as if it were its first part
            job.recipe = self.recipes[0]
        return self._join(parts, used, notes)

    def _make(self, number: int, recipe: Recipe, context: JobContext) -> Any:
        """One checkpoint's results, kept in the history."""
        whole = context.job
        begun: Any = {"id": whole.id, "user": whole.user, "state": JobState.RUNNING, "started_s": time.time(), "recipe": recipe}
        job = FileJob(whole.owner, None, KIND, whole=whole, number=number, **begun)
        request = build_request(recipe, self.store, options=context.options)
        request.script_args = list(self.script_args)
        job.request = request
        result = self.process(request, dataclasses.replace(context, job=job))
        with job.changing():
            job.state, job.result, job.finished_s = JobState.DONE, result, time.time()
        self.history.record(job, is_over=False)
        return result

    def _join(self, parts: Sequence[Any], used: Sequence[Recipe], notes: Sequence[str]) -> Any:
        processed: Any = load_dotted("modules.pipeline.processed:Processed")
        whole = processed.joined(None, parts)
        whole.notes = [*whole.notes, *notes]
        counts = [len(part.images) - part.index_of_first_image for part in parts]
        whole.recipes = [recipe for recipe, count in zip(used, counts, strict=True) for _ in range(count)]
        whole.names = list(self.names)
        whole.pairs = [(place, counts[0] + place) for place in range(min(counts))] if len(counts) > 1 else []
        return whole

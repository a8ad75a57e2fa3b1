"""The one `Session` of a running program: options, checkpoints, the job queue and its progress.

Importing this module, and making a `Session`, imports no torch: what needs it is loaded by dotted name when a job runs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.backends.upscalers.watch import WATCH
from modules.base.errors import InvalidRequest, PentimentoError, UnknownName
from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.pipeline.context import ReuseCache
from modules.plugins.callbacks import CALLBACKS
from modules.plugins.dependencies import offer_dependencies
from modules.plugins.discovery import ScriptFile, find_scripts
from modules.plugins.extensions import Extension, find_extensions, what_is_left_out
from modules.plugins.loader import ScriptLibrary
from modules.plugins.postprocessing_loader import PostprocessingLibrary
from modules.plugins.runner import ScriptRunner
from modules.runtime.batch.batches import Batches
from modules.runtime.batch.task import KIND as BATCH
from modules.runtime.comparison import Comparer
from modules.runtime.context import JobContext
from modules.runtime.downloads.downloads import KIND as FETCH
from modules.runtime.downloads.downloads import Downloads
from modules.runtime.extras.extras import Extras
from modules.runtime.history.history import History
from modules.runtime.history.job_rows import JobRow
from modules.runtime.history.resuming import resume_jobs
from modules.runtime.history.upkeep import start_upkeep
from modules.runtime.jobs import Job, JobQueue, JobState, Task
from modules.runtime.layers.backends import make_backends
from modules.runtime.layers.library import LayerLibrary
from modules.runtime.layers.refining import Refiner
from modules.runtime.layers.task import KIND as LAYERS
from modules.runtime.layers.work import LayerWork
from modules.runtime.layers.workshop import Workshop
from modules.runtime.mask_work import SUBJECT_FILE, MaskWork
from modules.runtime.memory_queue import MemoryJobQueue
from modules.runtime.model_loading import ModelLoader
from modules.runtime.model_pool import ModelPool
from modules.runtime.notices import Notices
from modules.runtime.presets import Preset, preset_for
from modules.runtime.recipe import ASSET_KEY, Recipe, build_request, recipe_of
from modules.runtime.store import AssetStore
from modules.runtime.token_counter import TokenCounter
from modules.runtime.upscaling import make_upscalers
from modules.runtime.workflows.counter import Counter
from modules.runtime.workflows.model_files import ModelFiles
from modules.runtime.workflows.task import KIND as WORKFLOW
from modules.runtime.workflows.workflows import Workflows
from modules.settings.flags import Flags
from modules.settings.options import Options
from modules.settings.store import OptionsStore

logger = logging.getLogger(__name__)

IMG2IMG, LOADING = "img2img", "load"
BESIDE = (LOADING, FETCH)
"""Kinds of jobs that no picture waits for: they count neither as progress nor for `interrupt`."""
HEAVY_FIELDS = (
    *("sd_model", "context", "prepared", "encoded", "init_latent", "mask", "nmask", "image_conditioning", "rng"),
    *("mask_for_overlay", "overlay_images", "color_corrections", "latent_mask", "c", "uc", "sampler"),
)
"""Fields of an `Img2ImgProcessing` that a run fills in and nobody needs afterwards."""

Process = Callable[[Any, Any], Any]
"""(Img2ImgProcessing, RunContext) -> Processed."""


@dataclass(frozen=True)
class Progress:
    """What the program is doing now.

    Attributes:
        job: The running or waiting job that was asked about; None = idle.
        progress: 0 to 1; exactly 0.0 when idle.
        eta_s: Seconds left; 0.0 when unknown or idle.
        waiting: Jobs that have not begun.
        is_own: Whether `job` belongs to the owner who asked.
    """

    job: Job | None = None
    progress: float = 0.0
    eta_s: float = 0.0
    waiting: int = 0
    is_own: bool = True


class Session:
    """Everything that entrances (page, API, command line) share.

    Args:
        paths: Folders of the installation.
        flags: Command line.
        process: Runs one request; the pipeline's `process_images` when left out.
        keeps_history: Record results, if the option says so too; off where results go where the person said, and nowhere else.

    Attributes:
        options: The `OptionsStore`; `options.current` is the snapshot in force.
        notices: What a person should know of the program's files.
        tokens: Counts the tokens of prompts.
        catalog: `backends.catalog.Catalog`.
        loader: Loads models, and knows the VAE files.
        pool: The loaded model.
        queue: All jobs.
        loras: `backends.loras.catalog.LoraCatalog`.
        embeddings: `backends.embeddings.catalog.EmbeddingCatalog`.
        upscalers: `backends.upscalers.catalog.UpscalerCatalog`.
        cache: Conditioning and encoded pictures kept between jobs.
        extensions: All extensions, in the order they are loaded; `is_enabled` tells which run.
        library: All scripts; `library.broken` tells which were left out.
        store: All pictures that were opened, painted or made, by id.
        history: All results with their inputs and settings, and the jobs that outlive the program.
        comparer: Lays results beside the canvases they came from.
        masks: Work on masks that are in the store.
        extras: Post-processing of finished pictures.
        layers: All layered documents.
        layer_work: Takes pictures apart, and what else is done with layers besides edits.
        workflows: ComfyUI's workflows: opens them, and makes jobs of them.
        counter: Where ComfyUI's clients post theirs.
        downloads: Fetches known models.
    """

    def __init__(self, paths: Paths, flags: Flags, *, process: Process | None = None, keeps_history: bool = True) -> None:
        self.paths, self.flags = paths, flags
        self.options = OptionsStore(paths.config)
        self.notices = Notices(self.options, paths.styles)
        self.tokens = TokenCounter(self, paths.vocabulary)
        make_catalog: Any = load_dotted("modules.backends.catalog:Catalog")
        self.catalog = make_catalog(checkpoint_folders(paths, flags), paths.cache / "checkpoints.json")
        self.loader = ModelLoader(paths, flags, checkpoint_folders(paths, flags))
        self.pool = ModelPool(
            self.catalog,
            self.loader.load,
            lambda info: self.loader.settings(info, self.options.current),
            on_loaded=lambda model: CALLBACKS.call("on_model_loaded", model),
        )
        make_loras: Any = load_dotted("modules.backends.loras.catalog:LoraCatalog")
        self.loras = make_loras(lora_folders(paths, flags), paths.cache / "loras.json")
        make_embeddings: Any = load_dotted("modules.backends.embeddings.catalog:EmbeddingCatalog")
        self.embeddings = make_embeddings(embedding_folders(paths, flags))
        self.upscalers = make_upscalers(paths, flags, lambda: self.options.current)
        self.cache = ReuseCache()
        self.store = AssetStore(paths.outputs / "store", lambda: int(self.options.current.img_max_size_mp * 1_000_000))
        self.comparer = Comparer(self.store, lambda: self.options.current)
        self.masks = MaskWork(self.store, (paths.models / SUBJECT_FILE, paths.builtin_models / SUBJECT_FILE))
        self.extensions = self.find_extensions()
        self.library = ScriptLibrary(self._find_scripts, _make_controls_context)
        database = paths.outputs / "history.sqlite"
        self.history = History(database, self.store, paths.data, lambda: self.options.current, is_kept=keeps_history)
        self.queue: JobQueue = MemoryJobQueue(self._run, self.history.jobs)
        self._process = process
        self.downloads = Downloads(paths.models, paths.cache / "downloads.json", self.queue, self._on_fetched)
        self.layers = LayerLibrary(paths.outputs / "layers")
        backends = make_backends(paths, flags, Refiner(self.process, self.checkpoints))
        tools = (backends, self.upscalers, lambda: self.options.current, self.process, self.preset, flags.is_local)
        self.layer_work = LayerWork(Workshop(paths, self.layers, self.store, *tools))
        models = ModelFiles(self.catalog.scan, self.loader.vaes, self.loras.scan, self.upscalers.files, self.embeddings.scan)
        known: Any = self.downloads.find
        self.workflows = Workflows(paths, self.store, models, self.loader, backends, lambda: self.options.current, known)
        self.counter = Counter(self.workflows, self.queue, BESIDE)
        postprocessing = PostprocessingLibrary(self.library, _make_controls_context, lambda: self.options.current)
        self.extras = Extras(paths, self.store, lambda: self.options.current, postprocessing, self.history)
        self.batches = Batches(paths, flags.is_local, self.store, lambda: self.options.current, self.checkpoint, self.process, self.history)

    @property
    def scripts(self) -> ScriptRunner:
        """The img2img scripts; the first to ask waits until they are loaded."""
        return self.library.img2img

    def find_extensions(self) -> list[Extension]:
        """All extensions as they are on the disk and in the settings now; `extensions` are those that this start found."""
        options = self.options.current
        without = what_is_left_out(self.flags, options.disable_all_extensions)
        folders = (self.paths.builtin_extensions, self.paths.extensions)
        return find_extensions(*folders, options.disabled_extensions, without, is_safe=self.flags.safe)

    def _find_scripts(self) -> list[ScriptFile]:
        """Script files in the order they are loaded; none under `--safe`."""
        for extension in self.extensions:
            if extension.is_enabled and extension.missing:
                logger.warning("extension %s %s", extension.name, extension.reason)
        offer_dependencies(extension for extension in self.extensions if extension.is_enabled)
        return [] if self.flags.safe else find_scripts(self.paths.scripts, self.extensions)

    def submit(
        self,
        request: Any,
        owner: str,
        job_id: str | None = None,
        kind: str = IMG2IMG,
        *,
        recipe: Recipe | None = None,
        user: str | None = None,
    ) -> Job:
        """Queue a request (an `Img2ImgProcessing`, or a `Task`); returns at once.

        Args:
            request: What the pipeline will get.
            owner: Who asks; `interrupt(owner)` acts on this one's jobs.
            job_id: Wanted id; made unique if a live job has it.
            recipe: What makes the same request again; with one, the job is written down before this returns, and outlives the program.
            user: Login of the person; None = the request's.
        """
        job = Job(owner, request, kind, user or getattr(request, "user", None), recipe)
        job.id = job_id or job.id
        return self.queue.submit(job)

    def interrupt(self, owner: str | None = None) -> Job | None:
        """Stop `owner`'s job: the running one, else the first waiting; None = whichever runs. Returns it."""
        job = self._current(owner)
        if job is not None:
            self.queue.interrupt(job)
        return job

    def skip(self, owner: str | None = None) -> Job | None:
        """Skip the batch in hand of `owner`'s running job; None = whichever runs. Returns the job."""
        job = self._current(owner)
        if job is None or job.state is not JobState.RUNNING:
            return None
        job.skip()
        return job

    def progress(self, owner: str | None = None) -> Progress:
        """How far `owner`'s job is (the running one, else the first waiting), or else anybody's running job."""
        waiting = sum(job.state is JobState.QUEUED and job.kind not in BESIDE for job in self.queue.jobs())
        job = self._current(owner)
        is_own = job is not None
        job = job or self._current(None)
        if job is None:
            return Progress(waiting=waiting)
        return Progress(job, job.progress, job.eta_s or 0.0, waiting, is_own)

    def checkpoints(self) -> list[Any]:
        """All `CheckpointInfo`, also those that are greyed (`is_supported`, `reason`)."""
        return self.catalog.scan()

    def checkpoint(self, name: str | None = None) -> Any:
        """The checkpoint that a job with this name would use; empty = the configured one.

        Raises:
            UnknownName, MissingModel, UnsupportedCheckpoint: See `ModelPool.choose`.
        """
        if name:
            return self.pool.choose(name)
        configured = self.options.current.sd_model_checkpoint
        for candidate in (configured, str(self.flags.ckpt.resolve()) if self.flags.ckpt else ""):
            try:
                if candidate:
                    return self.pool.choose(candidate)
            except UnknownName:
                logger.warning("checkpoint %r is gone; using the default one", candidate)
        return self.pool.choose(None)

    def preset(self, name: str | None = None) -> Preset:
        """The page's and command line's start values for a checkpoint; empty = the configured one."""
        return preset_for(self.checkpoint(name))

    def samplers(self) -> list[Any]:
        """`SamplerSpec`s in the order of the table (imports torch on first use)."""
        table: Any = load_dotted("modules.engine.samplers.table:SAMPLERS")
        return [spec for _, spec in table.items()]

    def schedulers(self) -> list[Any]:
        """Scheduler specs in the order of the table (imports torch on first use)."""
        table: Any = load_dotted("modules.engine.schedules:SCHEDULERS")
        return [spec for _, spec in table.items()]

    def resume_jobs(self) -> list[Job]:
        """Queue again what was not finished when the program ended, and know again what was; once, at the start. Returns what waits now."""
        self.downloads.resume()
        return resume_jobs(self.history, self.queue, self._remake)

    def start_upkeep(self) -> threading.Thread:
        """Put in order, in the background, what a killed process left behind; once, at the start."""
        return start_upkeep(self.history, self.paths, self.options.current)

    def close(self) -> None:
        """Stop the running job and drop the waiting ones; those with a recipe wait again after the next start."""
        self.queue.close()
        self.downloads.close()
        CALLBACKS.call("on_before_reload")
        CALLBACKS.call("on_script_unloaded")
        self.history.close()

    def _current(self, owner: str | None) -> Job | None:
        live = [job for job in self.queue.jobs() if not job.state.is_final and job.kind not in BESIDE and owner in (None, job.owner)]
        live.sort(key=lambda job: job.state is not JobState.RUNNING)
        return live[0] if live else None

    def model(self, name: str | None = None, options: Options | None = None) -> Any:
        """The loaded `DiffusionModel` for `name` (empty = the configured one), as `options` want it (None = those in force)."""
        info = self.checkpoint(name)
        return self.pool.ensure(info, self.loader.settings(info, options or self.options.current))

    def rounds(self, name: str | None = None) -> bool:
        """Whether the checkpoint of that name (empty = the configured one) would compute in bfloat16; False where there is none."""
        try:
            settings = self.loader.settings(self.checkpoint(name), self.options.current)
        except PentimentoError:
            return False
        return str(settings.dtype) == "torch.bfloat16"

    def load_model(self, owner: str = "program") -> Job:
        """Queue the loading of the configured model; such a job counts neither as progress nor for `interrupt`."""
        return self.queue.submit(Job(owner, None, LOADING))

    def process(self, request: Any, context: Any) -> Any:
        """Run one request within a job; a `Task` calls this for each of its own. Returns a `Processed`."""
        return self._pipeline()(request, context)

    def _pipeline(self) -> Process:
        process: Any = self._process or load_dotted("modules.pipeline.run:process_images")
        return process

    def _run(self, job: Job) -> Any:
        if job.kind == LOADING:
            self.model()
            self.library.load()
            self._pipeline()
            return None
        outlives_program = job.recipe is not None
        try:
            self._note_recipe(job)
            context = self._context(job)
            watch = WATCH.set(context)
            try:
                job.result = job.request.run(context) if isinstance(job.request, Task) else self.process(job.request, context)
            finally:
                WATCH.reset(watch)
        finally:
            _let_go(job.request)
        if not (job.is_put_off and outlives_program):
            self.history.record(job)
        return job.result

    def _on_fetched(self, model: Path, sha256: str) -> None:
        if sha256:
            self.catalog.note_hash(model, sha256)
        self.catalog.scan()

    def _note_recipe(self, job: Job) -> None:
        """What was asked for, before the run changes the request."""
        if job.recipe is not None or not self.history.is_on or not getattr(job.request, "init_images", None):
            return
        try:
            job.recipe = recipe_of(job.request, self.store, job.request.scripts)
        except Exception:  # the picture matters more
            logger.exception("what job %s was asked for could not be kept", job.id)
            job.recipe = Recipe(is_whole=False)

    def _remake(self, row: JobRow) -> Any:
        """The request of a job of before a restart."""
        recipe = row.recipe or Recipe()
        if row.kind == BATCH:
            return self.batches.revive(row.id)
        if row.kind == LAYERS:
            return self.layer_work.task(recipe, row.user)
        if row.kind == WORKFLOW:
            return self.workflows.task(recipe, row.user)
        if row.kind != IMG2IMG:
            raise InvalidRequest("kind", row.kind, f"{IMG2IMG}: other work is begun again where it was started")
        has_scripts = recipe.script is not None or recipe.alwayson
        return build_request(recipe, self.store, self.scripts if has_scripts else None, options=self.options.current)

    def _keep_picture(self, image: Any) -> str:
        """The id under which the store has a picture: the file that it was opened from where its pixels are the same."""
        asset_id = image.info.get(ASSET_KEY)
        if image.mode == "RGB" and self.store.has(asset_id):
            kept = self.store.open(asset_id).image
            if kept.size == image.size and kept.convert("RGB").tobytes() == image.tobytes():
                return str(asset_id)
        return self.store.add_picture(image).id

    def _context(self, job: Job) -> JobContext:
        options, user = self.options.current, job.user or ""
        lists = {"loras": self.loras, "embeddings": self.embeddings, "upscalers": self.upscalers}
        return JobContext(job, options, self.paths, self.cache, self.model, lambda: self.scripts, user, **lists, keep=self._keep_picture)


def _let_go(request: Any) -> None:
    """Drop what a remembered request would keep in memory: the model, tensors, prepared pictures."""
    for name in HEAVY_FIELDS:
        if getattr(request, name, None) is not None:
            setattr(request, name, None)


def _make_controls_context() -> Any:
    """What scripts build their controls in where there is no page."""
    make_blocks: Any = load_dotted("gradio:Blocks")
    return make_blocks(analytics_enabled=False)


def checkpoint_folders(paths: Paths, flags: Flags) -> list[Path]:
    """Folders that are searched for checkpoints, each once."""
    folders = [paths.models / "Stable-diffusion", paths.builtin_models / "Stable-diffusion"]
    if flags.ckpt_dir is not None:
        folders.append(flags.ckpt_dir)
    if flags.ckpt is not None:
        folders.append(flags.ckpt.parent)
    return list(dict.fromkeys(folder.resolve() for folder in folders))


def lora_folders(paths: Paths, flags: Flags) -> list[Path]:
    """Folders that are searched for LoRA files, each once; of files with the same name, the one in `--lora-dir` counts."""
    folders = [paths.builtin_models / "Lora", paths.models / "Lora", *([flags.lora_dir] if flags.lora_dir is not None else [])]
    return list(dict.fromkeys(folder.resolve() for folder in folders))


def embedding_folders(paths: Paths, flags: Flags) -> list[Path]:
    """Folders that are searched for textual inversions, each once; of files with the same name, the one in `--embeddings-dir` counts."""
    asked = [flags.embeddings_dir] if flags.embeddings_dir is not None else []
    folders = [*asked, paths.data / "embeddings", paths.models / "embeddings", paths.builtin_models / "embeddings"]
    return list(dict.fromkeys(folder.resolve() for folder in folders))

"""What a running graph may ask of the program, and tell it (`pipeline.workflows.context.GraphContext`)."""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from modules.base.registry import load_dotted
from modules.imaging.metadata import write_png
from modules.imaging.saving import write_new
from modules.pipeline.workflows.context import SavedPicture
from modules.pipeline.workflows.graph import Graph
from modules.pipeline.workflows.results import NodeResults
from modules.runtime.context import JobContext
from modules.runtime.layers.backends import BUILT_IN, LayerBackends
from modules.runtime.store import AssetStore
from modules.runtime.workflows.inputs import TEMPORARY, FileName, PictureFolders, check_name
from modules.runtime.workflows.model_files import CHECKPOINTS, EMBEDDINGS, LORAS, UPSCALERS, VAES, ModelFiles
from modules.runtime.workflows.prefixes import expand_prefix, next_counter
from modules.runtime.workflows.result import KeptPicture
from modules.runtime.workflows.task import SENDS, GraphTask

logger = logging.getLogger(__name__)

COMPRESS_LEVEL = 4
MOST_FILES = 10_000
KEPT_VAES, KEPT_SHOWN = 2, 500
Describe = Callable[[Graph, str, Image.Image], Mapping[str, Any]]
"""(graph, output node, picture) -> infotext, prompt, negative_prompt, seed."""


@dataclasses.dataclass
class Tools:
    """What all runs share.

    Attributes:
        loader: `runtime.model_loading.ModelLoader`.
        results: What nodes gave in earlier runs.
        describe: Says how a picture was made.
    """

    folders: PictureFolders
    models: ModelFiles
    store: AssetStore
    loader: Any
    backends: LayerBackends
    describe: Describe
    results: NodeResults = dataclasses.field(default_factory=NodeResults)
    vaes: dict[Hashable, Any] = dataclasses.field(default_factory=dict)


class RunningGraph:
    """The context of one run; see `GraphContext` for what its methods promise.

    Args:
        tools: What all runs share.
        task: Is told what is done, and tells its listeners.
        job: The job's context.
        graph: What runs.
    """

    def __init__(self, tools: Tools, task: GraphTask, job: JobContext, graph: Graph) -> None:
        self._tools, self._task, self._job, self._graph = tools, task, job, graph
        self._places = {node: index for index, node in enumerate(task.needed)}
        self.results = tools.results

    def stamp(self, kind: str, name: str) -> Hashable:
        """Asset id of a picture that was handed in; size and time of change of a file, and how it is loaded."""
        if kind not in ("pictures", "results"):
            stamp = self._tools.models.stamp(kind, name)
            return (stamp, self._job.options.loading()) if stamp is not None and kind in (CHECKPOINTS, VAES) else stamp
        if name in self._task.order.pictures:
            return self._task.order.pictures[name]
        if not self._tools.folders.has(name, self._task.user):
            return None
        path = self._tools.folders.find(name, self._task.user)
        status = path.stat()
        return str(path), status.st_size, status.st_mtime_ns

    def checkpoint(self, name: str) -> Any:
        """Loaded with the VAE that is in the file; a form's job may have left it with tileable borders."""
        info = self._tools.models.find(CHECKPOINTS, name).entry
        model = self._job.model(info.title, dataclasses.replace(self._job.options, sd_vae="None"))
        model.set_tiling(False)
        return model

    def vae(self, name: str) -> Any:
        """Two are kept."""
        file, tools = self._tools.models.find(VAES, name), self._tools
        settings = tools.loader.place(self._job.options)
        key = (tools.models.stamp(VAES, name), settings)
        if key not in tools.vaes:
            load: Any = load_dotted("modules.backends.lone_vae:load_vae")
            while len(tools.vaes) >= KEPT_VAES:
                tools.vaes.pop(next(iter(tools.vaes)))
            tools.vaes[key] = load(file.path, *settings)
        return tools.vaes[key]

    def lora(self, name: str) -> Any:
        """Its tensors are read when they are merged."""
        info = self._tools.models.find(LORAS, name).entry
        read: Any = load_dotted("modules.backends.loras.file:read_lora")
        return read(info.path, info.name, self._job.loras.memory)

    def embeddings(self, model: Any) -> Any:
        """Those that fit the model's text encoder."""
        return self._job.embeddings.table(model.text)

    def upscale(self, name: str, picture: Image.Image) -> Image.Image:
        """One pass, by what the network was made for."""
        upscaler = self._tools.models.find(UPSCALERS, name).entry
        made: Image.Image = upscaler.step(picture, upscaler.scale)
        return made

    def decomposer(self, name: str) -> Any:
        """One of the layers tab's."""
        return self._tools.backends.usable(name or BUILT_IN)

    def picture(self, name: str) -> bytes:
        """One that was handed in under this name, else a file."""
        asset = self._task.order.pictures.get(name)
        if asset is not None:
            return self._tools.store.path(asset).read_bytes()
        return self._tools.folders.read(name, self._task.user)

    def save(self, node: str, pictures: Sequence[Image.Image], prefix: str, kind: str) -> list[SavedPicture]:
        """PREFIX_00001_.png and so on, each file whole or not at all, with the workflow inside."""
        if kind == TEMPORARY:
            self._forget_shown()
        saved: list[SavedPicture] = []
        width, height = pictures[0].size if pictures else (0, 0)
        expanded = expand_prefix(prefix, width, height, self._graph, datetime.now())
        subfolder, _, stem = check_name(expanded).rpartition("/")
        folder, where = self._tools.folders.subfolder(kind, subfolder, self._task.user)
        for number, picture in enumerate(pictures):
            plain = stem.replace("%batch_num%", str(number))
            facts = self._describe(node, picture, kind)
            data = self._encode(picture, facts, kind)
            counters = itertools.islice(itertools.count(next_counter(folder, plain)), MOST_FILES)
            path = write_new(folder, (f"{plain}_{counter:05}_.png" for counter in counters), data)
            asset = self._tools.store.add(data, path.name, source=path)
            file = FileName(path.name, where, kind)
            self._task.pictures.setdefault(node, []).append(KeptPicture(file, path, asset.id, facts))
            if self._graph.nodes[node].class_type == SENDS:
                self._task.tell("picture", {"node": node, "image": picture})
                continue
            saved.append(SavedPicture(file.filename, file.subfolder, file.type))
            self._job.on_saved(path, str(facts.get("infotext", "")))
        return saved

    def is_interrupted(self) -> bool:
        return self._job.is_interrupted()

    def on_node(self, node: str) -> None:
        self._task.node = node
        with self._job.job.changing() as job:
            job.image_no, job.step, job.steps = self._places.get(node, job.image_no), 0, 0
            job.textinfo = f"{self._graph.nodes[node].title or self._graph.nodes[node].class_type} ({node})"
        self._task.tell("node", {"node": node})

    def on_step(self, node: str, step: int, total: int, latent: Any = None, model: Any = None) -> None:
        shown = self._job.job.preview_no
        if latent is not None:
            self._job.on_step(step, total, latent, model)
        else:
            with self._job.job.changing() as job:
                job.step, job.steps = step, total
        self._task.tell("step", {"node": node, "step": step, "total": total})
        if self._job.job.preview_no != shown:
            self._task.tell("preview", {"node": node, "image": self._job.job.preview})

    def on_done(self, node: str, pictures: Sequence[SavedPicture], *, is_reused: bool) -> None:
        self._task.done.append(node)
        if is_reused:
            self._task.reused.append(node)
        self._task.tell("done", {"node": node, "pictures": list(pictures), "is_reused": is_reused})

    def note(self, text: str) -> None:
        if text not in self._task.notes:
            self._task.notes.append(text)

    def _describe(self, node: str, picture: Image.Image, kind: str) -> Mapping[str, Any]:
        """A text that fails must not cost the picture."""
        if kind == TEMPORARY:
            return {}
        try:
            return self._tools.describe(self._graph, node, picture)
        except Exception:
            logger.exception("how the picture of node %s was made could not be said", node)
            return {}

    def _forget_shown(self) -> None:
        """Of pictures that were only shown, the newest stay."""
        folder = self._tools.folders.folder(TEMPORARY, self._task.user)
        files = sorted((path for path in folder.glob("*.png")), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
        for path in files[:-KEPT_SHOWN]:
            path.unlink(missing_ok=True)

    def _encode(self, picture: Image.Image, facts: Mapping[str, Any], kind: str) -> bytes:
        options, order = self._job.options, self._task.order
        has_info, has_workflow = options.enable_pnginfo, options.save_workflow
        items = {"prompt": json.dumps(order.graph)} if has_workflow else {}
        if has_workflow and order.drawn is not None:
            items["workflow"] = json.dumps(order.drawn)
        infotext = str(facts.get("infotext", "")) if has_info else ""
        return write_png(picture, infotext or None, items, compress_level=COMPRESS_LEVEL)


def embedding_names(models: ModelFiles) -> list[str]:
    """Without extension, as `/embeddings` lists them."""
    return sorted({Path(name).stem for name in models.names(EMBEDDINGS)}, key=str.casefold)

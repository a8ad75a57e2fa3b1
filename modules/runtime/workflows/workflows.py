"""Workflows as page, API and command line ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest, PentimentoError, UnknownName, UnsafePath
from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.pipeline.workflows.checking import check, runnable_outputs, settle
from modules.pipeline.workflows.form import FormMatch
from modules.pipeline.workflows.graph import Graph, Problem, Workflow
from modules.runtime.context import JobContext
from modules.runtime.layers.backends import LayerBackends
from modules.runtime.recipe import Recipe
from modules.runtime.store import AssetStore
from modules.runtime.workflows.api_graph import change_inputs, graph_json
from modules.runtime.workflows.context import RunningGraph, Tools
from modules.runtime.workflows.describing import describe_picture
from modules.runtime.workflows.filling import FormFiller
from modules.runtime.workflows.inputs import INPUT, OUTPUT, TEMPORARY, PictureFolders, check_name, split_annotation
from modules.runtime.workflows.model_files import MODEL_LISTS, ModelFiles
from modules.runtime.workflows.opened import Opened, OpenWorkflows, list_of, model_inputs, picture_inputs
from modules.runtime.workflows.prefixes import expand_prefix
from modules.runtime.workflows.redrawing import redraw
from modules.runtime.workflows.task import SAVES, GraphOrder, GraphTask
from modules.settings.options import Options

PICTURE_LISTS = {INPUT: "pictures", OUTPUT: "results", TEMPORARY: "temporary"}
SAMPLING = {"samplers": "samplers.table:SAMPLERS", "schedulers": "schedules:SCHEDULERS"}
OTHER_MODEL = "other_model"
"""Kind of problem: another file is taken for one that is not here."""


class Workflows:
    """What opens workflows and makes jobs of them.

    Attributes:
        folders: Pictures by the names that workflows have for them.
        models: Model files likewise.
        opened: The last that were opened.
    """

    def __init__(
        self,
        paths: Paths,
        store: AssetStore,
        models: ModelFiles,
        loader: Any,
        backends: LayerBackends,
        options: Callable[[], Options],
        find_known: Callable[[str], Mapping[str, Any] | None] = lambda name: None,
    ) -> None:
        self._store, self.models = store, models
        self.folders = PictureFolders(paths, store)
        self._filler = FormFiller(store, models, options)
        self.opened = OpenWorkflows(paths.cache / "workflows", self.check, self._keep_picture, self._match, find_known)
        self._tools = Tools(self.folders, models, store, loader, backends, describe_picture)

    def choices(self, graph: Graph | None = None, user: str | None = None) -> dict[str, list[str]]:
        """Names by list, as widgets offer them.

        Args:
            graph: Names in it by which something is found count as well, however its folder is called here.
        """
        models = self.models.at_once()
        lists = {kind: models.names(kind) for kind in MODEL_LISTS}
        lists |= {name: self.folders.names(user, kind) for kind, name in PICTURE_LISTS.items()}
        for name in ("samplers", "schedulers"):
            table: Any = load_dotted(f"modules.engine.comfyui.{SAMPLING[name]}")
            lists[name] = [each for each, _ in table.items()]
        for kind, value in dict.fromkeys(_named(graph)) if graph is not None else ():
            plain, _ = split_annotation(value)
            is_picture = kind in PICTURE_LISTS.values()
            name = plain if is_picture else value
            if kind in lists and name not in lists[kind] and (self.folders.has(value, user) if is_picture else models.has(kind, value)):
                lists[kind].append(name)
        return lists

    def order(
        self,
        opened: Opened,
        changes: Mapping[str, Any] | None = None,
        pictures: Mapping[str, str] | None = None,
        outputs: Sequence[str] = (),
        user: str | None = None,
    ) -> Recipe:
        """The order to run an opened workflow.

        Args:
            changes: Other values of widgets, by "NODE.INPUT".
            pictures: Asset ids of pictures, by the names that the workflow has for them; those that are not in the input folder yet
                are put there.
            outputs: Only these output nodes; empty = all that can run.

        Raises:
            InvalidRequest: A problem stands in the way of all outputs, a change fits no widget, or an output is none.
            UnknownAsset: A picture is not kept.
        """
        graph, handed = change_inputs(opened.workflow.graph, changes or {}), dict(pictures or {})
        named = [*(name for _, _, name in picture_inputs(graph)), *(picture.name for picture in opened.pictures)]
        for name, asset in handed.items():
            if name not in named:
                raise UnknownName("pictures", name, named)
            self.folders.put(name, self._store.path(asset), user)
        problems = [*opened.workflow.problems, *self.check(graph, user, handed)]
        wanted = self.runnable(graph, problems, outputs)
        order = self.make_order(graph, wanted, problems, lambda stand_ins: redraw(opened.drawn, {**(changes or {}), **stand_ins}))
        return Recipe(workflow=replace(order, pictures=handed, name=opened.name).as_json())

    def make_order(
        self, graph: Graph, outputs: Sequence[str], problems: Sequence[Problem], draw: Callable[[Mapping[str, Any]], Any]
    ) -> GraphOrder:
        """What a job is to do: the graph with the models that are taken for those that are not here, which its notes say.

        Args:
            problems: From `check`.
            draw: Gives the drawing for these other values, by "NODE.INPUT".
        """
        others = [one for one in problems if one.kind == OTHER_MODEL]
        stand_ins = {f"{one.node}.{one.field}": one.wanted for one in others}
        notes = list(dict.fromkeys(f"{one.got} is not here; {one.wanted} was taken for it" for one in others))
        return GraphOrder(graph_json(settle(change_inputs(graph, stand_ins))), outputs, drawn=draw(stand_ins), notes=notes)

    def stand_ins(self, graph: Graph) -> list[Problem]:
        """Models that are taken for such that are not here: got = as the graph names it, wanted = the file that is taken."""
        models, found = self.models.at_once(), []
        for node, name, kind, value in model_inputs(graph):
            other = models.stand_in(kind, value)
            if other is not None:
                found.append(Problem(node.id, node.class_type, OTHER_MODEL, name, value, other.name))
        return found

    def recipe(self, workflow_id: str, pictures: Mapping[str, str] | None = None, user: str | None = None) -> Recipe:
        """An opened workflow as a filled form.

        Args:
            pictures: As for `order`.

        Raises:
            UnknownWorkflow, UnknownAsset: It, or a picture, is gone.
            InvalidRequest: The form cannot express it, or a picture is missing.
        """
        opened = self.opened.find(workflow_id, user)
        return self._filler.recipe(opened.workflow, lambda name: self._read(name, pictures or {}, user))

    def check(self, graph: Graph, user: str | None = None, handed: Mapping[str, str] | None = None) -> list[Problem]:
        """What stands in the way of a graph here and now; pictures that are `handed` in are there."""
        choices = self.choices(graph, user)
        for name in handed or {}:
            plain, kind = split_annotation(name)
            choices[PICTURE_LISTS[kind]].append(plain)
        return [*_with_prefixes(graph, check(graph, choices)), *self.stand_ins(graph)]

    def runnable(self, graph: Graph, problems: Sequence[Problem], outputs: Sequence[str] = ()) -> list[str]:
        """Those of `outputs` (empty = all) that nothing stands in the way of.

        Raises:
            InvalidRequest: There is none.
        """
        wanted = [each for each in runnable_outputs(graph, problems) if not outputs or each in outputs]
        if not wanted:
            stops = [one for one in problems if one.affects][:5]
            said = "; ".join(f"node {one.node} ({one.class_type}): {one.kind} {one.field} {one.got}".strip() for one in stops)
            raise InvalidRequest("workflow", said or f"{len(graph.nodes)} nodes", "a workflow with an output node that can run")
        return wanted

    def task(self, recipe: Recipe, user: str | None = None) -> GraphTask:
        """What the job of an order runs, now or after a restart.

        Raises:
            InvalidRequest: It is no order.
        """
        if recipe.workflow is None:
            raise InvalidRequest("recipe", recipe.made_in, "a recipe of a workflow")
        return GraphTask(GraphOrder.from_json(recipe.workflow), self._context, user)

    def bundled(self) -> list[str]:
        """Names of the workflows that come with the program."""
        return sorted(path.stem for path in _bundled_folder().glob("*.json"))

    def read_bundled(self, name: str) -> bytes:
        """One of these, as a file.

        Raises:
            UnknownName: There is none of that name.
        """
        if name not in self.bundled():
            raise UnknownName("bundled", name, self.bundled())
        return (_bundled_folder() / f"{name}.json").read_bytes()

    def file_of(self, opened: Opened) -> Any:
        """A workflow as JSON that ComfyUI opens."""
        return graph_json(opened.workflow.graph) if opened.drawn is None else opened.drawn

    def _match(self, workflow: Workflow, user: str | None) -> FormMatch:
        return self._filler.match(workflow, lambda name: self._read(name, {}, user))

    def _read(self, name: str, handed: Mapping[str, str], user: str | None) -> bytes:
        return self._store.path(handed[name]).read_bytes() if name in handed else self.folders.read(name, user)

    def _context(self, task: GraphTask, job: JobContext, graph: Graph) -> RunningGraph:
        return RunningGraph(self._tools, task, job, graph)

    def _keep_picture(self, name: str, user: str | None) -> str | None:
        """The asset of a picture that is there; None where it is not, or is none."""
        try:
            path = self.folders.find(name, user)
            asset: str = self._store.add(path.read_bytes(), path.name, source=path).id
            return asset
        except (PentimentoError, OSError):
            return None


def _with_prefixes(graph: Graph, problems: list[Problem]) -> list[Problem]:
    """With names for files that lead out of the folder, which are better known before hours of work than after."""
    for node in graph.of_type(SAVES):
        prefix = node.inputs.get("filename_prefix")
        if not isinstance(prefix, str) or ".." not in prefix:
            continue
        try:
            check_name(expand_prefix(prefix, 1, 1, graph, datetime.now()))
        except UnsafePath:
            wanted = "a name inside the folder of results"
            refused = Problem(node.id, node.class_type, "custom_validation_failed", "filename_prefix", prefix, wanted, (node.id,))
            problems.append(refused)
    return problems


def _named(graph: Graph) -> Iterator[tuple[str, str]]:
    """(list, name) of all that a graph chooses from lists of files; a picture's list is told by the end of its name."""
    for node in graph.nodes.values():
        for name, value in node.inputs.items():
            kind = list_of(graph, node.id, name) if isinstance(value, str) else ""
            if kind in PICTURE_LISTS.values():
                end = split_annotation(value)[1]
                yield (PICTURE_LISTS[end] if value.endswith("]") else kind), value
            elif kind:
                yield kind, value


def _bundled_folder() -> Path:
    return Path(str(resources.files("modules.pipeline.workflows"))) / "bundled"

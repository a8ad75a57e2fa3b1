"""Workflows that people opened: what is in them, what is missing, and what can be done with them."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest, PentimentoError
from modules.base.files import write_atomically
from modules.pipeline.workflows.checking import runnable_outputs
from modules.pipeline.workflows.chunks import find_texts, is_picture
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.form import FormMatch
from modules.pipeline.workflows.graph import Graph, GraphNode, Problem, Workflow
from modules.pipeline.workflows.reading import parse_json, read_workflow
from modules.pipeline.workflows.running import output_nodes
from modules.pipeline.workflows.ui_format import is_ui
from modules.runtime.workflows.model_files import MODEL_LISTS

KEPT_OPEN, KEPT_BYTES = 16, 256 << 20
BYTE_ORDERS = (b"\xff\xfe", b"\xfe\xff")
_ID = re.compile(r"[0-9a-f]{64}")
PICTURES = ("pictures", "results")
"""Lists of picture names in definitions."""


class UnknownWorkflow(PentimentoError):
    """No workflow is kept under that id."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(f"no workflow is kept under the id {workflow_id[:80]!r}: open it again")


@dataclass(frozen=True)
class NamedPicture:
    """A picture that a workflow names.

    Attributes:
        name: As it stands in the widget.
        asset: Its id in the store; None = it is not there.
        nodes: Ids of the nodes that load it.
    """

    name: str
    asset: str | None
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Missing:
    """A file that a workflow needs and that is not there.

    Attributes:
        kind: "checkpoint", "vae", "lora", "upscaler", "embedding" or "picture".
        known: What is known of a model that can be fetched; None = nothing.
    """

    kind: str
    name: str
    node: str
    field: str
    known: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Opened:
    """A workflow that was read and looked at.

    Attributes:
        id: SHA-256 of the file.
        name: Of the file.
        data: The file as it came.
    """

    id: str
    name: str
    workflow: Workflow
    data: bytes
    problems: tuple[Problem, ...] = ()
    missing: tuple[Missing, ...] = ()
    pictures: tuple[NamedPicture, ...] = ()
    form: Mapping[str, Any] | None = None
    outputs: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        values = {name: getattr(self, name) for name in ("id", "name", "form")} | {"source": self.workflow.source}
        values |= {name: [asdict(each) for each in getattr(self, name)] for name in ("missing", "pictures")}
        values |= {"problems": [describe_problem(each) for each in self.problems], "outputs": list(self.outputs)}
        return values | {"drawing": asdict(self.workflow.drawing), "can_run": bool(self.runnable)}

    @property
    def drawn(self) -> Any:
        """The workflow as ComfyUI's front end draws it; None where the file has only what runs."""
        return find_canvas(self.data)

    @property
    def runnable(self) -> list[str]:
        """Ids of the output nodes that nothing stands in the way of."""
        return runnable_outputs(self.workflow.graph, self.problems)


@dataclass
class OpenWorkflows:
    """The last workflows that were opened, in memory and on disk, by id.

    Args:
        folder: Holds their texts.
        check: Says what stands in the way of a graph, for a person.
        keep_picture: Asset id of a picture by its name, for a person; None where it is not there.
        match: Says how the form expresses a workflow, for a person.
        find_known: What can be fetched under a file name.
    """

    folder: Path
    check: Callable[[Graph, str | None], Sequence[Problem]]
    keep_picture: Callable[[str, str | None], str | None]
    match: Callable[[Workflow, str | None], FormMatch]
    find_known: Callable[[str], Mapping[str, Any] | None] = lambda name: None
    _recent: OrderedDict[str, Workflow] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, data: bytes, name: str = "", user: str | None = None) -> Opened:
        """Read a file.

        Raises:
            InvalidRequest: There is no workflow in it, or it is damaged or hostile.
        """
        workflow, workflow_id = read_workflow(data, name), hashlib.sha256(data).hexdigest()
        plain = re.split(r"[/\\\\]", name)[-1][:200]
        write_atomically(self.folder / f"{workflow_id}.json", json.dumps({"name": plain}).encode())
        write_atomically(self.folder / f"{workflow_id}.bin", data)
        self._remember(workflow_id, workflow)
        self._forget_old()
        return self._look(workflow_id, plain, workflow, data, user)

    def find(self, workflow_id: str, user: str | None = None) -> Opened:
        """One that was opened before, looked at anew: what was missing may be there by now.

        Raises:
            UnknownWorkflow: There is none.
        """
        if not _ID.fullmatch(workflow_id):
            raise UnknownWorkflow(workflow_id)
        try:
            data = (self.folder / f"{workflow_id}.bin").read_bytes()
            name = str(json.loads((self.folder / f"{workflow_id}.json").read_bytes())["name"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnknownWorkflow(workflow_id) from error
        workflow = self._recent.get(workflow_id)
        if workflow is None:
            workflow = read_workflow(data, name)
            self._remember(workflow_id, workflow)
        return self._look(workflow_id, name, workflow, data, user)

    def _look(self, workflow_id: str, name: str, workflow: Workflow, data: bytes, user: str | None) -> Opened:
        graph = workflow.graph
        problems = (*workflow.problems, *self.check(graph, user))
        missing, form, outputs = tuple(self._missing(graph, problems)), self._form(workflow, user), tuple(output_nodes(graph))
        pictures = tuple(self._pictures(graph, [picture["name"] for picture in form["pictures"]], user))
        return Opened(workflow_id, name, workflow, data, problems, missing, pictures, form, outputs)

    def _form(self, workflow: Workflow, user: str | None) -> Mapping[str, Any]:
        match = self.match(workflow, user)
        said, why_not = ([{"id": text, "values": dict(values)} for text, values in listed] for listed in (match.said, match.why_not))
        pictures = [asdict(picture) for picture in match.pictures]
        return {"request": dict(match.request) if match.fits else None, "said": said, "why_not": why_not, "pictures": pictures}

    def _pictures(self, graph: Graph, of_form: Sequence[str], user: str | None) -> list[NamedPicture]:
        """Those that nodes load, and then those that only the form needs, where they are there."""
        used: dict[str, list[str]] = {}
        for node_id, _, name in picture_inputs(graph):
            used.setdefault(name, []).append(node_id)
        named = [NamedPicture(name, self.keep_picture(name, user), tuple(nodes)) for name, nodes in used.items()]
        further = [NamedPicture(name, self.keep_picture(name, user)) for name in dict.fromkeys(of_form) if name not in used]
        return named + [picture for picture in further if picture.asset is not None]

    def _missing(self, graph: Graph, problems: Sequence[Problem]) -> list[Missing]:
        found = []
        for problem in problems:
            if problem.kind not in ("missing_model", "missing_picture"):
                continue
            kind = list_of(graph, problem.node, problem.field).removesuffix("s") or "embedding"
            kind = "picture" if problem.kind == "missing_picture" else kind
            known = self.find_known(problem.got) if kind != "picture" else None
            found.append(Missing(kind, problem.got, problem.node, problem.field, known))
        return found

    def _remember(self, workflow_id: str, workflow: Workflow) -> None:
        with self._lock:
            self._recent[workflow_id] = workflow
            self._recent.move_to_end(workflow_id)
            while len(self._recent) > KEPT_OPEN:
                self._recent.popitem(last=False)

    def _forget_old(self) -> None:
        """The files of the longest unused, until the rest takes no more than `KEPT_BYTES`."""
        room = KEPT_BYTES
        for path in sorted(self.folder.glob("*.bin"), key=lambda path: -path.stat().st_mtime):
            room -= path.stat().st_size
            if room < 0:
                path.unlink(missing_ok=True)
                path.with_suffix(".json").unlink(missing_ok=True)


def picture_inputs(graph: Graph) -> list[tuple[str, str, str]]:
    """(node id, input, file name) of all pictures that a graph names."""
    found = []
    for node in graph.nodes.values():
        definition = DEFINITIONS.get(node.class_type)
        for known in definition.inputs if definition is not None else ():
            value = node.inputs.get(known.name)
            if known.choices in PICTURES and isinstance(value, str):
                found.append((node.id, known.name, value))
    return found


def model_inputs(graph: Graph) -> Iterator[tuple[GraphNode, str, str, str]]:
    """(node, input, list, file name) of all models that a graph names."""
    for node in graph.nodes.values():
        for name, value in node.inputs.items():
            kind = list_of(graph, node.id, name) if isinstance(value, str) else ""
            if kind in MODEL_LISTS:
                yield node, name, kind, str(value)


def list_of(graph: Graph, node_id: str, name: str) -> str:
    """The list of file names that an input chooses from: "checkpoints" ...; "" = none."""
    node = graph.nodes.get(node_id)
    definition = DEFINITIONS.get(node.class_type) if node is not None else None
    known = definition.input(name) if definition is not None else None
    return known.choices if known is not None and isinstance(known.choices, str) else ""


def describe_problem(problem: Problem) -> dict[str, Any]:
    """For the API: its values, and the id of the text that says it."""
    values = asdict(problem) | {"affects": list(problem.affects)}
    return values | {"text": f"workflows.problem.{problem.kind}"}


def find_canvas(data: bytes) -> Any:
    """The UI format's object in a file that `read_workflow` reads; None where it has none."""
    try:
        text = find_texts(data).get("workflow") if is_picture(data) else data.decode("utf-16" if data[:2] in BYTE_ORDERS else "utf-8-sig")
        plain = None if text is None else parse_json(text)
    except (InvalidRequest, UnicodeDecodeError):
        return None
    parts = [plain, *(plain.get(name) for name in ("workflow", "extra_data") if isinstance(plain, dict))]
    if isinstance(parts[-1], dict):
        parts.append((parts[-1].get("extra_pnginfo") or {}).get("workflow"))
    parts = [parse_json(part) if isinstance(part, str) else part for part in parts]
    return next((part for part in parts if is_ui(part)), None)

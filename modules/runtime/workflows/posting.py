"""Graphs that ComfyUI's clients post: what is wrong with them in ComfyUI's words, and the order that the rest becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modules.base.errors import InvalidRequest, PentimentoError
from modules.pipeline.workflows.checking import runnable_outputs
from modules.pipeline.workflows.graph import Graph, Problem
from modules.pipeline.workflows.reading import read_object
from modules.runtime.recipe import Recipe
from modules.runtime.workflows.redrawing import redraw
from modules.runtime.workflows.workflows import Workflows

NO_PROMPT, INVALID, NO_OUTPUTS, FAILED = "no_prompt", "invalid_prompt", "prompt_no_outputs", "prompt_outputs_failed_validation"
MAX_NAMED = 60
KINDS = {"missing_model": "value_not_in_list", "missing_picture": "custom_validation_failed"}
"""Kinds of problems that ComfyUI has other words for."""
MESSAGES = {
    "required_input_missing": "Required input is missing",
    "value_not_in_list": "Value not in list",
    "value_smaller_than_min": "Value smaller than the smallest allowed",
    "value_bigger_than_max": "Value bigger than the largest allowed",
    "return_type_mismatch": "The linked output is of another type than the input",
    "bad_linked_input": "The link is broken",
    "invalid_input_type": "The value cannot be converted to the input's type",
    "custom_validation_failed": "The node refuses the value",
    "dependency_cycle": "The links form a circle",
}

LIMITS = {"value_smaller_than_min": "less than", "value_bigger_than_max": "more than"}


class PromptRefused(PentimentoError):
    """A posted graph cannot run.

    Attributes:
        body: The answer in ComfyUI's form: {"error", "node_errors"}.
    """

    def __init__(self, kind: str, message: str, details: str = "", node_errors: Mapping[str, Any] | None = None) -> None:
        error = {"type": kind, "message": message, "details": details, "extra_info": {}}
        self.body = {"error": error, "node_errors": dict(node_errors or {})}
        super().__init__(f"{message} {details}".strip())


@dataclass(frozen=True)
class Posted:
    """A graph that can run, at least in part.

    Attributes:
        node_errors: What is wrong with those outputs that cannot.
    """

    recipe: Recipe
    outputs: Sequence[str]
    node_errors: Mapping[str, Any] = field(default_factory=dict)


def read_posted(body: Any, workflows: Workflows, user: str | None) -> Posted:
    """The order in the body of `POST /prompt`.

    Raises:
        PromptRefused: There is none, or nothing of it can run.
    """
    if not isinstance(body, dict) or "prompt" not in body:
        raise PromptRefused(NO_PROMPT, "No prompt provided", "the body is an object with the graph as its prompt")
    if body["prompt"] == {}:
        raise PromptRefused(NO_OUTPUTS, "Prompt has no outputs")
    try:
        workflow = read_object({"prompt": body["prompt"]})
    except InvalidRequest as error:
        raise PromptRefused(INVALID, "Cannot execute this prompt", str(error)) from error
    graph = workflow.graph
    problems = [_with_names(problem, workflows) for problem in (*workflow.problems, *workflows.check(graph, user))]
    unknown = next((problem for problem in problems if problem.kind == "unknown_node"), None)
    if unknown is not None:
        message = f"Cannot execute because node {unknown.class_type} does not exist."
        raise PromptRefused(INVALID, message, f"Node ID '#{unknown.node}'")
    if any(problem.kind == NO_OUTPUTS for problem in problems):
        raise PromptRefused(NO_OUTPUTS, "Prompt has no outputs")
    outputs, errors = _wanted(graph, problems, body.get("partial_execution_targets")), node_errors(problems)
    if not outputs:
        details = "\n".join(f"{entry['class_type']} {node}: {one['details']}" for node, entry in errors.items() for one in entry["errors"])
        raise PromptRefused(FAILED, "Prompt outputs failed validation", details, errors)
    order = workflows.make_order(graph, outputs, problems, lambda stand_ins: redraw(_drawn(body), stand_ins))
    return Posted(Recipe(workflow=order.as_json()), outputs, errors)


def node_errors(problems: Sequence[Problem]) -> dict[str, Any]:
    """Problems that keep an output from running, by node."""
    found: dict[str, Any] = {}
    for problem in problems:
        if not problem.affects or not problem.node:
            continue
        entry = found.setdefault(problem.node, {"errors": [], "dependent_outputs": [], "class_type": problem.class_type})
        entry["errors"].append(_error(problem))
        entry["dependent_outputs"] += [output for output in problem.affects if output not in entry["dependent_outputs"]]
    return found


def _with_names(problem: Problem, workflows: Workflows) -> Problem:
    """A missing model's problem says which there are, as ComfyUI's does."""
    if problem.kind != "missing_model":
        return problem
    names = workflows.models.names(problem.wanted)
    return replace(problem, wanted=", ".join(names[:MAX_NAMED] + ["..."] * (len(names) > MAX_NAMED)) or "(none is installed)")


def _error(problem: Problem) -> dict[str, Any]:
    kind = KINDS.get(problem.kind, problem.kind)
    if problem.kind == "missing_picture":
        details = f"{problem.field} - Invalid image file: {problem.got}"
    elif problem.kind in LIMITS:
        details = f"{problem.field}: {problem.got} is {LIMITS[problem.kind]} {problem.wanted}"
    elif problem.kind in ("required_input_missing", "dependency_cycle"):
        details = problem.field or problem.got
    else:
        details = f"{problem.field}: got {problem.got}, wanted {problem.wanted}"
    extra = {"input_name": problem.field, "received_value": problem.got, "wanted": problem.wanted}
    return {"type": kind, "message": MESSAGES.get(kind, kind), "details": details, "extra_info": extra}


def _wanted(graph: Graph, problems: Sequence[Problem], targets: Any) -> list[str]:
    outputs = runnable_outputs(graph, problems)
    return [output for output in outputs if output in targets] if isinstance(targets, list) else outputs


def _drawn(body: Mapping[str, Any]) -> Any:
    """The workflow as the client drew it."""
    extra = body.get("extra_data")
    info = extra.get("extra_pnginfo") if isinstance(extra, dict) else None
    drawn = info.get("workflow") if isinstance(info, dict) else None
    return drawn if isinstance(drawn, dict) else None

"""Prompts from file or textbox: a run for every line, each with options of its own where it begins with "--"."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import gradio as gr

from modules import processing, scripts, sd_models
from modules.errors import InvalidRequest, to_choice, to_number, to_whole
from modules.plotting import copy_request, rehearse
from modules.processing import Processed, process_images
from modules.sd_samplers import all_samplers
from modules.shared import state

POSITIONS = ("start", "end")
MAX_LINES = 1000
MAX_FILE_BYTES = 1 << 20
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


def to_text(field: str, value: str) -> str:
    return value


def to_truth(field: str, value: str) -> bool:
    if value.casefold() not in (*TRUE, *FALSE):
        raise InvalidRequest(field, value, "true or false")
    return value.casefold() in TRUE


def to_styles(field: str, value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def to_sampler(field: str, value: str) -> str:
    """The name of the sampler that stands at this place of the list."""
    return str(all_samplers[to_whole(field, value, 0, len(all_samplers) - 1)].name)


def to_checkpoint(field: str, value: str) -> str:
    return str(sd_models.require_checkpoint(field, value).title)


READERS: dict[str, Callable[[str, str], Any]] = {
    **dict.fromkeys(("outpath_samples", "outpath_grids", "prompt_for_display"), to_text),
    **dict.fromkeys(("prompt", "negative_prompt", "sampler_name", "scheduler"), to_text),
    **dict.fromkeys(("subseed_strength", "cfg_scale", "denoising_strength", "image_cfg_scale"), to_number),
    **dict.fromkeys(("seed", "subseed", "seed_resize_from_h", "seed_resize_from_w"), to_whole),
    **dict.fromkeys(("batch_size", "n_iter", "steps", "width", "height"), to_whole),
    **dict.fromkeys(("restore_faces", "tiling", "do_not_save_samples", "do_not_save_grid"), to_truth),
    "styles": to_styles,
    "sd_model": to_checkpoint,
    "sampler_index": to_sampler,
}
"""What a line may say, and how it is read; words up to the next option belong together."""


def read_line(number: int, line: str) -> dict[str, Any]:
    """Fields of a request by name: a line that begins with "--" names them, any other is a prompt.

    Raises:
        InvalidRequest: An option is unknown or cannot be used; `number` (1 = the first line) is named.
    """
    if not line.startswith("--"):
        return {"prompt": line}
    where = f"line {number}"
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InvalidRequest(where, line, f'quotes in pairs: "..." ({error})') from None
    given: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word[2:]
            if name not in READERS:
                raise InvalidRequest(where, word, "one of " + ", ".join(f"--{known}" for known in READERS))
            given[name] = []
        else:
            given[name].append(word)
    for name, values in given.items():
        if not values:
            raise InvalidRequest(where, f"--{name}", "a value after it")
    read = {name: READERS[name](f"{where}, --{name}", " ".join(values)) for name, values in given.items()}
    if "sampler_index" in read:
        read["sampler_name"] = read.pop("sampler_index")
    return read


def read_file(path: str | None) -> Any:
    """What the text box shows once a file was chosen."""
    if path is None:
        return gr.skip()
    with open(path, "rb") as file:
        text = file.read(MAX_FILE_BYTES + 1)
    if len(text) > MAX_FILE_BYTES:
        raise gr.Error(f"A list of prompts has at most {MAX_FILE_BYTES >> 20} MiB.")
    return text.decode("utf-8-sig", errors="replace")


class Script(scripts.Script):
    def title(self) -> str:
        return "Prompts from file or textbox"

    def ui(self, is_img2img: bool) -> list[Any]:
        iterate = gr.Checkbox(label="Iterate seed every line", value=False, elem_id=self.elem_id("checkbox_iterate"))
        same = gr.Checkbox(label="Use same random seed for all lines", value=False, elem_id=self.elem_id("checkbox_iterate_batch"))
        position = gr.Radio(list(POSITIONS), value="start", label="Insert prompts at the", elem_id=self.elem_id("prompt_position"))
        prompts = gr.Textbox("", label="List of prompt inputs", lines=2, elem_id=self.elem_id("prompt_txt"))
        file = gr.File(label="Upload prompt inputs", type="filepath", elem_id=self.elem_id("file"))
        file.change(read_file, file, prompts, show_progress="hidden", api_visibility="private")
        return [iterate, same, position, prompts]

    def run(self, p: Any, iterate: Any = False, same: Any = False, position: Any = "start", prompts: Any = "") -> Processed:
        position = to_choice("script_args[2] (prompt position)", position, POSITIONS)
        lines = [(number, line.strip()) for number, line in enumerate(str(prompts or "").splitlines(), 1) if line.strip()]
        if not 0 < len(lines) <= MAX_LINES:
            raise InvalidRequest("script_args[3] (list of prompts)", f"{len(lines)} lines", f"1 to {MAX_LINES} lines with text")
        p.do_not_save_grid = True
        runs = [read_line(*line) for line in lines]
        jobs = [prepare(p, given, position) for given in runs]
        state.weigh_jobs([cost for job in jobs for cost in [rehearse(job)] * job.n_iter])
        if iterate or same:
            processing.fix_seed(p)
        results: list[Processed] = []
        for number, given in enumerate(runs, 1):
            if state.interrupted:
                break
            state.job = f"{number} out of {len(runs)}"
            results.append(process_images(prepare(p, given, position)))
            if iterate:
                p.seed += p.batch_size * p.n_iter
        return Processed.joined(p, results)


def prepare(p: Any, given: dict[str, Any], position: str) -> Any:
    """The run of one line; its prompts are joined with those of the job."""
    job = copy_request(p)
    for name, value in given.items():
        if name == "sd_model":
            job.override_settings["sd_model_checkpoint"] = value
        elif name in ("prompt", "negative_prompt"):
            common = getattr(p, name)
            parts = (value, common) if position == "start" else (common, value)
            setattr(job, name, " ".join(part for part in parts if part))
        else:
            setattr(job, name, value)
    return job

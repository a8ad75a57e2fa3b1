"""docs/extensions.md: what scripts and extensions can use, out of the hook table and the classes themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from modules.engine import callbacks
from modules.plugins import hook_arguments
from modules.plugins.hooks import CALLBACK_HOOKS, POSTPROCESSING_HOOKS, SCRIPT_HOOKS, Hook
from modules.plugins.script import Script

SCRIPT = """
import gradio as gr
from PIL import ImageFilter
from modules import scripts
class SoftFinish(scripts.Script):
    def title(self):
        return "Soft finish"
    def show(self, is_img2img):
        return scripts.AlwaysVisible
    def ui(self, is_img2img):
        return [gr.Slider(0, 8, 0, step=0.5, label="Softness")]
    def process(self, p, softness):
        if softness:
            p.extra_generation_params["Softness"] = softness
    def postprocess_image_after_composite(self, p, pp, softness):
        pp.image = pp.image.filter(ImageFilter.GaussianBlur(softness))
"""
INTRODUCTION = """
Scripts and extensions are written for A1111's names, and many that were written for A1111 run here as they are:
`python launch.py doctor FOLDER` tells of each one whether it will.

## A script in 15 lines

Save this as `extensions/soft-finish/scripts/soft_finish.py` and start the program: the slider is on the page, the value is in the
infotext, and over the API it is `"alwayson_scripts": {"Soft finish": {"args": [2.5]}}`.

```python
SCRIPT
```

`show` returns `scripts.AlwaysVisible` for a script that takes part in every job. One that returns True is in the list of scripts
instead, and its `run(self, p, *args)` does the whole job: it calls `modules.processing.process_images(p)` as often as it likes and returns
a `Processed`, or None to let the job run as usual.

## An extension's folder

| in `extensions/<name>/` | what becomes of it |
|---|---|
| `scripts/*.py` | Loaded by name when the program starts; any number of `Script` and `ScriptPostprocessing` classes in each. |
| `javascript/*.js`, `*.mjs`, `style.css` | Loaded by the page, after its own. |
| `metadata.ini` | Its name, what it requires, and its place among others. |
| `preload.py` | `preload(parser)` adds flags to the command line. |
| `install.py`, `requirements.txt` | Run and read only when you ask; packages go into the extension's own `.deps`. |

While a file is loaded, `modules.scripts.basedir()` is the extension's folder, and its files can import each other as `scripts.<file>`,
packages beside `scripts/` by their names. Later, others find them as `extensions.<name>.scripts.<file>`. Two extensions may have files
of one name: each gets its own.

## When something fails

A script that cannot be imported, made or shown is left out. A hook or callback that raises, or that leaves behind what cannot be used
(a picture that is none, a tensor of another shape), is skipped and what it broke is put back. Either is named in the log, in the notes of
the job, on the page and by `GET /api/scripts`; the picture is still made. `--safe` starts without any.
"""
ORDER = """
## Order

Hooks are called script by script: the program's own first, then those of the built-in extensions, then yours, by folder and file name.
Always-on scripts with a lower `sorting_priority` come before. `metadata.ini` can ask for more: for all of an extension, a file of it, or
one callback, whose name is `<extension>/<file>/<callback without on_>`, or `<extension>/<file>/script_<hook>/<class>` for hooks of
scripts. A name stands for everything that begins with it.

```ini
[Extension]
Name = soft-finish
After = another-extension

[callbacks/soft-finish/soft_finish.py/script_process]
Before = another-extension
```
"""
HEADINGS = (
    ("Hooks of a script", "Methods of `modules.scripts.Script` that a script may define, in the order of their calls.", SCRIPT_HOOKS),
    ("Callbacks", "Functions of `modules.script_callbacks`, each taking a function and perhaps a `name=`.", CALLBACK_HOOKS),
    (
        "Post-processing",
        "Methods of `modules.scripts_postprocessing.ScriptPostprocessing`, for pictures of the Extras tab.",
        POSTPROCESSING_HOOKS,
    ),
)
A1111_NAMES = {
    "DenoiserParams": "CFGDenoiserParams",
    "DenoisedParams": "CFGDenoisedParams",
    "GuidedParams": "AfterCFGCallbackParams",
    "BlendParams": "MaskBlendArgs",
}
"""Our classes that `modules.scripts` and `modules.script_callbacks` offer under another name."""


def extensions_page(generated: str) -> str:
    """The page.

    Args:
        generated: The line that says so.
    """
    lines = ["# Scripts and extensions", "", generated, *INTRODUCTION.replace("SCRIPT", SCRIPT.strip("\n"), 1).splitlines(), ""]
    for title, words, hooks in HEADINGS:
        lines += [f"## {title}", "", words, "", "| name | when | what for |", "|---|---|---|", *map(_row, hooks), ""]
    lines += ["## What hooks are handed", "", "| class | attributes |", "|---|---|", *_argument_rows(), ""]
    lines += ["## Attributes of a script", "", "| name | what it is |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(text)} |" for name, text in attributes_of(Script)]
    return "\n".join([*lines, *ORDER.splitlines(), ""])


def attributes_of(of: type) -> list[tuple[str, str]]:
    """Names and descriptions out of the part "Attributes" of a class's docstring."""
    _, _, listed = (inspect.getdoc(of) or "").partition("Attributes:\n")
    entries = re.findall(r"^    (\w[\w, ]*): (.*(?:\n     .*)*)", listed, re.MULTILINE)
    return [(names.replace(", ", "`, `"), " ".join(text.split())) for names, text in entries]


def _row(hook: Hook) -> str:
    of = "self, " if hook.kind != "callback" else ""
    call = f"{hook.name}({of}{hook.signature})".replace(", )", ")")
    return f"| `{call}` | {_cell(hook.when)} | {_cell(hook.doc)} |"


def _argument_rows() -> list[str]:
    classes: Sequence[Any] = [
        value
        for module in (hook_arguments, callbacks)
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__ and value.__name__ != "SamplerCallbacks"
    ]
    return [f"| `{A1111_NAMES.get(value.__name__, value.__name__)}` | {_describe(value)} |" for value in classes]


def _describe(value: type) -> str:
    summary = _cell((inspect.getdoc(value) or "").partition("Attributes:\n")[0])
    return " ".join([summary, *(f"`{names}`: {_cell(text)}" for names, text in attributes_of(value))])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")

"""What the tab "PNG info" does: look at a file, restore its settings, open its picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import starmap
from pathlib import Path
from typing import Any

import gradio as gr

from modules.base.errors import InvalidRequest
from modules.imaging.inspection import Inspection, inspect_file
from modules.pipeline.infotext_parse import SIZE, split_infotext
from modules.pipeline.infotext_settings import OPTIONS, InfotextSettings, read_settings
from modules.pipeline.modes import Mode
from modules.runtime.session import Session
from modules.runtime.store import Asset
from modules.web.ui.canvas import document_update
from modules.web.ui.extras_desk import ExtrasDesk
from modules.web.ui.form import EXTRA_FIELDS
from modules.web.ui.messages import Told, explain
from modules.web.ui.png_info import PngInfo
from modules.web.ui.png_info_report import Findings, describe_findings, hint, is_comfyuis
from modules.web.ui.restore import MASK_WIDGETS, WIDGETS, read_widgets
from modules.web.ui.texts import Texts
from modules.web.ui.wiring import Wiring

TOLD = (
    *("Model", "Model hash", "VAE hash", "Version", "App", "User", "Lora hashes", "TI hashes", "Init image hash"),
    *("Batch size", "Batch pos"),
)
"""Infotext keys that say how it was, and set nothing."""
OLD_HASH_DIGITS = 8
BROWSER_FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif")
"""What every browser shows; anything else is shown as a PNG copy."""


class PngInfoDesk:
    """Event handlers of the tab."""

    def __init__(self, session: Session, texts: Texts, tab: PngInfo) -> None:
        self._session, self._texts, self._tab = session, texts, tab

    def outputs(self) -> list[Any]:
        """What looking at a file may change."""
        tab = self._tab
        return [tab.drop, tab.report, tab.infotext, tab.tools, tab.restore, tab.workflow, tab.openers, tab.found]

    def look(self, language: str, path: str | None) -> dict[Any, Any]:
        """A file was dropped, picked or pasted; or taken away again (None)."""
        tab = self._tab
        if path is None:
            hidden = gr.update(visible=False)
            return {tab.report: hint(self._texts, language), tab.infotext: hidden, tab.tools: hidden, tab.found: {}}
        found = self._judge(language, Path(path))
        seen = found.inspection
        return {
            **_shown(tab.drop, path, seen),
            tab.report: describe_findings(self._texts, language, found),
            tab.infotext: gr.update(value=seen.infotext, visible=bool(seen.infotext)),
            tab.tools: gr.update(visible=seen.picture is not None or found.has_settings),
            tab.restore: gr.update(interactive=found.has_settings),
            tab.workflow: gr.update(visible=seen.picture is not None and any(starmap(is_comfyuis, seen.texts.items()))),
            tab.openers: gr.update(visible=seen.picture is not None),
            tab.found: {"path": path, "infotext": seen.infotext or "", "is_picture": seen.picture is not None},
        }

    def document(self, language: str, found: dict[str, Any], mode: Mode) -> dict[str, Any]:
        """What makes the canvas open the file, and say whether a mask comes along.

        Raises:
            Told: There is no picture.
            InvalidImage: It is too large for this program's settings.
        """
        asset = self.keep(found)
        text_id = "pnginfo.sent" if not mode.has_mask else "pnginfo.sent_with_alpha" if asset.has_alpha else "pnginfo.sent_without_mask"
        return document_update(asset.as_json(), note=self._texts.say(language, text_id, name=asset.name))

    def keep(self, found: dict[str, Any]) -> Asset:
        """The file, kept; errors as for `document`."""
        if not found.get("is_picture"):
            raise Told("pnginfo.nothing_to_open")
        path = Path(found["path"])
        return self._session.store.add(path.read_bytes(), path.name)

    def _judge(self, language: str, path: Path) -> Findings:
        """Look at a file, and at what of it this program could use."""
        seen = inspect_file(path)
        if not seen.infotext:
            return Findings(path.name, seen)
        try:
            stated = read_settings(seen.infotext, self._session.options.current)
        except InvalidRequest as error:
            return Findings(path.name, seen, refusal=explain(self._texts, language, error))
        checkpoint, name = find_checkpoint(self._session.checkpoints(), stated)
        return Findings(path.name, seen, stated.has_settings, tuple(list_unrestored(seen.infotext, stated)), checkpoint, name)


def find_checkpoint(infos: list[Any], stated: InfotextSettings) -> tuple[str, str]:
    """Whether the checkpoint that an infotext names is among those on disk.

    Args:
        infos: `CheckpointInfo`s.

    Returns:
        "here" (by hash, or by name where that is all), "unhashed" (the name fits, the file's hash is not known yet), "old_hash" (the name
        fits, and the hash is of A1111's first kind, which cannot be compared), "other" (the name fits, the file is another), "missing", or
        "" where none is named; and the name as stated.
    """
    name, digest = stated.model_name, stated.model_hash.lower()
    said = f"{name} [{digest}]" if name and digest else name or digest
    if not said:
        return "", ""
    if digest and any(info.sha256.startswith(digest) for info in infos):
        return "here", said
    named = [info for info in infos if name and name in (info.model_name, info.path.stem)]
    if not named:
        return "missing", said
    if len(digest) in (0, OLD_HASH_DIGITS):
        return ("old_hash" if digest else "here"), said
    return ("other" if all(info.sha256 for info in named) else "unhashed"), said


def list_unrestored(infotext: str, stated: InfotextSettings) -> Iterator[str]:
    """Keys of an infotext that set something, but nothing that the form could take."""
    read = read_widgets(stated)
    widgets = WIDGETS | MASK_WIDGETS
    for key, value in split_infotext(infotext)[1]:
        first = f"{key}-1" if SIZE.match(value) else key
        if key in TOLD or key in OPTIONS or first in EXTRA_FIELDS:
            continue
        if key in ("Sampler", "Schedule type"):
            name = "sampler_name"
        else:
            name = widgets[first][0] if first in widgets else ""
        if name not in read:
            yield key


def _shown(drop: Any, path: str, seen: Inspection) -> dict[Any, Any]:
    """What changes in the picture's place: empty for a file that browsers cannot show either, a copy of what only we can read."""
    if seen.picture is None:
        return {drop: None}
    return {} if Path(path).suffix.casefold() in BROWSER_FORMATS else {drop: seen.picture.image}


def wire_png_info(wiring: Wiring) -> None:
    """Connect the tab's widgets."""
    tab, studio, restorer, pictures = wiring.studio.png_info, wiring.studio, wiring.restorer, wiring.pictures
    desk, extras = PngInfoDesk(wiring.session, wiring.texts, tab), ExtrasDesk(wiring)

    def take_away(language: str) -> dict[Any, Any]:
        return desk.look(language, None)

    def restore(language: str, found: dict[str, Any], checkpoint: str | None) -> dict[Any, Any]:
        stated = read_settings(found.get("infotext", ""), wiring.session.options.current)
        return {**restorer.fill(language, stated, checkpoint), studio.top_tabs: gr.update(selected="studio")}

    def sender(mode: Mode) -> Callable[..., dict[Any, Any]]:
        return lambda language, found: pictures.open(desk.document(language, found, mode), mode)

    def to_extras(language: str, found: dict[str, Any]) -> dict[Any, Any]:
        return extras.open(desk.keep(found).id)

    def open_workflow(language: str, found: dict[str, Any]) -> dict[str, Any]:
        return {"open": desk.keep(found).id, "name": Path(found["path"]).name, "at": time.time()}

    wiring.on(tab.drop.upload, desk.look, [tab.drop], desk.outputs(), show_progress="minimal", show_progress_on=tab.report)
    wiring.on(tab.drop.clear, take_away, [], desk.outputs())
    wiring.on(tab.restore.click, restore, [tab.found, studio.fields["checkpoint"]], [*restorer.outputs(), studio.top_tabs])
    wiring.on(tab.workflow.click, open_workflow, [tab.found], [studio.workflows.bridge])
    wiring.on(tab.to_extras.click, to_extras, [tab.found], extras.open_outputs())
    for mode, button in tab.send.items():
        wiring.on(button.click, sender(mode), [tab.found], pictures.outputs())

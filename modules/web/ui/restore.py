"""Reading the settings inside a picture, or pasted into the prompt, back into the form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import gradio as gr

from modules.base.errors import InvalidRequest, UnknownName
from modules.base.registry import load_dotted
from modules.imaging.fills import MaskedContent
from modules.pipeline.infotext_settings import OPTIONS, InfotextSettings, read_settings
from modules.runtime.recipe import Recipe
from modules.runtime.session import Session
from modules.web.ui.canvas import document_update
from modules.web.ui.form import COMPATS, EXTRA_FIELDS, FIELDS, read_number, widgets_of
from modules.web.ui.lists import choose_sampling
from modules.web.ui.messages import Told
from modules.web.ui.pictures import Pictures
from modules.web.ui.script_infotext import PasteIntoWish, ScriptPaste
from modules.web.ui.studio import Studio
from modules.web.ui.texts import Texts

Updates = dict[Any, Any]
WIDGETS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "Prompt": ("prompt", str),
    "Negative prompt": ("negative_prompt", str),
    "Steps": ("steps", int),
    "CFG scale": ("cfg_scale", float),
    "Denoising strength": ("denoising_strength", float),
    "Seed": ("seed", int),
    "Size-1": ("width", int),
    "Size-2": ("height", int),
}
"""Infotext key to form field, and how its value is read."""
MASK_WIDGETS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "Mask blur": ("mask_blur", int),
    "Mask growth": ("grow_mask_by", int),
    "Mask mode": ("inpainting_mask_invert", lambda value: int(value == "Inpaint not masked")),
    "Masked content": ("inpainting_fill", lambda value: MaskedContent.parse(value).value),
    "Inpaint area": ("inpaint_full_res", lambda value: int(value == "Only masked")),
    "Masked area padding": ("inpaint_full_res_padding", int),
    "Crop region": ("crop_region", lambda value: [int(edge) for edge in value.split(",")]),
}
EXACT = "Precision: fp32"


class Restorer:
    """Event handlers that fill the form: from an infotext, a recipe, or what the browser kept of it."""

    def __init__(self, session: Session, texts: Texts, studio: Studio, pictures: Pictures) -> None:
        self._session, self._texts, self._studio, self._pictures = session, texts, studio, pictures
        self.scripts: ScriptPaste = PasteIntoWish(session, studio.script_wish)

    def inputs(self) -> list[Any]:
        """What `restore` gets, after the language."""
        studio = self._studio
        return [studio.fields["prompt"], studio.document, studio.fields["checkpoint"]]

    def outputs(self) -> list[Any]:
        """What it may change."""
        widgets = (widget for name, widget in self._studio.fields.items() if name != "checkpoint")
        return [*widgets, self._studio.is_own_size, *self.scripts.outputs()]

    def restore(self, language: str, prompt: str, document: Mapping[str, Any], checkpoint: str | None) -> Updates:
        """Fill the form from the prompt box, if an infotext was pasted there, else from the open picture.

        Raises:
            Told: Neither holds settings.
            InvalidRequest: A stated value cannot be used.
        """
        options = self._session.options.current
        stated = read_settings(prompt or "", options)
        if not stated.has_settings and document["picture"] is not None:
            stated = read_settings(self._session.store.open(document["picture"]["id"]).info.get("parameters", ""), options)
        return self.fill(language, stated, checkpoint)

    def fill(self, language: str, stated: InfotextSettings, checkpoint: str | None) -> Updates:
        """Put what an infotext states into the form, and say so.

        Args:
            checkpoint: The title chosen on the page.

        Raises:
            Told: It states no settings.
        """
        if not stated.has_settings:
            raise Told("error.no_infotext")
        entries = list_entries(stated)
        notes = [self._texts.say(language, "restored.done")]
        if not stated.states_precision and self._session.rounds(checkpoint):
            entries.append(EXACT)
            notes.append(self._texts.say(language, "restored.precision", entry=EXACT))
        found = self._session.checkpoint(checkpoint)
        if stated.model_hash and found.sha256 and not found.sha256.startswith(stated.model_hash.lower()):
            notes.append(self._texts.say(language, "restored.model", name=f"{stated.model_name} [{stated.model_hash}]"))
        gr.Info(" ".join(notes), duration=10, title=self._texts.say(language, "restored.title"))
        fields = self._studio.fields
        updates: Updates = self._widgets(read_widgets(stated))
        updates |= {fields["override_settings"]: show_entries(entries), self._studio.is_own_size: True}
        return updates | self.scripts.updates(stated.values)

    def form_outputs(self) -> list[Any]:
        """What `restore_form` may change."""
        return [*self._studio.fields.values(), self._studio.is_own_size]

    def restore_form(self, language: str, kept: object) -> Updates:
        """The form as the browser kept it; what a widget would not take is left out."""
        if not isinstance(kept, dict) or not kept:
            return {self._studio.is_own_size: False}
        titles = {info.title for info in self._session.checkpoints()}
        values = {name: value for name, value in kept.items() if name in self._studio.fields and is_usable(name, value)}
        if values.get("checkpoint") not in titles:
            values.pop("checkpoint", None)
        return self._widgets(values) or {self._studio.is_own_size: False}

    def recipe_outputs(self) -> list[Any]:
        """What `open_recipe` may change."""
        return [*self.form_outputs(), self._studio.script_wish, *self._pictures.outputs()]

    def open_recipe(self, language: str, recipe: Recipe, note: str | None = None) -> Updates:
        """Everything that a recipe holds, back on the page: tab, form, scripts' values, picture, mask and sketch.

        Args:
            note: What is said of it; None = that it is back.
        """
        store, scripts = self._session.store, self._session.scripts
        picture = store.hold(recipe.picture).as_json() if recipe.picture and store.has(recipe.picture) else None
        mask, sketch = (asset_id if picture and store.has(asset_id) else None for asset_id in (recipe.mask, recipe.sketch))
        note = note or self._texts.say(language, "restored.recipe" if picture or recipe.picture is None else "restored.picture_gone")
        wish = scripts.assemble_args(recipe.script, recipe.script_args, {name: {"args": args} for name, args in recipe.alwayson.items()})
        values = {"compat": self._session.options.current.compat} | widgets_of(recipe)
        opened = document_update(picture, mask, sketch, note, recipe.alpha, recipe.fields.get("outpaint"))
        return {
            **self._widgets({name: value for name, value in values.items() if name in self._studio.fields}),
            self._studio.is_own_size: True,
            self._studio.script_wish: wish,
            **self._pictures.open_sized(opened, recipe.mode),
        }

    def _widgets(self, values: Mapping[str, Any]) -> Updates:
        updates = {self._studio.fields[name]: value for name, value in values.items()}
        if "compat" in values and "sampler_name" in values:
            chosen = choose_sampling(self._session, values["compat"], values["sampler_name"], values.get("scheduler") or "")
            updates |= dict(zip((self._studio.fields["sampler_name"], self._studio.fields["scheduler"]), chosen, strict=True))
        if "override_settings" in values:
            updates[self._studio.fields["override_settings"]] = show_entries(values["override_settings"] or [])
        return updates


def is_usable(name: str, value: object) -> bool:
    """Whether a kept value may go into the widget of a field again."""
    if name == "compat":
        return value in COMPATS
    if name not in FIELDS:
        return value is not None
    try:
        read_number(name, value)
    except InvalidRequest:
        return False
    return True


def is_masked(values: Mapping[str, Any]) -> bool:
    """Whether an infotext tells of a mask; what says so is left out of it where it is as it is at first."""
    is_told = any(key in values for key in ("Mask blur", "Mask growth"))
    is_other = values.get("Mask mode") == "Inpaint not masked" or values.get("Masked content", "original") != "original"
    return is_told or is_other or values.get("Inpaint area") == "Only masked"


def read_widgets(stated: InfotextSettings) -> dict[str, Any]:
    """Form values by field; what cannot be read is left out, and masks are left alone where the text has none."""
    has_mask = is_masked(stated.values)
    values: dict[str, Any] = {"crop_region": None, "mask_blur": 0, "grow_mask_by": 0} if has_mask else {}
    for key, (name, read) in (WIDGETS | (MASK_WIDGETS if has_mask else {})).items():
        try:
            values[name] = read(str(stated.values[key]))
        except (KeyError, ValueError, UnknownName):
            continue
    resolve: Any = load_dotted("modules.pipeline.sampler_names:resolve_sampler")
    compat = str(stated.values.get("Compat", COMPATS[0]))
    values["compat"] = compat if compat in COMPATS else COMPATS[0]
    with suppress(UnknownName):
        sampler, scheduler = str(stated.values.get("Sampler", "")), str(stated.values["Schedule type"])
        values["sampler_name"], values["scheduler"] = resolve(sampler, scheduler, values["compat"])
    return values


def list_entries(stated: InfotextSettings) -> list[str]:
    """Settings that the form has no widget for, as "Key: value"."""
    fields = [f"{key}: {stated.values[key]}" for key in EXTRA_FIELDS if key in stated.values]
    options = {key: name for key, name in OPTIONS.items() if name != "compat"}
    return fields + [f"{key}: {stated.overrides[name]}" for key, name in options.items() if name in stated.overrides]


def show_entries(entries: Sequence[str]) -> Any:
    """The list of further settings, there only while it holds something."""
    return gr.update(choices=list(entries), value=list(entries), visible=bool(entries))

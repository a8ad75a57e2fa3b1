"""What A1111's `infotext_utils` (once `generation_parameters_copypaste`) offers, over our own reading of infotext."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from PIL import Image

from modules.base.errors import InvalidRequest, PentimentoError
from modules.base.registry import load_dotted
from modules.runtime.face_calls.base64_images import decode_base64_to_image
from modules.runtime.shared_objects import OPTS, SHARED
from modules.settings.extra_options import EXTRA_OPTIONS

logger = logging.getLogger(__name__)
CHECKPOINT = ("Model hash", "sd_model_checkpoint")


def quote(text: object) -> str:
    """As infotext writes a value: JSON-quoted where it holds a comma, colon or line break."""
    write: Any = load_dotted("modules.pipeline.infotext:quote")
    return str(write(text))


def unquote(text: str) -> str:
    """Undo `quote`."""
    try:
        return str(json.loads(text)) if len(text) > 1 and text[0] == text[-1] == '"' else text
    except ValueError:
        return text


def parse_generation_parameters(x: str, skip_fields: Sequence[str] | None = None) -> dict[str, Any]:
    """An infotext by key: "Prompt", "Negative prompt", "Steps", "Size-1" ...; missing keys have A1111's defaults.

    Args:
        x: The text.
        skip_fields: Keys to leave out.
    """
    parse: Any = load_dotted("modules.pipeline.infotext_parse:parse_infotext")
    skipped = set(skip_fields or ())
    return {key: value for key, value in parse(x).items() if key not in skipped}


def setting_names() -> list[tuple[str, str]]:
    """Pairs of infotext key and option, those of extensions too."""
    known: Any = load_dotted("modules.pipeline.infotext_settings:OPTIONS")
    return [CHECKPOINT, *known.items(), *EXTRA_OPTIONS.infotext_keys().items()]


def create_override_settings_dict(text_pairs: Iterable[str]) -> dict[str, Any]:
    """Options out of texts such as "Clip skip: 2"; what names no option, or a value it cannot have, is left out.

    Returns:
        For `override_settings` of a request.
    """
    stated = {key.strip(): value.strip() for key, _, value in (pair.partition(":") for pair in text_pairs)}
    found: dict[str, Any] = {}
    for key, name in setting_names():
        if key not in stated:
            continue
        try:
            found[name] = stated[key] if name == CHECKPOINT[1] else OPTS.cast_value(name, stated[key])
        except (PentimentoError, KeyError) as error:
            logger.warning("%s: %s is left out: %s", key, stated[key], error)
    return found


def get_override_settings(params: Mapping[str, Any], *, skip_fields: Sequence[str] | None = None) -> list[tuple[str, str, Any]]:
    """(key, option, value) of what an infotext states and that differs from the options in force."""
    skipped, found = set(skip_fields or ()), []
    for key, name in setting_names():
        if key not in params or key in skipped:
            continue
        if name == CHECKPOINT[1]:
            if not OPTS.disable_weights_auto_swap:
                found.append((key, name, params[key]))
            continue
        try:
            value = OPTS.cast_value(name, params[key])
        except (InvalidRequest, KeyError):
            continue
        if value != OPTS.data.get(name):
            found.append((key, name, value))
    return found


def image_from_url_text(filedata: Any) -> Image.Image | None:
    """A picture out of what Gradio's galleries hand over: the picture, its data URI, or a file that the program itself made.

    Raises:
        InvalidImage: The text is no picture.
        UnsafePath: The file lies outside the data folder.
    """
    while isinstance(filedata, list | tuple) and filedata:
        filedata = filedata[0]
    if isinstance(filedata, dict):
        filedata = filedata.get("name") or filedata.get("path") or (filedata.get("image") or {}).get("path")
    if filedata is None or isinstance(filedata, list | tuple):
        return None
    if isinstance(filedata, Image.Image):
        return filedata
    if str(filedata).startswith("data:"):
        return decode_base64_to_image(str(filedata))
    open_own: Any = load_dotted("modules.runtime.face_calls.own_files:open_own_picture")
    picture: Image.Image = open_own(str(filedata))
    return picture


@dataclass
class ParamBinding:
    """A button that sends a picture, a text or both to a tab.

    Attributes:
        paste_button: The button.
        tabname: "img2img", "inpaint", "extras" ...
        source_text_component, source_image_component: Where text and picture come from.
        source_tabname, override_settings_component, paste_field_names: As in A1111.
    """

    paste_button: Any
    tabname: str
    source_text_component: Any = None
    source_image_component: Any = None
    source_tabname: str | None = None
    override_settings_component: Any = None
    paste_field_names: list[str] = field(default_factory=list)


class PasteField(tuple[Any, Any]):
    """A component and what fills it: an infotext key, or a function of all of them."""

    api: str | None
    function: Callable[..., Any] | None
    label: str | None

    def __new__(cls, component: Any, target: Any, *, api: str | None = None) -> PasteField:
        made = super().__new__(cls, (component, target))
        made.api = api
        made.function, made.label = (target, None) if callable(target) else (None, target)
        return made

    @property
    def component(self) -> Any:
        return self[0]


def say_unconnected(tabname: str) -> None:
    """What a person sees who presses a button of an extension that the page cannot connect."""
    warn: Any = load_dotted("gradio:Warning")
    warn(f"Extensions cannot send to {tabname} here: save the picture and open it there, or paste its infotext into the prompt.")


class Bindings:
    """What extensions bound; the page reads it once it is built.

    Attributes:
        registered: All `ParamBinding`s.
        paste_fields: Tab to what was told of it.
        connect: The page's way to make a button work; buttons that come before it is there wait in `registered`.
    """

    def __init__(self) -> None:
        self.registered: list[ParamBinding] = []
        self.paste_fields: dict[str, dict[str, Any]] = {}
        self.connect: Callable[[ParamBinding], Any] | None = None

    def add(self, binding: ParamBinding) -> None:
        """Bind a button; where the page cannot connect it, it says so when it is pressed."""
        self.registered.append(binding)
        if self.connect is None and hasattr(binding.paste_button, "click"):
            binding.paste_button.click(partial(say_unconnected, binding.tabname), queue=False)

    def add_fields(self, tabname: str, init_img: Any, fields: Any, override_settings_component: Any = None) -> None:
        told = {"init_img": init_img, "fields": fields, "override_settings_component": override_settings_component}
        self.paste_fields[tabname] = told

    def fields(self, tabname: str) -> list[Any]:
        """Pairs of a component of the tab and what fills it; none before the page is built."""
        return list(self.paste_fields.get(tabname, {}).get("fields") or ())

    def connect_all(self) -> None:
        """Make all registered buttons work, each once."""
        if self.connect is None:
            return
        waiting, self.registered = self.registered, []
        for binding in waiting:
            self.connect(binding)

    def reset(self) -> None:
        self.registered, self.paste_fields = [], {}


BINDINGS = Bindings()


def create_buttons(tabs_list: Iterable[str]) -> dict[str, Any]:
    """A "Send to ..." button for each tab."""
    make_button: Any = load_dotted("gradio:Button")
    return {tab: make_button(f"Send to {tab}", elem_id=f"{tab}_tab") for tab in tabs_list}


def bind_buttons(buttons: Mapping[str, Any], send_image: Any, send_generate_info: Any) -> None:
    """Have each button send the picture in `send_image`, and the text in `send_generate_info` if that is a component."""
    text = None if isinstance(send_generate_info, str) else send_generate_info
    for tabname, button in buttons.items():
        source = send_generate_info if isinstance(send_generate_info, str) else None
        BINDINGS.add(ParamBinding(button, tabname, text, send_image, source))


def send_image_and_dimensions(x: Any) -> tuple[Any, Any, Any]:
    """(picture, width, height)."""
    image = x if isinstance(x, Image.Image) else image_from_url_text(x)
    return (None, None, None) if image is None else (image, image.width, image.height)


def find_checkpoint_title(name: str) -> str | None:
    """The title of the checkpoint that an infotext's hash or name means."""
    try:
        return str(SHARED.session.catalog.find(name).title)
    except PentimentoError:
        return None

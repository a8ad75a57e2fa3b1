"""The panel "What the model will see": four small pictures and a line of facts that follow the canvas and the form.

The browser asks for it itself (`assets/js/sight.js`), past Gradio's events: these wait for one another, and the panel must not.
"""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image, ImageChops

from modules.base.registry import load_dotted
from modules.pipeline.modes import Mode
from modules.runtime.recipe import Recipe, build_request
from modules.runtime.session import Session
from modules.web.ui.canvas import read_document
from modules.web.ui.form import recipe_from
from modules.web.ui.messages import Told, explain
from modules.web.ui.texts import Texts

if TYPE_CHECKING:
    from modules.pipeline.preview import Sight
    from modules.web.ui.wiring import Wiring

THUMBNAIL_PX = 384
TINT = (224, 64, 44)
TINT_SHARE = 0.6
MAX_PAGES = 256
BODY, CHIP = '<div class="pm-sight-body"></div>', '<div class="pm-sight-chip"></div>'
MOUNT = '(window.pentimentoSight ??= []).push(["{kind}", {{ element, props, watch, server }}]); window.pentimento?.mountSight?.();'
RELEVANT = (
    *("width", "height", "resize_mode", "inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding", "inpainting_mask_invert"),
    *("mask_blur", "grow_mask_by", "mask_alpha", "seed", "crop_region", "override_settings", "compat"),
)
"""Fields whose change may change what the model sees."""
TELL = "(...values) => window.pentimento.takeForm?.({names}, values)"
"""How the browser learns the values of the form."""


@dataclass(frozen=True)
class SightPanel:
    """Widgets.

    Attributes:
        panel: Drawn by `assets/js/sight.js`.
        region: The person's own crop: [left, top, right, bottom] on the picture, or None; shown as a chip.
        sights: Answers the panel's questions.
    """

    panel: Any
    region: Any
    sights: Sights


def build_sight(texts: Texts) -> SightPanel:
    """Lay out the panel; it answers once `wire_sight` has run."""
    sights = Sights(texts)

    def look(asked: dict[str, Any]) -> dict[str, Any]:
        return sights.look(asked)

    flat: dict[str, Any] = {"value": None, "apply_default_css": False}
    with gr.Column(elem_id="pm_sight", elem_classes="pm-card pm-sight"):
        panel = gr.HTML(**flat, html_template=BODY, js_on_load=MOUNT.format(kind="panel"), elem_id="img2img_sight", server_functions=[look])
        region = gr.HTML(
            **flat,
            label=texts("form.crop_region"),
            html_template=CHIP,
            js_on_load=MOUNT.format(kind="region"),
            elem_id="img2img_crop_region",
        )
    return SightPanel(panel, region, sights)


class Turns:
    """Which look of each page is the newest, so that an older one that is still at work gives up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, tuple[int, threading.Lock]] = OrderedDict()

    def begin(self, page: str) -> int:
        """A new look; returns its number."""
        with self._lock:
            turn, busy = self._pages.pop(page, (0, threading.Lock()))
            self._pages[page] = (turn + 1, busy)
            while len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)
            return turn + 1

    def is_newest(self, page: str, turn: int) -> bool:
        with self._lock:
            return page in self._pages and self._pages[page][0] == turn

    def lock_of(self, page: str) -> threading.Lock:
        """Held while a long fill is made: one at a time for each page."""
        with self._lock:
            return self._pages[page][1] if page in self._pages else threading.Lock()


class Sights:
    """Looks ahead for the pages of a session."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._session: Session | None = None
        self._turns = Turns()
        self._memory: Any = None

    def bind(self, session: Session) -> None:
        """From now on, answer for this session."""
        self._session = session

    def look(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What the model would see now.

        Args:
            asked: `page` an id of the page's own; `document` the canvas's value; `mode`; `values` of the form by field; `language`;
                `turn` None for a new look, which leaves out a fill that takes long, or the number of a look whose fill is wanted.

        Returns:
            As `describe`, or `hint` (a text's id) or `trouble` (a sentence) in its place; with `turn` and `took_ms`. Empty where a
            newer look has begun meanwhile.
        """
        page, turn = str(asked.get("page")), asked.get("turn")
        if turn is None:
            return self._show(asked, self._turns.begin(page), is_hasty=True)
        with self._turns.lock_of(page):
            shown = self._show(asked, turn, is_hasty=False) if self._turns.is_newest(page, turn) else {}
        return shown if self._turns.is_newest(page, turn) else {}

    def _show(self, asked: Mapping[str, Any], turn: int, *, is_hasty: bool) -> dict[str, Any]:
        begun_s = time.perf_counter()
        try:
            mode = Mode(asked.get("mode"))
            if mode is Mode.BATCH:
                raise Told("sight.batch")
            recipe = recipe_from(asked.get("values") or {}, mode, read_document(asked.get("document")))
            if recipe.fields.get("outpaint"):
                raise Told("sight.outpaint")
            shown = describe(*self._look_ahead(recipe, is_hasty=is_hasty))
        except Told as error:
            shown = {"hint": error.text_id}
        except Exception as error:
            shown = {"trouble": explain(self._texts, str(asked.get("language")), error)}
        return shown | {"turn": turn, "took_ms": round((time.perf_counter() - begun_s) * 1000)}

    def _look_ahead(self, recipe: Recipe, *, is_hasty: bool) -> tuple[Sight, Image.Image]:
        """The look, and the start picture made small."""
        if self._session is None:
            raise RuntimeError("wire_sight has not run")
        options = self._session.options.current
        request = build_request(recipe, self._session.store, options=options, is_only_read=True)
        request.options = options
        if self._memory is None:
            make_memory: Any = load_dotted("modules.pipeline.preview:Memory")
            self._memory = make_memory()
        look: Any = load_dotted("modules.pipeline.preview:look_ahead")
        key = key_of(recipe, options.coerced(request.override_settings).img2img_background_color)
        seen: Sight = look(request, self._memory, key, is_hasty=is_hasty)
        return seen, self._memory.find_or_make(("small", key), lambda: _shrink(seen.picture))


def key_of(recipe: Recipe, background: str) -> Hashable:
    """What the start picture of a recipe depends on, besides sizes; `background` is the colour under what is transparent."""
    sketch = (recipe.sketch, recipe.mask_alpha, recipe.fields.get("mask_blur")) if recipe.mode.has_sketch else None
    return recipe.mode.has_mask, recipe.picture, recipe.alpha, background, sketch


def describe(sight: Sight, small: Image.Image) -> dict[str, Any]:
    """A look as the browser draws it: numbers, what to remark, and pictures as data URLs; `small` is the start picture made small."""
    draw: Any = load_dotted("modules.pipeline.preview:draw_start")
    find_part: Any = load_dotted("modules.pipeline.preview:seen_part")
    part, crop = find_part(sight), sight.crop
    latent = sight.latent_mask
    return {
        "picture": list(sight.picture.size),
        "working": list(sight.working.size),
        "crop": None if crop is None else [crop.x, crop.y, crop.width, crop.height],
        "part": [part.x, part.y, part.width, part.height],
        "latent": None if latent is None else list(latent.size),
        "scale": round(sight.scale, 2),
        "stretch": next((remark.values["percent"] for remark in sight.remarks if remark.kind.value == "stretched"), 0),
        "content": str(sight.content.value),
        "is_filled": sight.is_filled,
        "is_one_of_many": sight.is_one_of_many,
        "remarks": [{"kind": remark.kind.value, "values": dict(remark.values)} for remark in sight.remarks],
        "images": {
            "start": _encode(_shrink(draw(sight))),
            "latent": None if latent is None else _encode(latent, "PNG"),
            "blend": None if sight.blend_mask is None else _encode(_tint(sight)),
            "crop": _encode(small),
        },
    }


def _tint(sight: Sight) -> Image.Image:
    """What is seen of the canvas, coloured where the result will show."""
    box = sight.crop.edges if sight.crop is not None else None
    picture, mask = _shrink(sight.canvas, box), _shrink(sight.blend_mask, box)
    strength = mask.point([round(value * TINT_SHARE) for value in range(256)])
    return Image.composite(ImageChops.blend(picture, Image.new("RGB", picture.size, TINT), 0.85), picture, strength)


def _shrink(image: Any, box: tuple[int, int, int, int] | None = None) -> Image.Image:
    width, height = (image.width, image.height) if box is None else (box[2] - box[0], box[3] - box[1])
    scale = min(1.0, THUMBNAIL_PX / max(width, height))
    if scale == 1.0:
        return image if box is None else image.crop(box)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=1.5)


def _encode(image: Image.Image, kind: str = "JPEG") -> str:
    data = io.BytesIO()
    image.save(data, kind, **({"quality": 90, "subsampling": 0} if kind == "JPEG" else {"compress_level": 1}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data.getvalue()).decode()}"


def wire_sight(wiring: Wiring) -> None:
    """Answer for the session; let the browser know the form from the start, and whenever a relevant field changes."""
    studio = wiring.studio
    studio.sight.sights.bind(wiring.session)
    changes = [wiring.page.load, *(studio.fields[name].change for name in RELEVANT)]
    tell = TELL.format(names=json.dumps(list(studio.fields)))
    gr.on(changes, None, list(studio.fields.values()), None, js=tell, show_progress="hidden", api_visibility="private")

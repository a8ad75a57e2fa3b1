"""The panel "What the model will see": four small pictures and a line of facts that follow the canvas and the form."""

from __future__ import annotations

import base64
import io
import threading
import time
import uuid
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
MOUNT = '(window.pentimentoSight ??= []).push(["{kind}", {{ element, props, watch }}]); window.pentimento?.mountSight?.();'
RELEVANT = (
    *("width", "height", "resize_mode", "inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding", "inpainting_mask_invert"),
    *("mask_blur", "mask_alpha", "seed", "crop_region", "override_settings"),
)
"""Fields whose change may change what the model sees."""


@dataclass(frozen=True)
class SightPanel:
    """Widgets.

    Attributes:
        panel: Its value is what `Sights.look` gives; `assets/js/sight.js` draws it.
        region: The person's own crop: [left, top, right, bottom] on the picture, or None; shown as a chip.
        turn: State: {"page": id, "turn": n, "is_filled": bool}, so that the newest look wins.
    """

    panel: Any
    region: Any
    turn: Any


def build_sight(texts: Texts) -> SightPanel:
    """Lay out the panel."""
    with gr.Column(elem_id="pm_sight", elem_classes="pm-card pm-sight"):
        flat: dict[str, Any] = {"value": None, "apply_default_css": False}
        panel = gr.HTML(
            **flat, label=texts("sight.title"), html_template=BODY, js_on_load=MOUNT.format(kind="panel"), elem_id="img2img_sight"
        )
        region = gr.HTML(
            **flat,
            label=texts("form.crop_region"),
            html_template=CHIP,
            js_on_load=MOUNT.format(kind="region"),
            elem_id="img2img_crop_region",
        )
    return SightPanel(panel, region, gr.State({}))


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
    """Event handlers of the panel."""

    def __init__(self, session: Session, texts: Texts, fields: Mapping[str, Any]) -> None:
        self._session, self._texts, self._names = session, texts, list(fields)
        self._turns = Turns()
        self._memory: Any = None

    def look(self, language: str, turn: Mapping[str, Any], mode: str, document: Mapping[str, Any], *values: Any) -> tuple[Any, Any, Any]:
        """Everything that is known at once; a fill that takes long is left to `fill`."""
        page = str(turn.get("page") or uuid.uuid4().hex)
        number = self._turns.begin(page)
        shown = self._show(language, mode, document, values, number, is_hasty=True)
        stretch = shown.get("stretch", 0)
        turn = {"page": page, "turn": number, "is_filled": shown.get("is_filled", True)}
        return shown, turn, gr.update(visible=stretch > 0)

    def fill(self, language: str, turn: Mapping[str, Any], mode: str, document: Mapping[str, Any], *values: Any) -> Any:
        """The same with the filled start picture; nothing if it was there already, or is out of date by now."""
        page, number = str(turn.get("page")), int(turn.get("turn", 0))
        if turn.get("is_filled", True):
            return gr.skip()
        with self._turns.lock_of(page):
            if not self._turns.is_newest(page, number):
                return gr.skip()
            shown = self._show(language, mode, document, values, number, is_hasty=False)
        return shown if self._turns.is_newest(page, number) else gr.skip()

    def _show(
        self, language: str, mode: str, document: Mapping[str, Any], values: tuple[Any, ...], number: int, *, is_hasty: bool
    ) -> dict[str, Any]:
        begun_s = time.perf_counter()
        try:
            if Mode(mode) is Mode.BATCH:
                raise Told("sight.batch")
            recipe = recipe_from(dict(zip(self._names, values, strict=True)), Mode(mode), document)
            shown = describe(self._look_ahead(recipe, is_hasty=is_hasty))
        except Told as error:
            shown = {"hint": error.text_id}
        except Exception as error:
            shown = {"trouble": explain(self._texts, language, error)}
        return shown | {"turn": number, "took_ms": round((time.perf_counter() - begun_s) * 1000)}

    def _look_ahead(self, recipe: Recipe, *, is_hasty: bool) -> Sight:
        request = build_request(recipe, self._session.store)
        request.options = self._session.options.current
        if self._memory is None:
            make_memory: Any = load_dotted("modules.pipeline.preview:Memory")
            self._memory = make_memory()
        look: Any = load_dotted("modules.pipeline.preview:look_ahead")
        seen: Sight = look(request, self._memory, key_of(recipe), is_hasty=is_hasty)
        return seen


def key_of(recipe: Recipe) -> Hashable:
    """What the start picture of a recipe depends on, besides sizes."""
    sketch = (recipe.sketch, recipe.mask_alpha, recipe.fields.get("mask_blur")) if recipe.mode.has_sketch else None
    return recipe.mode.has_mask, recipe.picture, recipe.alpha, sketch


def describe(sight: Sight) -> dict[str, Any]:
    """A look as the browser draws it: numbers, what to remark, and pictures as data URLs."""
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
            "crop": _encode(_shrink(sight.picture)),
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
    """Look whenever the canvas, the tab or a relevant field changes; then fill, where that takes long."""
    studio = wiring.studio
    panel, sights = studio.sight, Sights(wiring.session, wiring.texts, studio.fields)
    inputs = [panel.turn, studio.mode, studio.document, *studio.fields.values()]
    changes = [studio.document.change, studio.mode.change, *(studio.fields[name].change for name in RELEVANT)]
    options: dict[str, Any] = {"queue": False, "trigger_mode": "always_last", "api_name": False}

    def listen(handler: Any, given: Any, changed: Any, **settings: Any) -> Any:
        return gr.on(changes, handler, given, changed, **settings)

    looked = wiring.on(listen, sights.look, inputs, [panel.panel, panel.turn, studio.buttons["stretch_warning"]], **options)
    wiring.on(looked.then, sights.fill, inputs, [panel.panel], queue=False, trigger_mode="multiple", api_name=False)

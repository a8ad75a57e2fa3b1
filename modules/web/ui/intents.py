"""Four cards for those who know what they want, and none of the fields: Remove, Replace, Refine, Extend.

A card sets masked content, strength, area, padding and mask blur together, and says what it set. Extend also makes the picture larger.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.base.registry import load_dotted
from modules.imaging.outpainting import Margins
from modules.pipeline.modes import Mode
from modules.runtime.presets import Intent, IntentValues, intent_values
from modules.runtime.session import Session
from modules.web.ui.canvas import document_update
from modules.web.ui.controls.mask import MASKED_CONTENT
from modules.web.ui.controls.size import fitting_size
from modules.web.ui.live_text import live
from modules.web.ui.messages import Told
from modules.web.ui.texts import Texts

if TYPE_CHECKING:
    from modules.web.ui.pictures import Pictures
    from modules.web.ui.studio import Studio
    from modules.web.ui.wiring import Wiring

Updates = dict[Any, Any]
FIELDS = tuple(field.name for field in dataclasses.fields(IntentValues))
SIDES = ("left", "up", "right", "down")
MARGIN_STEP_PX = 8
MAX_MARGIN_PX = 2048
DEFAULT_MARGIN_PX = 64
MOST_OF_NATIVE = 1.5


@dataclass(frozen=True)
class Intents:
    """Widgets.

    Attributes:
        cards: The buttons, by intent.
        line: Says what is set.
        chosen: State: value of the `Intent` that was picked last, or None.
        extend_group: Shown while Extend is picked.
        margins: Pixels to add, in the order of `SIDES`.
        extend: Makes the larger picture.
    """

    cards: dict[Intent, Any]
    line: Any
    chosen: Any
    extend_group: Any
    margins: list[Any]
    extend: Any


def build_intents(texts: Texts) -> Intents:
    """Lay out the cards and what belongs to Extend."""
    with gr.Row(elem_id="img2img_intents", elem_classes="pm-intents"):
        cards = {
            intent: gr.Button(texts(f"intent.{intent.value}.card"), elem_id=f"img2img_intent_{intent.value}", elem_classes="pm-intent")
            for intent in Intent
        }
    line = gr.HTML("", elem_id="img2img_intent_line", elem_classes="pm-intent-line")
    with gr.Column(visible=False, elem_id="img2img_extend", elem_classes="pm-extend") as group:
        with gr.Row():
            margins = [
                gr.Number(
                    DEFAULT_MARGIN_PX, label=texts(f"intent.side.{side}"), precision=0, step=MARGIN_STEP_PX, minimum=0, min_width=80,
                    elem_id=f"img2img_extend_{side}",
                )
                for side in SIDES
            ]  # fmt: skip
        extend = gr.Button(texts("intent.extend.apply"), size="sm", elem_id="img2img_extend_apply")
    return Intents(cards, line, gr.State(None), group, margins, extend)


class IntentDesk:
    """Event handlers; each returns updates by widget, but for `describe`."""

    def __init__(self, session: Session, texts: Texts, studio: Studio, pictures: Pictures) -> None:
        self._session, self._texts, self._studio, self._pictures = session, texts, studio, pictures
        self._intents: Intents = studio.intents

    def outputs(self) -> list[Any]:
        """What picking a card may change."""
        row = self._intents
        return [row.chosen, row.line, row.extend_group, *row.cards.values(), *(self._studio.fields[name] for name in FIELDS)]

    def picker(self, intent: Intent) -> Callable[..., Updates]:
        """A handler that sets what belongs to `intent`."""

        def pick(language: str, checkpoint: str | None) -> Updates:
            return self._set(language, intent, checkpoint)

        return pick

    def describe(self, language: str, chosen: str | None, checkpoint: str | None, *values: Any) -> str:
        """The line below the cards: which intent holds, whether a field was changed by hand, and what is set."""
        if chosen is None:
            return ""
        named = dict(zip(FIELDS, values, strict=True))
        wanted = self._values(Intent(chosen), checkpoint)
        changed = any(named[name] is not None and _plain(named[name]) != _plain(value) for name, value in wanted.items())
        return self._say(language, Intent(chosen), named, is_changed=changed)

    def extend(self, language: str, document: Mapping[str, Any], checkpoint: str | None, *sides: float | None) -> Updates:
        """Lay the picture on a larger one whose margins are the mask, and open that; the mask that was painted is left behind.

        Raises:
            Told: There is no picture, or nothing to add.
            InvalidRequest: A number cannot be used, or the picture would become too large.
        """
        if document["picture"] is None:
            raise Told("error.no_picture")
        margins = read_margins(sides)
        width, height = document["picture"]["width"], document["picture"]["height"]
        _check_area(width + margins.left + margins.right, height + margins.up + margins.down)
        picture = self._session.store.open(document["picture"]["id"]).image
        enlarge: Any = load_dotted("modules.imaging.outpainting:extend_picture")
        extended, mask = enlarge(picture, margins)
        asset, mask_asset = self._session.store.add_picture(extended), self._session.store.add_picture(mask)
        note = self._texts.say(language, "intent.extended", width=extended.width, height=extended.height)
        opened = self._pictures.open_sized(document_update(asset.as_json(), mask_asset.id, None, note), Mode.INPAINT)
        return {**self._set(language, Intent.EXTEND, checkpoint), **opened, **self._size_for(mask, checkpoint)}

    def extend_outputs(self) -> list[Any]:
        """What `extend` may change."""
        fields = self._studio.fields
        return [*self.outputs(), *self._pictures.outputs(), fields["width"], fields["height"], self._studio.is_own_size]

    def _size_for(self, mask: Any, checkpoint: str | None) -> Updates:
        """A size of the crop's proportions, so that nothing is smeared; up to half as large again as the model's, so that less is lost."""
        find_box: Any = load_dotted("modules.imaging.masks:find_crop_box")
        box = find_box(mask, self._values(Intent.EXTEND, checkpoint)["inpaint_full_res_padding"])
        native_px = self._session.preset(checkpoint).width
        side_px = min(max((box.width * box.height) ** 0.5, native_px), native_px * MOST_OF_NATIVE)
        width, height = fitting_size(box.width, box.height, side_px)
        fields = self._studio.fields
        return {fields["width"]: width, fields["height"]: height, self._studio.is_own_size: True}

    def _set(self, language: str, intent: Intent, checkpoint: str | None) -> Updates:
        row, values = self._intents, self._values(intent, checkpoint)
        return {
            row.chosen: intent.value,
            row.line: self._say(language, intent, values, is_changed=False),
            row.extend_group: gr.update(visible=intent is Intent.EXTEND),
            **{card: gr.update(variant="primary" if other is intent else "secondary") for other, card in row.cards.items()},
            **{self._studio.fields[name]: value for name, value in values.items()},
        }

    def _values(self, intent: Intent, checkpoint: str | None) -> dict[str, Any]:
        values = dataclasses.asdict(intent_values(intent, self._session.checkpoint(checkpoint)))
        return values | {"inpaint_full_res": int(values["inpaint_full_res"])}

    def _say(self, language: str, intent: Intent, values: Mapping[str, Any], *, is_changed: bool) -> str:
        def part(text_id: str, **gaps: object) -> str:
            return live(self._texts, language, text_id, **gaps)

        contents = {value: name for name, value in MASKED_CONTENT}
        content = part(f"fill.{contents.get(values['inpainting_fill'], 'original')}")
        parts = [
            f"{part('form.inpainting_fill')}: {content}",
            part("intent.strength", n=f"{values['denoising_strength'] or 0:g}"),
            part("area.masked" if values["inpaint_full_res"] else "area.whole"),
            part("intent.padding", n=values["inpaint_full_res_padding"]) if values["inpaint_full_res"] else "",
            part("intent.blur", n=values["mask_blur"]),
        ]
        changed = f' <em class="pm-changed">{part("intent.changed")}</em>' if is_changed else ""
        return f'<p role="status"><b>{part(f"intent.{intent.value}")}</b>{changed} — {" · ".join(filter(None, parts))}</p>'


def read_margins(sides: tuple[float | None, ...]) -> Margins:
    """Margins from the numbers of `SIDES`.

    Raises:
        Told: All are 0, or one is negative, too large, or no multiple of 8.
    """
    given = {}
    for side, value in zip(SIDES, sides, strict=True):
        number = value or 0
        if number % MARGIN_STEP_PX or not 0 <= number <= MAX_MARGIN_PX:
            raise Told("intent.extend.margin", got=f"{number:g}", most=MAX_MARGIN_PX, step=MARGIN_STEP_PX)
        given[side] = int(number)
    if not any(given.values()):
        raise Told("intent.extend.nothing")
    return Margins(**given)


def _check_area(width: int, height: int) -> None:
    most: Any = load_dotted("modules.imaging.picture:MAX_PIXELS")
    if width * height > most:
        raise Told("intent.extend.large", width=width, height=height)


def _plain(value: Any) -> Any:
    return round(float(value), 4) if isinstance(value, int | float) else value


def wire_intents(wiring: Wiring) -> None:
    """Connect the cards, and keep the line true when a field is changed by hand."""
    studio = wiring.studio
    desk, row, checkpoint = IntentDesk(wiring.session, wiring.texts, studio, wiring.pictures), studio.intents, studio.fields["checkpoint"]
    for intent, card in row.cards.items():
        wiring.on(card.click, desk.picker(intent), [checkpoint], desk.outputs(), queue=False)
    values = [studio.fields[name] for name in FIELDS]

    def listen(handler: Any, given: Any, changed: Any, **settings: Any) -> Any:
        return gr.on([*(widget.change for widget in values), checkpoint.change], handler, given, changed, **settings)

    wiring.on(listen, desk.describe, [row.chosen, checkpoint, *values], row.line, queue=False, trigger_mode="always_last", api_name=False)
    wiring.on(row.extend.click, desk.extend, [studio.document, checkpoint, *row.margins], desk.extend_outputs(), queue=False)

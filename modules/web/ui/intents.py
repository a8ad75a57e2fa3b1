"""Four cards for those who know what they want, and none of the fields: Remove, Replace, Refine, Extend.

A card sets masked content, strength, area, padding and mask blur together, and says what it set. Extend also opens the inpaint tab, where
`assets/js/canvas/tools_frame.js` takes the tool in hand that draws the picture's frame outwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.runtime.presets import Intent, IntentValues, intent_values
from modules.runtime.session import Session
from modules.web.ui.controls.mask import MASKED_CONTENT
from modules.web.ui.live_text import live
from modules.web.ui.texts import Texts

if TYPE_CHECKING:
    from modules.web.ui.pictures import Pictures
    from modules.web.ui.studio import Studio
    from modules.web.ui.wiring import Wiring

Updates = dict[Any, Any]
FIELDS = tuple(field.name for field in dataclasses.fields(IntentValues))


@dataclass(frozen=True)
class Intents:
    """Widgets.

    Attributes:
        cards: The buttons, by intent.
        line: Says what is set.
        chosen: State: value of the `Intent` that was picked last, or None.
    """

    cards: dict[Intent, Any]
    line: Any
    chosen: Any


def build_intents(texts: Texts) -> Intents:
    """Lay out the cards and what belongs to Extend."""
    with gr.Row(elem_id="img2img_intents", elem_classes="pm-intents"):
        cards = {
            intent: gr.Button(texts(f"intent.{intent.value}.card"), elem_id=f"img2img_intent_{intent.value}", elem_classes="pm-intent")
            for intent in Intent
        }
    line = gr.HTML("", elem_id="img2img_intent_line", elem_classes="pm-intent-line")
    return Intents(cards, line, gr.State(None))


class IntentDesk:
    """Event handlers; each returns updates by widget, but for `describe`."""

    def __init__(self, session: Session, texts: Texts, studio: Studio, pictures: Pictures) -> None:
        self._session, self._texts, self._studio, self._pictures = session, texts, studio, pictures
        self._intents: Intents = studio.intents

    def outputs(self) -> list[Any]:
        """What picking a card may change."""
        row = self._intents
        return [row.chosen, row.line, *row.cards.values(), *(self._studio.fields[name] for name in FIELDS)]

    def extend_outputs(self) -> list[Any]:
        """What picking Extend may change."""
        return [*self.outputs(), *self._pictures.tab_outputs()]

    def picker(self, intent: Intent) -> Callable[..., Updates]:
        """A handler that sets what belongs to `intent`."""

        def pick(language: str, checkpoint: str | None) -> Updates:
            tab = self._pictures.open_tab(Mode.INPAINT) if intent is Intent.EXTEND else {}
            return self._set(language, intent, checkpoint) | tab

        return pick

    def describe(self, language: str, chosen: str | None, checkpoint: str | None, *values: Any) -> str:
        """The line below the cards: which intent holds, whether a field was changed by hand, and what is set."""
        if chosen is None:
            return ""
        named = dict(zip(FIELDS, values, strict=True))
        wanted = self._values(Intent(chosen), checkpoint)
        changed = any(named[name] is not None and _plain(named[name]) != _plain(value) for name, value in wanted.items())
        return self._say(language, Intent(chosen), named, is_changed=changed)

    def _set(self, language: str, intent: Intent, checkpoint: str | None) -> Updates:
        row, values = self._intents, self._values(intent, checkpoint)
        return {
            row.chosen: intent.value,
            row.line: self._say(language, intent, values, is_changed=False),
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


def _plain(value: Any) -> Any:
    return round(float(value), 4) if isinstance(value, int | float) else value


def wire_intents(wiring: Wiring) -> None:
    """Connect the cards, and keep the line true when a field is changed by hand."""
    studio = wiring.studio
    desk, row, checkpoint = IntentDesk(wiring.session, wiring.texts, studio, wiring.pictures), studio.intents, studio.fields["checkpoint"]
    for intent, card in row.cards.items():
        outputs = desk.extend_outputs() if intent is Intent.EXTEND else desk.outputs()
        wiring.on(card.click, desk.picker(intent), [checkpoint], outputs, queue=False)
    values = [studio.fields[name] for name in FIELDS]

    def listen(handler: Any, given: Any, changed: Any, **settings: Any) -> Any:
        return gr.on([*(widget.change for widget in values), checkpoint.change], handler, given, changed, **settings)

    wiring.on(listen, desk.describe, [row.chosen, checkpoint, *values], row.line, queue=False, trigger_mode="always_last", api_name=False)

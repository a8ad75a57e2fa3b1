"""Cards that set many fields at once, sizes, and the panel's handlers, without a browser."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.pipeline.plan import check_request
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.presets import Intent, intent_values
from modules.runtime.store import AssetStore
from modules.settings.options import Options
from modules.web.ui.controls.mask import MASKED_CONTENT
from modules.web.ui.controls.size import Sizes, fitting_size, scaled_size
from modules.web.ui.intents import FIELDS, IntentDesk
from modules.web.ui.pictures import Pictures
from modules.web.ui.sight import Sights, Turns
from modules.web.ui.texts import Texts

from .test_form import VALUES

BUILT_IN = SimpleNamespace(is_builtin=True, kind=SimpleNamespace(name="INPAINT"))
INPAINT = SimpleNamespace(is_builtin=False, kind=SimpleNamespace(name="INPAINT"))
BASE = SimpleNamespace(is_builtin=False, kind=SimpleNamespace(name="BASE"))


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts.load()


class Page:
    """What handlers need of the page: names instead of widgets."""

    def __init__(self, folder: Path, texts: Texts) -> None:
        self.store = AssetStore(folder)
        session: Any = SimpleNamespace(
            store=self.store, checkpoint=lambda name: BASE if name else BUILT_IN, preset=lambda name: SimpleNamespace(width=256),
            options=SimpleNamespace(current=Options()),
        )  # fmt: skip
        self.session = session
        row = SimpleNamespace(chosen="chosen", line="line", cards={intent: f"card {intent.value}" for intent in Intent})
        studio: Any = SimpleNamespace(
            intents=row, fields={name: name for name in (*FIELDS, "width", "height")}, document="document", top_tabs="top", mode="mode",
            is_own_size="is_own_size", last_shape="last_shape", modes=SimpleNamespace(tabs="tabs"),
            mask_group="mask_group", sketch_group="sketch_group",
            groups_of=lambda mode: {},
        )  # fmt: skip
        self.desk = IntentDesk(session, texts, studio, Pictures(session, texts, studio))
        self.sights = Sights(texts)
        self.sights.bind(session)

    def add(self, image: Image.Image) -> dict[str, Any]:
        return self.store.add_picture(image).as_json()


@pytest.fixture
def page(tmp_path: Path, texts: Texts) -> Page:
    return Page(tmp_path, texts)


@pytest.mark.parametrize("checkpoint", [None, BUILT_IN, INPAINT, BASE])
@pytest.mark.parametrize("intent", Intent)
def test_every_intent_makes_a_request_that_can_run(intent: Intent, checkpoint: Any) -> None:
    values = {name: getattr(intent_values(intent, checkpoint), name) for name in FIELDS}
    check_request(Img2ImgProcessing(init_images=[Image.new("RGB", (64, 64))], **values))
    assert values["inpainting_fill"] in [value for _, value in MASKED_CONTENT]
    assert values["inpaint_full_res_padding"] % 4 == 0  # the slider's step


def test_intents_differ_by_the_kind_of_model() -> None:
    strengths = [intent_values(Intent.REPLACE, checkpoint).denoising_strength for checkpoint in (INPAINT, BASE)]
    assert strengths[0] > strengths[1]
    for checkpoint in (BUILT_IN, INPAINT, BASE):
        refine, replace = (intent_values(intent, checkpoint) for intent in (Intent.REFINE, Intent.REPLACE))
        assert refine.denoising_strength < replace.denoising_strength and refine.inpainting_fill == 1


def test_a_card_sets_its_fields_and_says_so(page: Page) -> None:
    updates = page.desk.picker(Intent.EXTEND)("en", None)
    assert set(page.desk.extend_outputs()) >= set(updates) > set(page.desk.outputs())
    assert updates["inpainting_fill"] == "patchmatch" and updates["inpaint_full_res"] == 1 and updates["chosen"] == "extend"
    assert updates["mode"] == "inpaint" and updates["card extend"]["variant"] == "primary"
    for said in ("Extend", "PatchMatch", "Only masked", "Padding 128 px", f"Strength {updates['denoising_strength']:g}"):
        assert said in updates["line"], said
    assert "移除" in page.desk.picker(Intent.REMOVE)("zh-CN", None)["line"]


def test_a_field_changed_by_hand_marks_the_intent(page: Page) -> None:
    set_to = page.desk.picker(Intent.REMOVE)("en", None)
    values = [set_to[name] for name in FIELDS]
    assert "(changed)" not in page.desk.describe("en", "remove", None, *values)
    values[FIELDS.index("denoising_strength")] = 0.9
    line = page.desk.describe("en", "remove", None, *values)
    assert "(changed)" in line and "Strength 0.9" in line
    assert page.desk.describe("en", None, None, *values) == ""


@pytest.mark.parametrize(
    ("size", "scale", "wanted"), [((333, 500), 1.0, (333, 500)), ((333, 501), 1.5, (499, 751)), ((640, 480), 0.05, (64, 64))]
)
def test_resize_by_cuts_to_whole_pixels_as_a1111(size: tuple[int, int], scale: float, wanted: tuple[int, int]) -> None:
    assert scaled_size(*size, scale) == wanted


def test_resize_by_follows_the_picture_and_tells_its_bounds(texts: Texts) -> None:
    sizes, picture = Sizes(texts), {"picture": {"width": 1000, "height": 500}}
    width, height, is_own, line = sizes.scale("en", True, 1.25, picture)
    assert (width, height, is_own) == (1250, 625, True) and "1000 × 500 → 1250 × 625" in line
    width, height, _, line = sizes.scale("en", True, 4, picture)
    assert (width, height) == (2048, 1024) and "At most 2048" in line
    assert all(update.get("__type__") == "update" for update in sizes.scale("en", False, 2, picture))
    assert "Open a picture" in sizes.scale("en", True, 2, {"picture": None})[3]


def test_the_way_out_of_a_stretch_keeps_proportions_and_area(texts: Texts) -> None:
    sizes, picture = Sizes(texts), {"picture": {"width": 600, "height": 400}}
    width, height, is_own = sizes.fit("en", 512, 512, picture)
    assert (width, height) == fitting_size(600, 400, 512) and is_own
    assert abs(width / height / 1.5 - 1) < 0.01


def look(page: Page, document: dict[str, Any], turn: int | None = None, mode: str = "inpaint", **changes: Any) -> dict[str, Any]:
    asked = {"page": "one", "turn": turn, "mode": mode, "language": "en", "document": document, "values": VALUES | changes}
    return page.sights.look(asked)


@pytest.fixture
def document(page: Page) -> dict[str, Any]:
    photo = Image.fromarray(np.random.default_rng(5).integers(0, 256, (120, 160, 3), dtype=np.uint8))
    mask = Image.new("L", photo.size)
    mask.paste(255, (40, 30, 100, 80))
    return {"picture": page.add(photo), "mask": page.store.add_picture(mask).id, "sketch": None, "alpha": "mask"}


@pytest.mark.parametrize("mode", ["img2img", "sketch"])
def test_a_look_follows_the_background_colour(mode: str, page: Page) -> None:
    paint = Image.new("RGBA", (64, 64))
    paint.putpixel((3, 3), (0, 0, 255, 255))
    clear = {"picture": page.add(Image.new("RGBA", (64, 64))), "mask": None, "sketch": page.store.add_picture(paint).id, "alpha": "flatten"}
    seen = []
    for colour in ("#ffffff", "#00ff00"):
        page.session.options.current = Options(img2img_background_color=colour)
        seen.append(look(page, clear, mode=mode, width=64, height=64)["images"])
    assert all(seen[0][name] != seen[1][name] for name in ("start", "crop"))


def test_a_look_is_told_as_numbers_and_pictures(page: Page, document: dict[str, Any]) -> None:
    shown = look(page, document, inpainting_fill=1, inpaint_full_res=1, width=256, height=256)
    assert shown["working"] == [256, 256] and shown["latent"] == [32, 32] and shown["crop"] is not None and shown["is_filled"]
    assert all(address.startswith("data:image/") for address in shown["images"].values())
    assert shown["turn"] == 1 and shown["stretch"] == 0
    shown = look(page, document, mode="img2img", width=256, height=256, resize_mode=0)
    assert shown["stretch"] == 33 and shown["turn"] == 2 and shown["images"]["latent"] is None


def test_a_long_fill_comes_second_and_only_for_the_newest_look(page: Page, document: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"inpainting_fill": "patchmatch", "inpaint_full_res": 1, "seed": 3}
    hasty = look(page, document, **fields)
    assert not hasty["is_filled"]
    whole = look(page, document, hasty["turn"], **fields)
    assert whole["is_filled"] and whole["turn"] == hasty["turn"] and whole["images"]["start"] != hasty["images"]["start"]
    later = look(page, document, **(fields | {"seed": 4}))
    assert look(page, document, hasty["turn"], **fields) == {}
    assert look(page, document, later["turn"], **(fields | {"seed": 4}))["is_filled"]


def test_what_is_missing_is_said_in_the_panel(page: Page, document: dict[str, Any]) -> None:
    assert look(page, document | {"picture": None})["hint"] == "error.no_picture"
    assert look(page, document | {"mask": None})["hint"] == "error.no_mask"
    assert look(page, document, mode="batch")["hint"] == "sight.batch"
    assert "Width" in look(page, document, width=9999)["trouble"]
    assert "deleted" in look(page, document | {"mask": "0" * 64})["trouble"]
    assert "unforeseen" in look(page, document, mode="nonsense")["trouble"]
    assert "canvas" in look(page, {"picture": "nonsense"})["trouble"] or "asset" in look(page, {"picture": "nonsense"})["trouble"]


def test_turns_of_pages_do_not_meet_and_are_forgotten_in_the_end() -> None:
    turns = Turns()
    assert [turns.begin("a"), turns.begin("b"), turns.begin("a")] == [1, 1, 2]
    assert turns.is_newest("a", 2) and not turns.is_newest("a", 1) and turns.is_newest("b", 1)
    for number in range(300):
        turns.begin(f"page {number}")
    assert not turns.is_newest("a", 2)

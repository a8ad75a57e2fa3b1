from __future__ import annotations

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.web.ui.canvas import (
    EMPTY_DOCUMENT,
    CanvasDocument,
    CanvasView,
    document_update,
    from_editor_value,
    read_document,
    to_editor_value,
)


def stroke(size: tuple[int, int], box: tuple[int, int, int, int], alpha: int) -> Image.Image:
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    layer.paste((255, 255, 255, alpha), box)
    return layer


def test_an_editor_value_and_back_is_the_same_document() -> None:
    picture = Image.new("RGB", (40, 30), (10, 20, 30))
    mask = stroke((40, 30), (4, 5, 20, 25), 130).getchannel("A")
    value = to_editor_value(picture, mask)
    assert value.keys() == {"background", "layers", "composite"} and value["layers"][0].mode == "RGBA"
    background, back, merged = from_editor_value(value)
    assert background is not None and background.convert("RGB").tobytes() == picture.tobytes()
    assert back is not None and back.tobytes() == mask.tobytes()
    assert merged is not None and merged.getpixel((10, 10)) == (255, 255, 255, 130)


def test_a_sketch_lies_below_the_mask_in_an_editor_value() -> None:
    sketch = Image.new("RGBA", (8, 8), (200, 0, 0, 255))
    value = to_editor_value(Image.new("RGB", (8, 8)), None, sketch)
    assert value["composite"].getpixel((4, 4)) == (200, 0, 0, 255)
    _, mask, merged = from_editor_value(value)
    assert mask is not None and mask.getextrema() == (255, 255)
    assert merged is not None and merged.getpixel((0, 0)) == (200, 0, 0, 255)


def test_an_empty_editor_value_holds_nothing() -> None:
    assert from_editor_value(None) == (None, None, None)
    assert from_editor_value({"background": None, "layers": []}) == (None, None, None)


def test_a_document_is_completed_and_checked() -> None:
    assert read_document(None) == EMPTY_DOCUMENT
    picture = {"id": "a" * 64, "width": 4, "height": 3}
    document = read_document({"picture": picture, "mask": "b" * 64, "stray": 1})
    assert document == {**EMPTY_DOCUMENT, "picture": picture, "mask": "b" * 64}
    assert read_document(document_update(picture, mask="c" * 64))["mask"] == "c" * 64
    assert read_document({"mode": "batch"}) == {**EMPTY_DOCUMENT, "mode": "batch"}
    refused = ([1], {"mask": "../etc/passwd"}, {"picture": "a" * 64}, {"picture": {"id": "x"}}, {"alpha": "colour"}, {"mode": "txt2img"})
    for wrong in refused:
        with pytest.raises(InvalidRequest, match="document"):
            read_document(wrong)


def test_components_need_a_known_mode_and_hold_no_script_of_the_value() -> None:
    view = CanvasView("mask", elem_id="img2maskimg")
    document = CanvasDocument()
    assert 'data-mode="mask"' in view.html_template and "value" not in view.html_template
    assert document.preprocess({"revision": 3})["revision"] == 3
    with pytest.raises(ValueError, match="view_mask"):
        CanvasView("lasso", elem_id="x")

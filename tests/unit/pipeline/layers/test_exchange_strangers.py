"""Files of other programs, and files that mean harm: read as far as they can be, else refused in words."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageChops
from psd_tools import PSDImage
from psd_tools.constants import BlendMode as PsdBlend

from modules.base.errors import InvalidRequest
from modules.imaging.layering.blend_mode import BlendMode
from modules.pipeline.layers.document import LayerKind
from modules.pipeline.layers.exchange.exporting import export
from modules.pipeline.layers.exchange.foreign import kind_of
from modules.pipeline.layers.exchange.importing import Imported, import_layers
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import MemorySources
from tests.unit.pipeline.layers.exchange_data import draw_document
from tests.unit.pipeline.layers.test_exchange import come_back, edited_zip, keys, png

RED = np.full((30, 40, 4), (255, 0, 0, 255), np.uint8)


def soft(color: tuple[int, int, int], shape: tuple[int, int] = (30, 40)) -> NDArray[np.uint8]:
    pixels = np.zeros((*shape, 4), np.uint8)
    pixels[5:15, 5:15] = (*color, 128)
    return pixels


def zipped(files: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def names(back: Imported) -> list[str]:
    return [layer.name for layer in back.document.layers]


def saved(psd: PSDImage) -> bytes:
    buffer = io.BytesIO()
    psd.save(buffer)
    return buffer.getvalue()


def refused(data: bytes | Path, *words: str, name: str = "client.file") -> str:
    """The message, which has all the words."""
    with pytest.raises(InvalidRequest) as caught:
        import_layers(data, name, MemorySources())
    message = str(caught.value)
    for word in words:
        assert word in message, message
    return message


def ora(stack: str, files: dict[str, bytes], head: str = "") -> bytes:
    return zipped({"mimetype": b"image/openraster", "stack.xml": f"{head}<image w='40' h='30'>{stack}</image>".encode(), **files})


def test_names_of_other_programs_tell_kind_and_order() -> None:
    kinds = ("subject", "background", "text", "shadow", "highlight", "texture")
    files = {f"layer_{place}_{kind}.png": png(RED if kind == "background" else soft((place, 0, 0))) for place, kind in enumerate(kinds)}
    back, _ = come_back(zipped(files), "qwen.zip")
    assert names(back) == ["background", "texture", "shadow", "subject", "highlight", "text"]
    assert [layer.kind.value for layer in back.document.layers] == names(back)
    assert back.document.name == "qwen" and back.came_from == ""
    assert "order" in keys(back)
    plain = {f"layer_{place}.png": png(RED if place == 0 else soft((place, 0, 0))) for place in range(12)}
    assert names(come_back(zipped(plain))[0]) == [f"layer_{place}" for place in range(12)], "numbers are counted, not spelled"
    assert kind_of("Background copy") is LayerKind.BACKGROUND and kind_of("背景") is LayerKind.BACKGROUND
    assert kind_of("textbook") is LayerKind.OTHER and kind_of("my subject") is LayerKind.OTHER


def test_opaque_shadows_highlights_and_textures_are_mixed() -> None:
    grey = np.full((30, 40, 4), (128, 128, 128, 255), np.uint8)
    back, _ = come_back(zipped({name: png(grey) for name in ("background.png", "shadow.png", "highlight.png", "texture.png")}))
    modes = {layer.name: layer.blend for layer in back.document.layers}
    assert modes == {
        "background": BlendMode.NORMAL,
        "shadow": BlendMode.MULTIPLY,
        "highlight": BlendMode.SCREEN,
        "texture": BlendMode.OVERLAY,
    }


def test_pictures_of_other_sizes_modes_and_names_are_taken_with_a_word(tmp_path: Path) -> None:
    Image.fromarray(RED).convert("P").save(tmp_path / "background.png")
    Image.fromarray(np.full((30, 40), 30000, np.uint16)).save(tmp_path / "deep.png")
    Image.new("CMYK", (40, 30)).save(tmp_path / "print.tif")
    Image.new("RGB", (20, 10)).save(tmp_path / "small.png")
    fresh = MemorySources()
    back = import_layers(tmp_path, "folder", fresh)
    assert sorted(keys(back)) == ["converted", "converted", "converted", "order", "smaller"]
    assert render(back.document, fresh).shape == (30, 40, 4)


def test_groups_masks_clipping_and_modes_of_a_photoshop_file() -> None:
    psd = PSDImage.new("RGB", (40, 30))
    psd.create_pixel_layer(Image.new("RGB", (40, 30), (0, 0, 255)), name="Background")
    group = psd.create_group(name="Group 1")
    inner = psd.create_pixel_layer(Image.new("RGB", (20, 10), (255, 0, 0)), name="../../etc/passwd", top=5, left=6, opacity=128)
    psd.remove(inner)
    group.append(inner)
    group.opacity = 128
    masked = psd.create_pixel_layer(Image.new("RGB", (10, 10), (0, 255, 0)), name="masked", top=0, left=0)
    masked.create_mask(Image.new("L", (10, 10), 51), top=0, left=0)
    clipped = psd.create_pixel_layer(Image.new("RGB", (40, 30), (9, 9, 9)), name="masked", top=0, left=0)
    clipped.clipping = True
    clipped.blend_mode = PsdBlend.VIVID_LIGHT
    back, fresh = come_back(saved(psd), "client.psd")
    assert names(back) == ["Background", "Group 1 / ../../etc/passwd", "masked", "masked 2"]
    background, red, green, dark = back.document.layers
    assert red.opacity == pytest.approx((128 / 255) ** 2) and (red.placement.left, red.placement.top) == (6.0, 5.0)
    assert background.kind is LayerKind.BACKGROUND and dark.blend is BlendMode.NORMAL
    assert green.source is not None and (fresh.pixels(green.source) == (0, 255, 0, 51)).all()
    assert dark.source is not None and (fresh.pixels(dark.source)[..., 3] == 51).all()
    assert {"mask", "clipped", "blend", "twice", "renamed"} <= set(keys(back))
    files = zipfile.ZipFile(io.BytesIO(export(back.document, fresh, "zip").data)).namelist()
    assert "Group 1 etc passwd.png" in files


@pytest.mark.parametrize("mode", ["CMYK", "L", "1"])
def test_other_colour_modes_of_photoshop_files_are_converted(mode: str) -> None:
    drawn = Image.new("RGB", (40, 30), (255, 255, 255)).convert(mode)
    psd = PSDImage.frompil(ImageChops.invert(drawn) if mode == "CMYK" else drawn)  # in the file 255 is no ink
    back, fresh = come_back(saved(psd))
    assert set(keys(back)) == {"mode", "flat"}
    assert (render(back.document, fresh)[..., :3] >= 250).all()
    if mode == "CMYK":
        layered = PSDImage.new("CMYK", (40, 30))
        layered.create_pixel_layer(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), name="red")
        back, fresh = come_back(saved(layered))
        red = render(back.document, fresh)[10, 10]
        assert red[0] > 200 and red[1] < 60 and red[2] < 60 and red[3] == 255


def test_sixteen_bits_are_reduced_with_a_word() -> None:
    psd = PSDImage.new("RGB", (40, 30), depth=16)
    psd.create_pixel_layer(Image.new("RGB", (40, 30), (200, 100, 50)), name="deep")
    back, fresh = come_back(saved(psd))
    assert "depth" in keys(back)
    assert np.abs(render(back.document, fresh)[0, 0, :3].astype(int) - (200, 100, 50)).max() <= 1


def test_groups_offsets_and_modes_of_an_openraster_file() -> None:
    stack = """<stack><layer name="top" src="data/a.png" x="3" y="4.0" opacity="0.5" composite-op="svg:plus"/>
    <stack name="group" x="10" y="10" opacity="0.5" visibility="hidden" composite-op="svg:multiply">
    <layer name="inner" src="data/a.png" x="1" composite-op="krita:dissolve" edit-locked="true"/></stack>
    <layer src="data/../data/b.png"/></stack>"""
    back, _ = come_back(ora(stack, {"data/a.png": png(soft((1, 2, 3), (20, 20))), "data/b.png": png(RED)}), "client.ora")
    bottom, inner, top = back.document.layers
    assert [bottom.name, inner.name, top.name] == ["layer", "group / inner", "top"]
    assert (top.blend, top.opacity, top.placement.left, top.placement.top) == (BlendMode.ADD, 0.5, 3.0 + 5, 4.0 + 5)  # cut to what shows
    assert top.source is not None and top.source.extent.size == (10, 10)
    assert (inner.placement.left, inner.placement.top, inner.opacity, inner.is_visible, inner.is_locked) == (16.0, 15.0, 0.5, False, True)
    assert {"group_mode", "blend"} <= set(keys(back))


def big_png(width: int, height: int) -> bytes:
    """A PNG that announces many pixels in few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def test_hostile_archives_are_refused(tmp_path: Path) -> None:
    good = {"background.png": png(RED)}
    for name in ("../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png", "C:/evil.png"):
        refused(zipped({**good, name: png(RED)}), "paths stay inside")
    refused(zipped({"bomb.png": b"\0" * (64 << 20)}, zipfile.ZIP_DEFLATED), "bomb.png")
    refused(zipped({f"layer{place}.png": b"" for place in range(10_000)}), "more than 8000 files")
    refused(zipped({f"layer{place}.png": b"" for place in range(1001)}), "1001 layers", "at most 1000")
    refused(zipped({"readme.txt": b"nothing"}), "without pictures")
    refused(zipped({}), "without pictures")
    refused(zipped({"huge.png": big_png(30_000, 30_000)}), "huge.png", "megapixels")
    refused(zipped({f"big{place}.png": big_png(13_000, 13_000) for place in range(12)}), "megapixels together")
    refused(zipped({"broken.png": png(RED)[:80]}), "broken.png")
    refused(zipped(good)[:60], "a whole ZIP file")
    damaged = bytearray(zipped(good))
    damaged[60] ^= 0xFF
    refused(bytes(damaged), "background.png")
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = io.BytesIO()
        with zipfile.ZipFile(twice, "w") as archive:
            archive.writestr("a.png", png(RED))
            archive.writestr("a.png", png(RED))
    refused(twice.getvalue(), "two entries a.png")
    refused(png(RED), "a ZIP, PSD or OpenRaster file")
    refused(b"", "a ZIP, PSD or OpenRaster file")
    refused(tmp_path / "missing.zip", "can be read")
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret.png").write_bytes(png(RED))
    (tmp_path / "folder" / "link.png").symlink_to(tmp_path / "secret.png")
    refused(tmp_path / "folder", "link out of the folder")


def test_hostile_openraster_files_are_refused() -> None:
    laughs = "<!DOCTYPE lolz [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>"
    refused(ora("<stack/>", {}, laughs), "document type")
    refused(ora("<stack>" * 100 + "</stack>" * 100, {}), "nested more than 64 deep")
    refused(ora("<stack>" + "<layer src='a.png'/>" * 10_000 + "</stack>", {"a.png": png(RED)}), "10000 layers")
    refused(ora("<stack><layer src='../../etc/passwd'/></stack>", {}), "no entry ../../etc/passwd")
    refused(ora("<stack><layer src='a.png' opacity='2'/></stack>", {"a.png": png(RED)}), "opacity='2'")
    refused(ora("<stack><layer src='a.png' x='left'/></stack>", {"a.png": png(RED)}), "x='left'")
    refused(ora("<stack/>", {}), "at least one layer")
    refused(zipped({"stack.xml": b"<image w='9e9' h='-1'><stack/></image>"}), "w='9e9'")
    refused(zipped({"stack.xml": b"<image w='99999' h='99999'><stack/></image>"}), "megapixels")
    refused(zipped({"stack.xml": b"<svg/>"}), "<image>")
    refused(zipped({"stack.xml": b"<image"}), "well-formed")


def test_hostile_photoshop_files_are_refused() -> None:
    psd = PSDImage.new("RGB", (40, 30))
    psd.create_pixel_layer(Image.fromarray(np.random.default_rng(3).integers(0, 256, (30, 40, 3), dtype=np.uint8)), name="noise")
    good = saved(psd)

    def with_header(offset: int, form: str, value: int) -> bytes:
        changed = bytearray(good)
        struct.pack_into(form, changed, offset, value)
        return bytes(changed)

    come_back(good)
    refused(with_header(14, ">I", 300_000), "megapixels")
    refused(with_header(14, ">I", 0), "at least 1x1")
    refused(with_header(24, ">H", 9), "colour mode Lab")
    refused(with_header(24, ">H", 7), "multichannel")
    refused(with_header(22, ">H", 32), "32 bits")
    refused(with_header(4, ">H", 9), "a PSD or PSB file")
    refused(b"8BPS", "a whole PSD file")
    for end in (30, 60, len(good) // 3, len(good) // 2):
        refused(good[:end], "a whole PSD file")
    at = good.index(struct.pack(">4i", 0, 0, 30, 40))
    refused(with_header(at - 2, ">h", 10_000), "3333 layers", "at most 1000")
    refused(with_header(at + 8, ">i", 100_000), "client.file")
    refused(with_header(at + 8, ">i", 2_000_000_000), "megapixels")
    masked = PSDImage.new("RGB", (40, 30))
    masked.create_pixel_layer(Image.new("RGB", (40, 30)), name="noise").create_mask(Image.new("L", (11, 13), 9), top=1, left=2)
    whole = saved(masked)
    at = whole.index(struct.pack(">4i", 1, 2, 14, 13))
    refused(whole[: at + 8] + struct.pack(">i", 2_000_000_000) + whole[at + 12 :], "mask of layer noise", "megapixels")


def test_nobody_is_hurt_by_flipped_bytes() -> None:
    """Whatever is damaged: either it can be read, or the error says what is wrong with the file."""
    sources = MemorySources()
    document = draw_document(sources)
    random = np.random.default_rng(7)
    told = 0
    for kind in ("zip", "psd", "ora"):
        data = export(document, sources, kind).data
        for _ in range(25):
            damaged = bytearray(data)
            for place in random.integers(0, len(data), 3):
                damaged[place] ^= 1 << int(random.integers(8))
            try:
                come_back(bytes(damaged))
            except InvalidRequest:
                told += 1
    assert told > 20


def changed_json(data: bytes, change: Callable[[dict], None], entry: str = "layers.json") -> bytes:
    def rewrite(files: dict[str, bytes]) -> None:
        plain = json.loads(files[entry])
        change(plain)
        files[entry] = json.dumps(plain).encode()

    return edited_zip(data, rewrite)


def test_a_layers_json_that_does_not_fit_is_refused() -> None:
    sources = MemorySources()
    data = export(draw_document(sources), sources, "zip").data
    refused(changed_json(data, lambda plain: plain.update(version=2)), "version 2", "update Pentimento")
    refused(changed_json(data, lambda plain: plain.pop("document")), "document")
    refused(changed_json(data, lambda plain: plain["document"].update(extent={"width": 10**9, "height": 10**9})), "px a side")
    refused(changed_json(data, lambda plain: plain["document"]["layers"][0].update(colour="red")), "colour")
    refused(changed_json(data, lambda plain: plain["document"]["layers"][0]["source"]["extent"].update(width=79)), "80x60 px", "79x60 px")
    refused(changed_json(data, lambda plain: plain["pieces"][0].update(role="king")), "role")
    refused(changed_json(data, lambda plain: plain["document"]["layers"][0]["source"].update(id="../../etc/passwd")), "sha256")

    def shrink(files: dict[str, bytes]) -> None:
        files["highlight.png"] = png(soft((1, 2, 3)))

    def spoil(files: dict[str, bytes]) -> None:
        name = next(name for name in files if name.startswith("sources/"))
        files[name] = png(np.zeros((60, 80, 4), np.uint8))

    def lose(files: dict[str, bytes]) -> None:
        del files[next(name for name in files if name.startswith("sources/"))]

    refused(edited_zip(data, shrink), "highlight.png", "40x30 px", "80x60 px")
    refused(edited_zip(data, spoil), "that nobody changed")
    refused(edited_zip(data, lose), "no entry sources/")
    foreign = edited_zip(data, lambda files: files.update({"layers.json": b'{"made by": "somebody else"}'}))
    assert names(come_back(foreign)[0])[0] == "background", "a layers.json of another program is no document of ours"
    assert not [name for name in names(come_back(foreign)[0]) if len(name) == 64], "what we carry beside the layers is none"

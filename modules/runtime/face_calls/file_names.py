"""What A1111's `images` offers of file names and of writing a file, over our own imaging."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from PIL import Image, ImageFont, ImageOps

from modules.base.errors import InvalidImage, UnsafePath
from modules.imaging.metadata import encode_image
from modules.imaging.naming import MAX_PART_CHARS, NameFacts, expand_pattern, sanitize_part
from modules.imaging.picture import open_picture
from modules.runtime.image_saving import name_facts
from modules.runtime.shared_objects import OPTS, SHARED

max_filename_part_length = MAX_PART_CHARS
MOST_TEXT_BYTES = 10_000
invalid_filename_chars = '#<>:"/\\|?*\n\r\t'


def sanitize_filename_part(text: str | None, replace_spaces: bool = True) -> str | None:
    """`text` as one part of a path; None for None."""
    return None if text is None else sanitize_part(str(text), is_spaces_kept=not replace_spaces)


class FilenameGenerator:
    """Expands patterns such as "[seed]-[prompt_words]" for one picture.

    Args:
        p: The job, or None.
        seed, prompt: Of the picture.
        image: The picture, for its size and hash.
        zip: It names an archive: batch and generation numbers stay empty.
    """

    def __init__(self, p: Any, seed: int | None, prompt: str | None, image: Image.Image | None, zip: bool = False) -> None:
        self.p, self.seed, self.prompt, self.image, self.zip = p, seed, prompt, image, zip

    def apply(self, x: str) -> str:
        """`x` with its words replaced."""
        facts: NameFacts = name_facts(self.p, self.seed, self.prompt)
        if self.zip:
            facts = dataclasses.replace(facts, batch_number=None, generation_number=None)
        return expand_pattern(x, facts, self.image)


def save_image_with_geninfo(
    image: Image.Image,
    geninfo: str | None,
    filename: str,
    extension: str | None = None,
    existing_pnginfo: dict[str, Any] | None = None,
    pnginfo_section_name: str = "parameters",
) -> None:
    """Write a picture under exactly this name, with its text; a file of that name is replaced.

    Args:
        filename: Inside the data folder.
        extension: Format, such as ".png"; None = as the name ends.
        existing_pnginfo: Further texts, in PNG alone.

    Raises:
        UnsafePath: The name leads elsewhere.
        InvalidRequest: Unknown format.
    """
    path, data_folder = Path(filename).resolve(), SHARED.paths.data
    if not path.is_relative_to(data_folder):
        raise UnsafePath(f"{path.name} would be written outside the data folder {data_folder}")
    texts = {key: str(text) for key, text in (existing_pnginfo or {}).items() if key != pnginfo_section_name}
    is_own = pnginfo_section_name == "parameters"
    texts |= {} if is_own or geninfo is None else {pnginfo_section_name: geninfo}
    infotext = geninfo if is_own and OPTS.enable_pnginfo else None
    fmt = (extension or path.suffix or ".png").lstrip(".")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_image(image, fmt, infotext, quality=OPTS.jpeg_quality, is_lossless=OPTS.webp_lossless, items=texts))


def image_data(data: bytes) -> tuple[str, None]:
    """The infotext inside a picture file's bytes, or the short text that the bytes are; "" where there is none."""
    try:
        return str(open_picture(data).image.info.get("parameters") or ""), None
    except InvalidImage:
        return data[:MOST_TEXT_BYTES].decode("utf-8", "ignore") if b"\0" not in data[:MOST_TEXT_BYTES] else "", None


def read(fp: Any, **kwargs: Any) -> Image.Image:
    """Open a picture file, upright."""
    return fix_image(Image.open(fp, **kwargs))


def fix_image(image: Image.Image) -> Image.Image:
    """`image` upright, in a mode that everything here takes: RGB or RGBA."""
    upright = ImageOps.exif_transpose(image)
    has_alpha = "A" in upright.getbands() or "transparency" in upright.info
    return upright.convert("RGBA" if has_alpha else "RGB") if upright.mode in ("P", "PA", "LA", "CMYK", "I;16") else upright


def get_font(fontsize: float) -> Any:
    """A font for drawing on grids."""
    return ImageFont.load_default(fontsize)

"""What hooks are handed besides the job: a script replaces an attribute to change the picture. Class and attribute names are A1111's.

What `on_mask_blend` and the callbacks of the sampler get is in `modules.engine.callbacks`. Methods `fault` tell what makes an object
unusable, or None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from PIL.Image import Image


@dataclass
class PostSampleArgs:
    """`post_sample`: (B, C, h, w) float32 latents of the iteration, before they are decoded."""

    samples: Any

    def fault(self) -> str | None:
        return None if _rank(self.samples) == 4 else f"samples is {type(self.samples).__name__}, not a tensor (B, C, h, w)"


@dataclass
class PostprocessBatchListArgs:
    """`postprocess_batch_list`: the decoded pictures, each (3, H, W) float32 in [0, 1]."""

    images: list[Any]

    def fault(self) -> str | None:
        if isinstance(self.images, list) and all(_rank(image) == 3 for image in self.images):
            return None
        return "images is not a list of tensors (3, H, W)"


@dataclass
class PostprocessImageArgs:
    """`postprocess_image` (working size) and `postprocess_image_after_composite` (finished): one RGB picture."""

    image: Image

    def fault(self) -> str | None:
        return _picture_fault("image", self.image)


@dataclass
class PostProcessMaskOverlayArgs:
    """`postprocess_maskoverlay`: what is about to be laid over a picture.

    Attributes:
        index: The picture's place in its batch.
        mask_for_overlay: L, size of the overlay, white = the repainted picture shows; None without a mask.
        overlay_image: RGBA, opaque where the start picture stays; None without a mask.
    """

    index: int
    mask_for_overlay: Image | None
    overlay_image: Image | None

    def fault(self) -> str | None:
        faults = [_picture_fault(name, value) for name, value in vars(self).items() if name != "index" and value is not None]
        return next((fault for fault in faults if fault), None)


@dataclass
class OnComponent:
    """`Script.on_before_component` and `on_after_component`: the component that was asked for."""

    component: Any


@dataclass
class ImageSaveParams:
    """`on_before_image_saved` and `on_image_saved`.

    Attributes:
        image: The picture.
        p: The job; None for pictures that no job makes.
        filename: Where it goes, below the data folder.
        pnginfo: Texts that go into the file; "parameters" is the infotext.
    """

    image: Image
    p: Any
    filename: str
    pnginfo: dict[str, Any]

    def fault(self) -> str | None:
        if not isinstance(self.filename, str) or not self.filename:
            return f"filename is {type(self.filename).__name__}, not a text"
        if not isinstance(self.pnginfo, dict):
            return f"pnginfo is {type(self.pnginfo).__name__}, not a dictionary"
        return _picture_fault("image", self.image)


@dataclass
class ImageGridLoopParams:
    """`on_image_grid`: the pictures of a grid, and how many stand side by side and below each other."""

    imgs: list[Image]
    cols: int
    rows: int

    def fault(self) -> str | None:
        if not isinstance(self.imgs, list) or not self.imgs:
            return "imgs is not a list of pictures"
        if not all(isinstance(count, int) and count > 0 for count in (self.cols, self.rows)) or self.cols * self.rows < len(self.imgs):
            return f"{self.cols} columns and {self.rows} rows do not hold {len(self.imgs)} pictures"
        return next((fault for image in self.imgs if (fault := _picture_fault("imgs", image))), None)


@dataclass
class UiTrainTabParams:
    """`on_ui_train_tabs`."""

    txt2img_preview_params: list[Any] = field(default_factory=list)


@dataclass
class BeforeTokenCounterParams:
    """`on_before_token_counter`: what is about to be counted.

    Attributes:
        prompt: As typed.
        steps: Sampler steps, which prompt scheduling needs.
        styles: Names of styles that are put into it.
        is_positive: False for the negative prompt.
    """

    prompt: str
    steps: int
    styles: list[str]
    is_positive: bool = True

    def fault(self) -> str | None:
        is_right = isinstance(self.prompt, str) and isinstance(self.steps, int) and isinstance(self.styles, list)
        return None if is_right else "prompt, steps and styles must stay a text, a number and a list"


def _rank(value: Any) -> int | None:
    shape = getattr(value, "shape", None)
    return None if shape is None else len(shape)


def _picture_fault(name: str, value: object) -> str | None:
    return None if isinstance(value, Image) else f"{name} is {type(value).__name__}, not a picture"

"""Nodes that read and keep picture files."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.imaging.picture import open_frames
from modules.pipeline.workflows.context import OUTPUT, TEMPORARY, NodeRun
from modules.pipeline.workflows.nodes.masks import to_image

BLANK_MASK = 64
"""Side of the mask of a picture that has no transparency."""
PREVIEW_PREFIX = "ComfyUI_temp"


def load_image(run: NodeRun, image: str) -> tuple[Tensor, Tensor]:
    """All frames of the first one's size: colours, also under what is clear, and 1 - alpha."""
    pictures: list[Tensor] = []
    masks: list[Tensor] = []
    for frame in open_frames(run.graph.picture(image)):
        colours, alpha = _in_eight_bits(frame).convert("RGB"), _alpha(frame)
        if pictures and (colours.height, colours.width) != pictures[0].shape[:2]:
            continue
        pictures.append(_as_tensor(colours))
        masks.append(torch.zeros(BLANK_MASK, BLANK_MASK) if alpha is None else 1.0 - _as_tensor(alpha))
    if any(mask.shape != masks[0].shape for mask in masks):
        masks = [mask if mask.shape == pictures[0].shape[:2] else torch.zeros(pictures[0].shape[:2]) for mask in masks]
    return torch.stack(pictures), torch.stack(masks)


def load_image_output(run: NodeRun, image: str) -> tuple[Tensor, Tensor]:
    """As `load_image`, of the folder of results, if the name does not say otherwise."""
    return load_image(run, image if image.endswith("]") else f"{image} [{OUTPUT}]")


def load_image_mask(run: NodeRun, image: str, channel: str) -> tuple[Tensor]:
    """One channel of the first frame as a mask; of alpha, what is clear."""
    frame = next(iter(open_frames(run.graph.picture(image))))
    picture = frame if frame.getbands() == ("R", "G", "B", "A") else _in_eight_bits(frame).convert("RGBA")
    values = _as_tensor(picture.getchannel(channel[0].upper()))
    return ((1.0 - values if channel == "alpha" else values)[None],)


def save_image(run: NodeRun, images: Tensor, filename_prefix: str) -> tuple[()]:
    run.saved.extend(run.graph.save(run.node, as_pictures(images), filename_prefix, OUTPUT))
    return ()


def preview_image(run: NodeRun, images: Tensor) -> tuple[()]:
    run.saved.extend(run.graph.save(run.node, as_pictures(images), PREVIEW_PREFIX, TEMPORARY))
    return ()


def send_image(run: NodeRun, images: Tensor) -> tuple[()]:
    """As `preview_image`: who listens is told of every picture."""
    return preview_image(run, images)


def preview_mask(run: NodeRun, mask: Tensor) -> tuple[()]:
    return preview_image(run, to_image(run, mask)[0])


def as_pictures(images: Tensor) -> list[Image.Image]:
    """(B, H, W, C) in [0, 1] to pictures of 8 bits; values are cut off, not rounded."""
    pixels = np.clip(255.0 * images.cpu().numpy(), 0, 255).astype(np.uint8)
    return [Image.fromarray(one.squeeze(-1) if one.shape[-1] == 1 else one) for one in pixels]


def _as_tensor(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture).astype(np.float32) / 255.0)


def _in_eight_bits(frame: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits as ComfyUI takes it: divided by 255, so that most of it is white."""
    if not frame.mode.startswith("I"):
        return frame
    values = np.asarray(frame).astype(np.int64)
    return Image.fromarray(np.clip(values * (1 / 255), 0, 255).astype(np.uint8))


def _alpha(frame: Image.Image) -> Image.Image | None:
    if "A" in frame.getbands():
        return frame.getchannel("A")
    return frame.convert("RGBA").getchannel("A") if frame.mode == "P" and "transparency" in frame.info else None

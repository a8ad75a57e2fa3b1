"""Nodes of pictures."""

from __future__ import annotations

from modules.pipeline.workflows.definitions.definition import NodeDefinition
from modules.pipeline.workflows.definitions.inputs import CROPS, SCALINGS, choice, flag, integer, number, side, socket

WORK = "modules.pipeline.workflows.nodes.images"
OUT = (("IMAGE", "IMAGE"),)
IMAGE = socket("image", "IMAGE")
METHOD = choice("upscale_method", (*SCALINGS, "lanczos"))

IMAGES = (
    NodeDefinition(
        "ImageScale",
        "Upscale Image",
        "image/upscaling",
        (IMAGE, METHOD, side("width"), side("height"), choice("crop", CROPS)),
        OUT,
        f"{WORK}:scale",
    ),
    NodeDefinition(
        "ImageScaleBy",
        "Upscale Image By",
        "image/upscaling",
        (IMAGE, METHOD, number("scale_by", 1.0, 0.01, 8.0)),
        OUT,
        f"{WORK}:scale_by",
    ),
    NodeDefinition(
        "ImageScaleToTotalPixels",
        "Scale Image to Total Pixels",
        "image/upscaling",
        # Older files have no `resolution_steps`.
        (IMAGE, METHOD, number("megapixels", 1.0, 0.01, 16.0), integer("resolution_steps", 1, 1, 256, is_optional=True)),
        OUT,
        f"{WORK}:scale_to_total_pixels",
    ),
    NodeDefinition(
        "ImageUpscaleWithModel",
        "Upscale Image (using Model)",
        "image/upscaling",
        (socket("upscale_model", "UPSCALE_MODEL"), IMAGE),
        OUT,
        f"{WORK}:upscale_with_model",
    ),
    NodeDefinition(
        "ImagePadForOutpaint",
        "Pad Image for Outpainting",
        "image",
        (
            IMAGE,
            side("left", 0, step=8),
            side("top", 0, step=8),
            side("right", 0, step=8),
            side("bottom", 0, step=8),
            side("feathering", 40),
        ),
        (("IMAGE", "IMAGE"), ("MASK", "MASK")),
        f"{WORK}:pad_for_outpaint",
    ),
    NodeDefinition(
        "ImageCompositeMasked",
        "ImageCompositeMasked",
        "image",
        (
            socket("destination", "IMAGE"),
            socket("source", "IMAGE"),
            side("x", 0),
            side("y", 0),
            flag("resize_source", False),
            socket("mask", "MASK", is_optional=True),
        ),
        OUT,
        f"{WORK}:composite_masked",
    ),
    NodeDefinition("ImageInvert", "Invert Image", "image", (IMAGE,), OUT, f"{WORK}:invert"),
    NodeDefinition("ImageBatch", "Batch Images", "image", (socket("image1", "IMAGE"), socket("image2", "IMAGE")), OUT, f"{WORK}:join"),
    NodeDefinition(
        "ImageCrop",
        "Image Crop",
        "image/transform",
        (IMAGE, side("width", 512, 1), side("height", 512, 1), side("x", 0), side("y", 0)),
        OUT,
        f"{WORK}:crop",
    ),
    NodeDefinition(
        "ImageFlip",
        "ImageFlip",
        "image/transform",
        (IMAGE, choice("flip_method", ("x-axis: vertically", "y-axis: horizontally"))),
        OUT,
        f"{WORK}:flip",
    ),
    NodeDefinition(
        "ImageRotate",
        "ImageRotate",
        "image/transform",
        (IMAGE, choice("rotation", ("none", "90 degrees", "180 degrees", "270 degrees"))),
        OUT,
        f"{WORK}:rotate",
    ),
    NodeDefinition(
        "ImageFromBatch",
        "ImageFromBatch",
        "image/batch",
        (IMAGE, integer("batch_index", 0, 0, 4095), integer("length", 1, 1, 4096)),
        OUT,
        f"{WORK}:take_from_batch",
    ),
    NodeDefinition(
        "RepeatImageBatch", "RepeatImageBatch", "image/batch", (IMAGE, integer("amount", 1, 1, 4096)), OUT, f"{WORK}:repeat_batch"
    ),
    NodeDefinition(
        "EmptyImage",
        "EmptyImage",
        "image",
        (side("width", 512, 1), side("height", 512, 1), integer("batch_size", 1, 1, 4096), integer("color", 0, 0, 0xFFFFFF)),
        OUT,
        f"{WORK}:make_empty",
    ),
    NodeDefinition(
        "ImageBlur",
        "Image Blur",
        "image/postprocessing",
        (IMAGE, integer("blur_radius", 1, 1, 31), number("sigma", 1.0, 0.1, 10.0, 0.1)),
        OUT,
        f"{WORK}:blur",
    ),
    NodeDefinition(
        "ImageSharpen",
        "Image Sharpen",
        "image/postprocessing",
        (IMAGE, integer("sharpen_radius", 1, 1, 31), number("sigma", 1.0, 0.1, 10.0), number("alpha", 1.0, 0.0, 5.0)),
        OUT,
        f"{WORK}:sharpen",
    ),
    NodeDefinition(
        "JoinImageWithAlpha",
        "Join Image with Alpha",
        "mask/compositing",
        (IMAGE, socket("alpha", "MASK")),
        OUT,
        f"{WORK}:join_alpha",
    ),
    NodeDefinition(
        "SplitImageWithAlpha",
        "Split Image with Alpha",
        "mask/compositing",
        (IMAGE,),
        (("IMAGE", "IMAGE"), ("MASK", "MASK")),
        f"{WORK}:split_alpha",
    ),
)

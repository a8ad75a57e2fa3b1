"""Nodes of latents: to and from pictures, their sizes, batches and masks."""

from __future__ import annotations

from modules.pipeline.workflows.definitions.definition import NodeDefinition
from modules.pipeline.workflows.definitions.inputs import CROPS, SCALINGS, choice, flag, integer, number, side, socket

WORK = "modules.pipeline.workflows.nodes.latents"
OUT = (("LATENT", "LATENT"),)
SAMPLES = socket("samples", "LATENT")
METHOD = choice("upscale_method", (*SCALINGS, "bislerp"))

LATENTS = (
    NodeDefinition("VAEDecode", "VAE Decode", "latent", (SAMPLES, socket("vae", "VAE")), (("IMAGE", "IMAGE"),), f"{WORK}:decode"),
    NodeDefinition("VAEEncode", "VAE Encode", "latent", (socket("pixels", "IMAGE"), socket("vae", "VAE")), OUT, f"{WORK}:encode"),
    NodeDefinition(
        "VAEEncodeForInpaint",
        "VAE Encode (for Inpainting)",
        "latent/inpaint",
        (socket("pixels", "IMAGE"), socket("vae", "VAE"), socket("mask", "MASK"), integer("grow_mask_by", 6, 0, 64)),
        OUT,
        f"{WORK}:encode_for_inpaint",
    ),
    NodeDefinition(
        "SetLatentNoiseMask",
        "Set Latent Noise Mask",
        "latent/inpaint",
        (SAMPLES, socket("mask", "MASK")),
        OUT,
        f"{WORK}:set_noise_mask",
    ),
    NodeDefinition(
        "EmptyLatentImage",
        "Empty Latent Image",
        "latent",
        (side("width", 512, 16, 8), side("height", 512, 16, 8), integer("batch_size", 1, 1, 4096)),
        OUT,
        f"{WORK}:make_empty",
    ),
    NodeDefinition(
        "LatentUpscale",
        "Upscale Latent",
        "latent",
        (SAMPLES, METHOD, side("width", 512, step=8), side("height", 512, step=8), choice("crop", CROPS)),
        OUT,
        f"{WORK}:upscale",
    ),
    NodeDefinition(
        "LatentUpscaleBy",
        "Upscale Latent By",
        "latent",
        (SAMPLES, METHOD, number("scale_by", 1.5, 0.01, 8.0)),
        OUT,
        f"{WORK}:upscale_by",
    ),
    NodeDefinition(
        "RepeatLatentBatch",
        "Repeat Latent Batch",
        "latent/batch",
        (SAMPLES, integer("amount", 1, 1, 64)),
        OUT,
        f"{WORK}:repeat_batch",
    ),
    NodeDefinition(
        "LatentFromBatch",
        "Latent From Batch",
        "latent/batch",
        (SAMPLES, integer("batch_index", 0, 0, 63), integer("length", 1, 1, 64)),
        OUT,
        f"{WORK}:take_from_batch",
    ),
    NodeDefinition(
        "LatentBatch",
        "LatentBatch",
        "latent/batch",
        (socket("samples1", "LATENT"), socket("samples2", "LATENT")),
        OUT,
        f"{WORK}:join_batches",
    ),
    NodeDefinition(
        "LatentBlend",
        "Latent Blend",
        "_for_testing",
        (socket("samples1", "LATENT"), socket("samples2", "LATENT"), number("blend_factor", 0.5, 0.0, 1.0)),
        OUT,
        f"{WORK}:blend",
    ),
    NodeDefinition(
        "LatentComposite",
        "Latent Composite",
        "latent",
        (
            socket("samples_to", "LATENT"),
            socket("samples_from", "LATENT"),
            side("x", 0, step=8),
            side("y", 0, step=8),
            side("feather", 0, step=8),
        ),
        OUT,
        f"{WORK}:composite",
    ),
    NodeDefinition(
        "LatentCompositeMasked",
        "LatentCompositeMasked",
        "latent",
        (
            socket("destination", "LATENT"),
            socket("source", "LATENT"),
            side("x", 0, step=8),
            side("y", 0, step=8),
            flag("resize_source", False),
            socket("mask", "MASK", is_optional=True),
        ),
        OUT,
        f"{WORK}:composite_masked",
    ),
    NodeDefinition(
        "LatentCrop",
        "Crop Latent",
        "latent/transform",
        (SAMPLES, side("width", 512, 64, 8), side("height", 512, 64, 8), side("x", 0, step=8), side("y", 0, step=8)),
        OUT,
        f"{WORK}:crop",
    ),
    NodeDefinition(
        "LatentFlip",
        "Flip Latent",
        "latent/transform",
        (SAMPLES, choice("flip_method", ("x-axis: vertically", "y-axis: horizontally"))),
        OUT,
        f"{WORK}:flip",
    ),
    NodeDefinition(
        "LatentRotate",
        "Rotate Latent",
        "latent/transform",
        (SAMPLES, choice("rotation", ("none", "90 degrees", "180 degrees", "270 degrees"))),
        OUT,
        f"{WORK}:rotate",
    ),
)

"""Nodes that load and save files: models, pictures and masks."""

from __future__ import annotations

from modules.pipeline.workflows.definitions.definition import Input, NodeDefinition
from modules.pipeline.workflows.definitions.inputs import choice, number, socket, text

WORK = "modules.pipeline.workflows.nodes"
HIDDEN = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}


def _strength(name: str) -> Input:
    return number(name, 1.0, -100.0, 100.0)


def _picture() -> Input:
    return Input("image", "COMBO", choices="pictures", is_upload=True)


MODELS = (
    NodeDefinition(
        "CheckpointLoaderSimple",
        "Load Checkpoint",
        "loaders",
        (choice("ckpt_name", "checkpoints"),),
        (("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")),
        f"{WORK}.models:load_checkpoint",
    ),
    NodeDefinition("VAELoader", "Load VAE", "loaders", (choice("vae_name", "vaes"),), (("VAE", "VAE"),), f"{WORK}.models:load_vae"),
    NodeDefinition(
        "LoraLoader",
        "Load LoRA",
        "loaders",
        (
            socket("model", "MODEL"),
            socket("clip", "CLIP"),
            choice("lora_name", "loras"),
            _strength("strength_model"),
            _strength("strength_clip"),
        ),
        (("MODEL", "MODEL"), ("CLIP", "CLIP")),
        f"{WORK}.models:load_lora",
    ),
    NodeDefinition(
        "LoraLoaderModelOnly",
        "Load LoRA (Model Only)",
        "loaders",
        (socket("model", "MODEL"), choice("lora_name", "loras"), _strength("strength_model")),
        (("MODEL", "MODEL"),),
        f"{WORK}.models:load_lora_model_only",
    ),
    NodeDefinition(
        "UpscaleModelLoader",
        "Load Upscale Model",
        "loaders",
        (choice("model_name", "upscalers"),),
        (("UPSCALE_MODEL", "UPSCALE_MODEL"),),
        f"{WORK}.models:load_upscaler",
    ),
    NodeDefinition(
        "DifferentialDiffusion",
        "Differential Diffusion",
        "_for_testing",
        (socket("model", "MODEL"), number("strength", 1.0, 0.0, 1.0, is_optional=True)),
        (("MODEL", "MODEL"),),
        f"{WORK}.models:use_differential_diffusion",
    ),
)

FILES = (
    NodeDefinition("LoadImage", "Load Image", "image", (_picture(),), (("IMAGE", "IMAGE"), ("MASK", "MASK")), f"{WORK}.files:load_image"),
    NodeDefinition(
        "LoadImageMask",
        "Load Image (as Mask)",
        "mask",
        (_picture(), choice("channel", ("alpha", "red", "green", "blue"))),
        (("MASK", "MASK"),),
        f"{WORK}.files:load_image_mask",
    ),
    NodeDefinition(
        "LoadImageOutput",
        "Load Image (from Outputs)",
        "image",
        (Input("image", "COMBO", choices="results", is_upload=True),),
        (("IMAGE", "IMAGE"), ("MASK", "MASK")),
        f"{WORK}.files:load_image_output",
    ),
    NodeDefinition(
        "SaveImage",
        "Save Image",
        "image",
        (socket("images", "IMAGE"), text("filename_prefix", "ComfyUI")),
        (),
        f"{WORK}.files:save_image",
        is_output=True,
        hidden=HIDDEN,
    ),
    NodeDefinition(
        "PreviewImage",
        "Preview Image",
        "image",
        (socket("images", "IMAGE"),),
        (),
        f"{WORK}.files:preview_image",
        is_output=True,
        hidden=HIDDEN,
    ),
    NodeDefinition(
        "SaveImageWebsocket",
        "SaveImageWebsocket",
        "api/image",
        (socket("images", "IMAGE"),),
        (),
        f"{WORK}.files:send_image",
        is_output=True,
    ),
    NodeDefinition(
        "MaskPreview",
        "Preview Mask",
        "mask",
        (socket("mask", "MASK"),),
        (),
        f"{WORK}.files:preview_mask",
        is_output=True,
        hidden=HIDDEN,
    ),
)

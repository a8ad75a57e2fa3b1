"""Bodies of requests and replies; names, defaults and order are A1111 1.10.1's."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from modules.web.api.coercion import Bool, Fill, Float, Int, LenientModel, List, Object, Region, Str, StrList


class StableDiffusionProcessingImg2Img(LenientModel):
    """A request to repaint a picture."""

    prompt: Str = ""
    negative_prompt: Str = ""
    styles: StrList | None = None
    seed: Int = -1
    subseed: Int = -1
    subseed_strength: Float = 0
    seed_resize_from_h: Int = -1
    seed_resize_from_w: Int = -1
    sampler_name: Str | None = None
    scheduler: Str | None = None
    batch_size: Int = 1
    n_iter: Int = 1
    steps: Int = 50
    cfg_scale: Float = 7.0
    width: Int = 512
    height: Int = 512
    restore_faces: Bool | None = None
    tiling: Bool | None = None
    do_not_save_samples: Bool = False
    do_not_save_grid: Bool = False
    eta: Float | None = None
    denoising_strength: Float = 0.75
    s_min_uncond: Float | None = None
    s_churn: Float | None = None
    s_tmax: Float | None = None
    s_tmin: Float | None = None
    s_noise: Float | None = None
    override_settings: Object | None = None
    override_settings_restore_afterwards: Bool = True
    refiner_checkpoint: Str | None = None
    refiner_switch_at: Float | None = None
    disable_extra_networks: Bool = False
    firstpass_image: Str | None = None
    comments: Object | None = None
    init_images: List | None = Field(None, description="Pictures in base64, as data URLs, or http(s) addresses where that is allowed.")
    resize_mode: Int = Field(0, description="0 stretch, 1 crop, 2 fill, 3 stretch latents.")
    image_cfg_scale: Float | None = None
    mask: Str | None = Field(None, description="White is repainted. Empty means no mask.")
    mask_blur_x: Int = 4
    mask_blur_y: Int = 4
    mask_blur: Int | None = None
    mask_round: Bool = True
    inpainting_fill: Fill = Field(0, description='0 fill, 1 original, 2 latent noise, 3 latent nothing, "patchmatch", "neutral".')
    inpaint_full_res: Bool = True
    inpaint_full_res_padding: Int = 0
    inpainting_mask_invert: Int = 0
    initial_noise_multiplier: Float | None = None
    latent_mask: Str | None = None
    force_task_id: Str | None = None
    sampler_index: Str = "Euler"
    include_init_images: Bool = False
    script_name: Str | None = None
    script_args: List = Field([])
    send_images: Bool = True
    save_images: Bool = False
    alwayson_scripts: Object = Field({})
    infotext: Str | None = None
    grow_mask_by: Int = Field(0, description="Pixels by which the mask grows for the model; not in A1111.")
    alpha_mask: Bool | None = Field(
        None,
        description="Whether what is clear in the (first) start picture is repainted, as ComfyUI's LoadImage gives it, where no mask is "
        "sent; its colours count. Null: with compat comfyui, and not with a1111. Not in A1111.",
    )
    crop_region: Region | None = Field(
        None,
        description="Left, top, right, bottom on the picture: the crop of only-masked mode, in place of mask and padding.",
    )
    outpaint: Object | None = Field(
        None,
        description="Pixels to add around the picture by side (left, right, up, down), and overlap (32): how far into the picture the new "
        "area fades out. Width and height are what the model works at; inpainting_fill is the start fill. Not in A1111.",
    )


class ImageToImageResponse(BaseModel):
    images: list[str] = Field([], title="Image", description="Pictures in base64, without a data: prefix.")
    parameters: dict[str, Any] = Field(description="The request; its pictures only with include_init_images.")
    info: str = Field(description="What was done, as JSON text.")


class PNGInfoRequest(LenientModel):
    image: Str = ""


class PNGInfoResponse(BaseModel):
    info: str
    items: dict[str, Any]
    parameters: dict[str, Any]


class ProgressResponse(BaseModel):
    progress: float
    eta_relative: float
    state: dict[str, Any]
    current_image: str | None = None
    textinfo: str | None = None


class InternalProgressRequest(LenientModel):
    id_task: Str | None = None
    id_live_preview: Int = -1
    live_preview: Bool = True


class GraphPicture(BaseModel):
    """A picture that an output node of a workflow made."""

    asset: str = Field(description="Its id in /api/assets.")
    node: str
    name: str = Field(description="Of its file.")
    subfolder: str
    type: str = Field(description="output = saved, temp = only shown.")
    infotext: str


class JobResponse(BaseModel):
    """A job as /api/jobs tells it."""

    id: str
    kind: str
    state: str = Field(description="queued, running, done, failed or interrupted.")
    progress: float
    eta_s: float | None
    step: int
    steps: int
    image_no: int
    images: int
    textinfo: str | None
    created_s: float
    started_s: float | None
    finished_s: float | None
    error: str | None
    preview_no: int = Field(0, description="Grows with every new preview; /api/jobs/{id}/preview gives it.")
    node: str = Field("", description="Of a workflow: id of the node that works now, or failed; empty = none.")
    nodes_done: list[str] = Field([], description="Of a workflow: ids of nodes that are finished.")
    nodes_reused: list[str] = Field([], description="Of a workflow: those of them that an earlier run had done.")
    results: list[GraphPicture] = Field([], description="Of a workflow: the pictures that output nodes made so far.")
    notes: list[str] = Field([], description="Of a workflow: what a person should know of the result.")

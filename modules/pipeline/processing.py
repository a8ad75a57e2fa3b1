"""A request, in A1111's words: plain, mutable, copied and re-entered by scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL.Image import Image

from modules.base.registry import load_dotted
from modules.pipeline.context import RunContext
from modules.pipeline.plan import Plan
from modules.pipeline.script_fields import ScriptFields
from modules.plugins.runner import ScriptRunner
from modules.settings.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from modules.engine.model import DiffusionModel
    from modules.engine.noise import ImageNoise
    from modules.engine.prompts.conditioning import Conditioning
    from modules.pipeline.stages.encode import Encoded
    from modules.pipeline.stages.prepare import Prepared


@dataclass
class StableDiffusionProcessing(ScriptFields):
    """What every job has; field names and defaults are those of `/sdapi/v1/img2img`.

    Numbers are checked when the job's `Plan` is derived, not here: scripts set them freely before.

    Attributes:
        seed, subseed: -1 = random.
        eta, s_churn, s_tmin, s_tmax, s_noise, s_min_uncond: None = the option.
        override_settings: Options for this job alone.
        script_args: [index of the selected script, values of all scripts ...].
        extra_generation_params: Further infotext keys, in order.
        notes: Things to tell the person, such as conversions of the input.
    """

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] = field(default_factory=list)
    seed: int = -1
    subseed: int = -1
    subseed_strength: float = 0.0
    seed_resize_from_h: int = -1
    seed_resize_from_w: int = -1
    sampler_name: str | None = None
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: bool | None = None
    tiling: bool | None = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    eta: float | None = None
    denoising_strength: float = 0.75
    s_min_uncond: float | None = None
    s_churn: float | None = None
    s_tmax: float | None = None
    s_tmin: float | None = None
    s_noise: float | None = None
    override_settings: dict[str, Any] = field(default_factory=dict)
    override_settings_restore_afterwards: bool = True
    refiner_checkpoint: str | None = None
    refiner_switch_at: float | None = None
    disable_extra_networks: bool = False
    outpath_samples: str | None = None
    outpath_grids: str | None = None
    script_args: Sequence[Any] = ()
    scripts: ScriptRunner | None = None
    scripts_setup_complete: bool = False
    extra_generation_params: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    user: str | None = None
    extra_network_data: dict[str, Any] = field(default_factory=dict, repr=False)

    sd_model: DiffusionModel | None = field(default=None, repr=False)
    options: Options = field(default_factory=Options, repr=False)
    plan: Plan | None = field(default=None, repr=False)
    context: RunContext | None = field(default=None, repr=False)
    iteration: int = 0
    batch_index: int = 0
    all_prompts: list[str] = field(default_factory=list)
    all_negative_prompts: list[str] = field(default_factory=list)
    all_seeds: list[int] = field(default_factory=list)
    all_subseeds: list[int] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    negative_prompts: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    subseeds: list[int] = field(default_factory=list)
    rng: ImageNoise | None = field(default=None, repr=False)
    is_padded: bool = False
    has_skipped_low: bool = False
    init_img_hash: str | None = None

    def __post_init__(self) -> None:
        """Scripts hand in None where they have nothing to say."""
        self.styles = self.styles or []
        self.override_settings = self.override_settings or {}
        self.extra_generation_params = {} if self.extra_generation_params is None else self.extra_generation_params
        self.prompt, self.negative_prompt = self.prompt or "", self.negative_prompt or ""


@dataclass
class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    """A job without a start picture: scripts tell the tabs apart by its type; running one is refused."""

    enable_hr: bool = False
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str | None = None
    hr_sampler_name: str | None = None
    hr_scheduler: str | None = None
    hr_prompt: str = ""
    hr_negative_prompt: str = ""
    firstphase_width: int = 0
    firstphase_height: int = 0
    firstpass_image: Image | None = field(default=None, repr=False)


class BothBlurs:
    """`p.mask_blur`: reads as the blur of both axes, None where they differ; setting it sets both."""

    def __get__(self, p: StableDiffusionProcessingImg2Img | None, owner: type) -> int | None:
        if p is None:  # asked by the dataclass: the default
            return None
        return p.mask_blur_x if p.mask_blur_x == p.mask_blur_y else None

    def __set__(self, p: StableDiffusionProcessingImg2Img, blur: int | None) -> None:
        if blur is not None:
            p.mask_blur_x = p.mask_blur_y = blur


@dataclass
class StableDiffusionProcessingImg2Img(StableDiffusionProcessing):
    """A job that repaints a picture.

    Attributes:
        init_images: PIL pictures; one, or as many as `batch_size`.
        resize_mode: 0 stretch, 1 crop, 2 fill, 3 stretch latents.
        image_mask: PIL picture, white = repaint; None = the whole picture.
        mask_blur_x, mask_blur_y: Gaussian sigma along each axis, px.
        mask_blur: Both at once; wins over them where a request has all.
        mask_round: Round the latent mask to 0 and 1.
        inpainting_fill: 0 fill, 1 original, 2 latent noise, 3 latent nothing, "patchmatch", "neutral".
        grow_mask_by: Box size in px by which the mask grows for the model (ComfyUI); 0 = not.
        inpaint_full_res: Work on the masked part only, at full resolution.
        inpaint_full_res_padding: Context around the masked part, px.
        crop_region: (left, top, right, bottom) on the picture: what only-masked work takes in place of mask and padding; extended to
            hold the mask, then to the working size's proportions. None = mask and padding decide.
        inpainting_mask_invert: 1 = repaint what is not masked.
        initial_noise_multiplier: Factor on the first noise; None = the option.
        latent_mask: A second mask for the latents alone (scripts).
        outpaint: Pixels to add around the start picture, by side ("left", "right", "up", "down"), and "overlap": how far into it the new
            area fades out. Mask, resize mode and only-masked work are left aside; width and height are what the model works at, in as
            many crops as it takes. None = the picture keeps its frame.
        kept_alpha: L of the start picture's size: the transparency that results get; None = results are opaque.
    """

    init_images: list[Image] = field(default_factory=list, repr=False)
    resize_mode: int = 0
    image_cfg_scale: float | None = None
    image_mask: Image | None = field(default=None, repr=False)
    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_blur: BothBlurs = BothBlurs()
    mask_round: bool = True
    inpainting_fill: int | str = 0
    grow_mask_by: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    crop_region: Sequence[int] | None = None
    outpaint: Mapping[str, Any] | None = None
    inpainting_mask_invert: int = 0
    initial_noise_multiplier: float | None = None
    latent_mask: Image | None = field(default=None, repr=False)
    color_corrections: list[Any] | None = field(default=None, repr=False)
    kept_alpha: Image | None = field(default=None, repr=False)

    prepared: Prepared | None = field(default=None, repr=False)
    encoded: Encoded | None = field(default=None, repr=False)
    mask_for_overlay: Image | None = field(default=None, repr=False)
    overlay_images: list[Image] | None = field(default=None, repr=False)
    paste_to: tuple[int, int, int, int] | None = None
    init_latent: Tensor | None = field(default=None, repr=False)
    nmask: Tensor | None = field(default=None, repr=False)
    mask: Tensor | Image | None = field(default=None, repr=False)
    image_conditioning: Tensor | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.init_images = self.init_images or []
        if isinstance(self.mask, Image):  # A1111's keyword for the mask picture; the running job keeps a tensor under this name
            self.image_mask, self.mask = self.mask, None

    def init(self, all_prompts: list[str], all_seeds: list[int], all_subseeds: list[int]) -> None:
        """Prepare and encode the start pictures; once a job, may be overridden."""
        load_dotted("modules.pipeline.stages.start:prepare_and_encode")(self)  # type: ignore[operator]

    def sample(
        self,
        conditioning: Conditioning,
        unconditional_conditioning: Conditioning,
        seeds: list[int],
        subseeds: list[int],
        subseed_strength: float,
        prompts: list[str],
    ) -> Tensor:
        """Sample one iteration; may be overridden.

        Returns:
            (B, C, h, w) float32 latents.
        """
        run = load_dotted("modules.pipeline.stages.sample:sample_iteration")
        return run(self, conditioning, unconditional_conditioning)  # type: ignore[operator]


Img2ImgProcessing = StableDiffusionProcessingImg2Img
Txt2ImgProcessing = StableDiffusionProcessingTxt2Img

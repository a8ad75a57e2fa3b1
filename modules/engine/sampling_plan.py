"""What a sampling run depends on, and the levels it goes through: plain values."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from modules.engine.levels import adjust_alphas


@dataclass(frozen=True)
class SamplingPlan:
    """Everything a sampling run depends on, resolved: no option is looked up later.

    Attributes:
        sampler, scheduler: Names or aliases as `samplers.table.SAMPLERS` and `schedules.SCHEDULERS` know them.
        steps: Full schedule length; img2img runs the part that `strength` asks for.
        strength: Denoising strength, 0 to 1.
        cfg_scale: Guidance; 1 = none.
        image_cfg_scale: Picture guidance of edit models; None or 1 = ordinary guidance.
        eta: Ancestral noise (or DDIM's eta); None = the sampler's own default.
        s_churn, s_tmin, s_tmax, s_noise: Karras et al. 2022, algorithm 2; s_tmax 0 = no upper bound.
        fix_steps: Do exactly `steps` steps whatever the strength.
        sigma_min, sigma_max, rho: Replace a scheduler's own values; 0 = keep.
        s_min_uncond: Below this sigma, skip the negative prompt on every other step (every step with `s_min_uncond_all`); 0 = never.
        skip_early_cond: Skip the negative prompt for this first fraction of the steps.
        batch_cond_uncond: One model call for both halves, where they have equal length.
        pad_cond_uncond, pad_cond_uncond_v0: Ways to make them equally long.
        extra_noise: Noise added on top of the noised start latent, in units of it.
        noise_multiplier: Factor on the first noise.
        beta_alpha, beta_beta: Shape of the Beta scheduler.
        clip_skip: That the prompts were encoded with; a guide of words understands 1 alone.
        compat: Whose conventions to follow: a name in `conventions.table.CONVENTIONS`.
    """

    sampler: str
    scheduler: str
    steps: int
    strength: float
    cfg_scale: float = 7.0
    image_cfg_scale: float | None = None
    eta: float | None = None
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = 0.0
    s_noise: float = 1.0
    fix_steps: bool = False
    sigma_min: float = 0.0
    sigma_max: float = 0.0
    rho: float = 0.0
    discard_penultimate: bool = False
    s_min_uncond: float = 0.0
    s_min_uncond_all: bool = False
    skip_early_cond: float = 0.0
    batch_cond_uncond: bool = True
    pad_cond_uncond: bool = False
    pad_cond_uncond_v0: bool = False
    extra_noise: float = 0.0
    noise_multiplier: float = 1.0
    use_old_karras_sigmas: bool = False
    beta_alpha: float = 0.6
    beta_beta: float = 0.6
    is_quantized: bool = False
    use_downcasted_alpha_bar: bool = False
    use_zero_terminal_snr: bool = False
    uni_pc_variant: str = "bh1"
    uni_pc_skip_type: str = "time_uniform"
    uni_pc_order: int = 3
    uni_pc_lower_order_final: bool = True
    clip_skip: int = 1
    compat: str = "a1111"

    def adjust_alphas(self, alphas_cumprod: Tensor) -> Tensor:
        """A model's noise schedule (T,), altered as this plan says; on the CPU."""
        return adjust_alphas(
            alphas_cumprod.cpu(), is_downcast=self.use_downcasted_alpha_bar, has_zero_terminal_snr=self.use_zero_terminal_snr
        )


@dataclass(frozen=True)
class Walk:
    """The levels a run goes through.

    Attributes:
        levels: Sigmas (decreasing) or timesteps (increasing) that the sampler is handed, on the CPU.
        start: Sigma, or alpha_cumprod, that the start latents are noised to; None = no step is made.
        sigma_min, sigma_max: Ends of the whole schedule, for Brownian noise.
    """

    levels: Tensor
    start: Tensor | None
    sigma_min: float = 0.0
    sigma_max: float = 0.0

"""Nodes that sample, in one piece and in parts."""

from __future__ import annotations

from modules.pipeline.workflows.definitions.definition import Input, NodeDefinition
from modules.pipeline.workflows.definitions.inputs import choice, flag, integer, number, seed, socket

WORK = "modules.pipeline.workflows.nodes.sampling"
LATENT = (("LATENT", "LATENT"),)
BOTH = (("output", "LATENT"), ("denoised_output", "LATENT"))
SIGMAS = (("SIGMAS", "SIGMAS"),)
GUIDER = (("GUIDER", "GUIDER"),)
NOISE = (("NOISE", "NOISE"),)
MODEL = socket("model", "MODEL")
PROMPTS = (socket("positive", "CONDITIONING"), socket("negative", "CONDITIONING"))
START = socket("latent_image", "LATENT")
STEPS = integer("steps", 20, 1, 10000)
SAMPLER_NAME, SCHEDULER = choice("sampler_name", "samplers", default="euler"), choice("scheduler", "schedulers", default="normal")
DENOISE = number("denoise", 1.0, 0.0, 1.0)


def _cfg() -> Input:
    return number("cfg", 8.0, 0.0, 100.0, 0.1)


def _sigma(name: str, default: float) -> Input:
    return number(name, default, 0.0, 5000.0)


SAMPLING = (
    NodeDefinition(
        "KSampler",
        "KSampler",
        "sampling",
        (MODEL, seed("seed"), STEPS, _cfg(), SAMPLER_NAME, SCHEDULER, *PROMPTS, START, DENOISE),
        LATENT,
        f"{WORK}:sample",
    ),
    NodeDefinition(
        "KSamplerAdvanced",
        "KSampler (Advanced)",
        "sampling",
        (
            MODEL,
            choice("add_noise", ("enable", "disable")),
            seed("noise_seed"),
            STEPS,
            _cfg(),
            SAMPLER_NAME,
            SCHEDULER,
            *PROMPTS,
            START,
            integer("start_at_step", 0, 0, 10000),
            integer("end_at_step", 10000, 0, 10000),
            choice("return_with_leftover_noise", ("disable", "enable")),
        ),
        LATENT,
        f"{WORK}:sample_advanced",
    ),
    NodeDefinition(
        "SamplerCustom",
        "SamplerCustom",
        "sampling/custom_sampling",
        (
            MODEL,
            flag("add_noise", True),
            seed("noise_seed"),
            _cfg(),
            *PROMPTS,
            socket("sampler", "SAMPLER"),
            socket("sigmas", "SIGMAS"),
            START,
        ),
        BOTH,
        f"{WORK}:sample_custom",
    ),
    NodeDefinition(
        "SamplerCustomAdvanced",
        "SamplerCustomAdvanced",
        "sampling/custom_sampling",
        (
            socket("noise", "NOISE"),
            socket("guider", "GUIDER"),
            socket("sampler", "SAMPLER"),
            socket("sigmas", "SIGMAS"),
            START,
        ),
        BOTH,
        f"{WORK}:sample_custom_advanced",
    ),
    NodeDefinition("RandomNoise", "RandomNoise", "sampling/custom_sampling/noise", (seed("noise_seed"),), NOISE, f"{WORK}:random_noise"),
    NodeDefinition("DisableNoise", "DisableNoise", "sampling/custom_sampling/noise", (), NOISE, f"{WORK}:disable_noise"),
    NodeDefinition("CFGGuider", "CFGGuider", "sampling/custom_sampling/guiders", (MODEL, *PROMPTS, _cfg()), GUIDER, f"{WORK}:guide_by_cfg"),
    NodeDefinition(
        "BasicGuider",
        "BasicGuider",
        "sampling/custom_sampling/guiders",
        (MODEL, socket("conditioning", "CONDITIONING")),
        GUIDER,
        f"{WORK}:guide_plainly",
    ),
    NodeDefinition(
        "KSamplerSelect",
        "KSamplerSelect",
        "sampling/custom_sampling/samplers",
        (SAMPLER_NAME,),
        (("SAMPLER", "SAMPLER"),),
        f"{WORK}:select_sampler",
    ),
    NodeDefinition(
        "BasicScheduler",
        "BasicScheduler",
        "sampling/custom_sampling/schedulers",
        (MODEL, SCHEDULER, STEPS, DENOISE),
        SIGMAS,
        f"{WORK}:schedule",
    ),
    NodeDefinition(
        "KarrasScheduler",
        "KarrasScheduler",
        "sampling/custom_sampling/schedulers",
        (STEPS, _sigma("sigma_max", 14.614642), _sigma("sigma_min", 0.0291675), number("rho", 7.0, 0.0, 100.0)),
        SIGMAS,
        f"{WORK}:schedule_karras",
    ),
    NodeDefinition(
        "ExponentialScheduler",
        "ExponentialScheduler",
        "sampling/custom_sampling/schedulers",
        (STEPS, _sigma("sigma_max", 14.614642), _sigma("sigma_min", 0.0291675)),
        SIGMAS,
        f"{WORK}:schedule_exponential",
    ),
    NodeDefinition(
        "SplitSigmas",
        "SplitSigmas",
        "sampling/custom_sampling/sigmas",
        (socket("sigmas", "SIGMAS"), integer("step", 0, 0, 10000)),
        (("high_sigmas", "SIGMAS"), ("low_sigmas", "SIGMAS")),
        f"{WORK}:split_sigmas",
    ),
    NodeDefinition(
        "SplitSigmasDenoise",
        "SplitSigmasDenoise",
        "sampling/custom_sampling/sigmas",
        (socket("sigmas", "SIGMAS"), DENOISE),
        (("high_sigmas", "SIGMAS"), ("low_sigmas", "SIGMAS")),
        f"{WORK}:split_sigmas_denoise",
    ),
    NodeDefinition(
        "FlipSigmas", "FlipSigmas", "sampling/custom_sampling/sigmas", (socket("sigmas", "SIGMAS"),), SIGMAS, f"{WORK}:flip_sigmas"
    ),
)

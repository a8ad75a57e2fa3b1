"""What a checkpoint is, from its keys, shapes and types; its file name is never asked.

With z = latent channels of the VAE, a UNet with z inputs is a base model, 2 z an edit model, 2 z + 1 an inpainting model. Whether the UNet
predicts the noise (eps) or v is said, in this order, by the YAML's `parameterization`; by the file's metadata
(`modelspec.prediction_type`); by the weights, where an (empty) tensor named `v_pred` marks v, and in base models of Stable Diffusion 2 the
spread of one bias, which training on v left far wider; otherwise eps, until such a model is loaded and tried (`families.sd2`).
"""

from __future__ import annotations

from dataclasses import dataclass

from modules.backends.header import Header, read_floats
from modules.backends.ldm_layout import OPEN_CLIP_PREFIX, TEXT_PREFIXES, UNET_PREFIX, VAE_PREFIX
from modules.backends.ldm_yaml import LdmSettings
from modules.engine.model import ModelKind, Prediction

NOT_YET = "not supported yet"
_FLOATS = {"F16", "BF16", "F32", "F64"}
# A substring of some key -> what such a file is. First match wins.
_OTHER_FILES = (
    (("lora_unet_", "lora_te", "lycoris_", ".lora_A.", ".lora_down."), "a LoRA, not a checkpoint: move it to models/Lora"),
    (("emb_params", "string_to_param"), "a textual inversion, not a checkpoint: move it to models/embeddings"),
    (("control_model.", "controlnet_cond_embedding"), f"a ControlNet: {NOT_YET}"),
    (("conditioner.embedders.",), f"SDXL: {NOT_YET}"),
    (("joint_blocks.",), f"Stable Diffusion 3: {NOT_YET}"),
    (("double_blocks.",), f"FLUX: {NOT_YET}"),
    (("img_mod.1.",), f"Qwen-Image: {NOT_YET}"),
    (("noise_augmentor.", "embedder.model.visual."), f"Stable Diffusion 2 unCLIP: {NOT_YET}"),
)
SD1, SD2 = "Stable Diffusion 1", "Stable Diffusion 2"
_TELLING_BIAS = "output_blocks.11.1.transformer_blocks.0.norm1.bias"
_V_SPREAD = 0.09
"""Standard deviation of that bias above which a Stable Diffusion 2 model predicts v."""
_PREDICTIONS = {"eps": Prediction.EPSILON, "epsilon": Prediction.EPSILON, "v": Prediction.V, "v_prediction": Prediction.V}
_KINDS = "z is a base model, 2 z an edit model, 2 z + 1 an inpainting model"


@dataclass(frozen=True)
class Recognition:
    """What was found.

    Attributes:
        reason: Why the file cannot be run, in words for the list; "" when it can.
        family: `SD1` or `SD2`, by the text encoder; "" for what is neither.
        prediction_from: Where `prediction` was read: "YAML", "metadata", "weights", "scheduler", "default", "request".
    """

    kind: ModelKind | None = None
    prediction: Prediction = Prediction.EPSILON
    prediction_from: str = "default"
    latent_channels: int | None = None
    reason: str = ""
    family: str = ""


def recognise(header: Header, settings: LdmSettings) -> Recognition:
    """Recognise a single-file checkpoint; never raises for content, `reason` says what is wrong."""
    reason = _other_file(header) or _missing_part(header) or _odd_type(header)
    if reason:
        return Recognition(reason=reason)
    unet_in = header.shape(UNET_PREFIX + "input_blocks.0.0.weight")
    unet_out = header.shape(UNET_PREFIX + "out.2.weight")
    decoder_in = header.shape(VAE_PREFIX + "post_quant_conv.weight") or header.shape(VAE_PREFIX + "decoder.conv_in.weight")
    if unet_in is None or unet_out is None or decoder_in is None or min(len(unet_in), len(unet_out), len(decoder_in)) < 2:
        return Recognition(reason="incomplete: the first or last convolution of the UNet, or the VAE's first one, is missing")
    kind, reason = kind_of(unet_in[1], unet_out[0], decoder_in[1])
    family = SD2 if header.has_prefix(OPEN_CLIP_PREFIX) else SD1
    prediction, source, problem = _prediction_of(header, settings, may_be_v=family == SD2 and kind is ModelKind.BASE)
    return Recognition(kind, prediction, source, decoder_in[1], reason or problem, family)


def kind_of(inputs: int, outputs: int, latent_channels: int) -> tuple[ModelKind | None, str]:
    """Kind of a UNet by its channels, and why there is none ("" when there is one)."""
    if outputs != latent_channels:
        return None, f"the UNet gives {outputs} channels, the VAE has {latent_channels}: they do not belong together"
    kinds = {latent_channels: ModelKind.BASE, 2 * latent_channels: ModelKind.EDIT, 2 * latent_channels + 1: ModelKind.INPAINT}
    if inputs not in kinds:
        return None, f"a UNet with {inputs} inputs for z = {latent_channels} latent channels: {NOT_YET} ({_KINDS})"
    return kinds[inputs], ""


def parse_prediction(word: str) -> Prediction | None:
    """ "eps", "epsilon", "v", "v_prediction" in any case; None for anything else."""
    return _PREDICTIONS.get(word.strip().lower().replace("-", "_"))


def _prediction_of(header: Header, settings: LdmSettings, *, may_be_v: bool) -> tuple[Prediction, str, str]:
    for word, source in ((settings.parameterization, "YAML"), (header.metadata.get("modelspec.prediction_type"), "metadata")):
        if word:
            prediction = parse_prediction(word)
            problem = "" if prediction else f"its {source} says that it predicts {word!r}: {NOT_YET} (eps and v are)"
            return prediction or Prediction.EPSILON, source, problem
    if "v_pred" in header.tensors:
        return Prediction.V, "weights", ""
    bias = read_floats(header, UNET_PREFIX + _TELLING_BIAS) if may_be_v else None
    if bias is not None and bias.std() > _V_SPREAD:
        return Prediction.V, "weights", ""
    return Prediction.EPSILON, "default", ""


def _other_file(header: Header) -> str:
    for marks, reason in _OTHER_FILES:
        if any(mark in name for mark in marks for name in header.tensors):
            return reason
    return ""


def _missing_part(header: Header) -> str:
    if not header.tensors:
        return "holds no weights"
    has_unet, has_vae = header.has_prefix(UNET_PREFIX), header.has_prefix(VAE_PREFIX)
    if has_unet and has_vae and (header.has_prefix(TEXT_PREFIXES[1]) or header.has_prefix(OPEN_CLIP_PREFIX)):
        return ""
    if has_unet:
        missing = "VAE (first_stage_model.*)" if not has_vae else "text encoder (cond_stage_model.*)"
        return f"holds a UNet without its {missing}; use a complete checkpoint"
    if header.has_prefix("down_blocks.") or header.has_prefix("up_blocks."):
        return "one part of a diffusers model: keep the whole folder, with its model_index.json"
    if has_vae or (header.has_prefix("decoder.") and header.has_prefix("encoder.")):
        return "a VAE, not a checkpoint: move it to models/VAE"
    return "unknown: no key of any model family that this program knows"


def _odd_type(header: Header) -> str:
    prefixes = (UNET_PREFIX, VAE_PREFIX, TEXT_PREFIXES[1], OPEN_CLIP_PREFIX)
    odd = {info.dtype for name, info in header.tensors.items() if name.startswith(prefixes) and not name.endswith("position_ids")} - _FLOATS
    return f"weights stored as {', '.join(sorted(odd))}: {NOT_YET}" if odd else ""

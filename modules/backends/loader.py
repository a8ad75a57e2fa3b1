"""From an entry of the catalogue to a model that runs. All configurations are ours; no hub is asked, nothing is cached."""

from __future__ import annotations

import functools
import logging
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from modules.backends import diffusers_folder, ldm_layout
from modules.backends.catalog import CheckpointInfo
from modules.backends.clip_text import ClipTextEncoder, make_clip_text
from modules.backends.families.sd1 import StableDiffusion, make_alphas_cumprod
from modules.backends.families.sd2 import predicts_v
from modules.backends.hashes import hash_file
from modules.backends.header import Header, read_header
from modules.backends.ldm_layout import Part
from modules.backends.ldm_yaml import LdmSettings, read_ldm_yaml
from modules.backends.open_clip import TextTraits, is_open_clip, read_open_clip_text
from modules.backends.recognise import SD2
from modules.backends.tokenizer import ClipTokenizer
from modules.backends.unet import make_unet
from modules.backends.vae import Vae, make_vae
from modules.backends.weights import build_module
from modules.backends.word_guides import load_word_guide
from modules.base.errors import BrokenCheckpoint, UnsupportedCheckpoint
from modules.engine.model import ModelKind, Prediction

log = logging.getLogger(__name__)
_LDM_SCALE_FACTOR = 0.18215


@dataclass(frozen=True)
class _Source:
    """The three networks of a checkpoint, each with the file that holds it; and what its text encoder's weights do not show."""

    unet: Part
    vae: Part
    text: Part
    unet_file: Header
    vae_file: Header
    text_file: Header
    scale_factor: float
    settings: LdmSettings
    traits: TextTraits


def load_checkpoint(
    info: CheckpointInfo,
    device: torch.device,
    dtype: torch.dtype,
    vocabulary: Path,
    *,
    prediction: Prediction | None = None,
    vae: Path | None = None,
) -> StableDiffusion:
    """Load one checkpoint; the files are mapped only meanwhile, and may be replaced afterwards.

    Args:
        info: Entry of the catalogue; without a hash, it is computed here.
        device: Where everything runs.
        dtype: Of UNet and VAE; the text encoder computes in float32.
        vocabulary: CLIP's `bpe_simple_vocab_16e6.txt.gz`.
        prediction: Overrides what was recognised.
        vae: Another VAE, in LDM layout, to use instead of the checkpoint's own.

    Raises:
        UnsupportedCheckpoint: It is of a kind that this version cannot run.
        BrokenCheckpoint: A file is truncated, incomplete or mislabelled, or changed since it was listed.
        MissingModel: The vocabulary is not there.
    """
    started = time.perf_counter()
    if not info.is_supported or info.kind is None or info.latent_channels is None:
        raise UnsupportedCheckpoint(f"{info.name} cannot be loaded: {info.reason}")
    tokenizer = ClipTokenizer(vocabulary)
    source = _open_folder(info.path) if info.is_folder else _open_single_file(info)
    if vae is not None:
        source = _with_vae(source, vae)
    networks = _build(source, device, dtype)
    vae_sha256 = hash_file(vae) if vae is not None else ""
    is_guided = info.kind is ModelKind.INPAINT
    guide = load_word_guide(source.unet_file, info.latent_channels, source.text.config["width"], device) if is_guided else None
    if info.has_changed():
        raise BrokenCheckpoint(f"{info.name} changed while it was being loaded; try again when the file is complete")
    prediction = prediction or _tried_prediction(info, networks[0], source, device, dtype)
    model = _assemble(info, source, networks, tokenizer, prediction, device, dtype)
    model.word_guide = guide
    model.sd_checkpoint_info = info
    model.vae_name, model.vae_sha256 = (vae.name if vae is not None else None), vae_sha256
    log.info("Loaded %s in %.1f s (%s, %s, %s)", model.title, time.perf_counter() - started, info.kind.value, model.prediction.value, dtype)
    return model


@functools.lru_cache(maxsize=64)
def count_parameters(info: CheckpointInfo) -> int:
    """Numbers in the weights of a checkpoint, read from its headers; 0 for what cannot be loaded.

    Raises:
        BrokenCheckpoint: A header cannot be read.
    """
    if not info.is_supported:
        return 0
    if info.is_folder:
        parts = (
            diffusers_folder.read_unet(info.path),
            diffusers_folder.read_vae(info.path)[0],
            diffusers_folder.read_clip_text(info.path)[0],
        )
        headers = [part.header for part in parts]
    else:
        headers = [read_header(info.path)]
    return sum(math.prod(tensor.shape) for header in headers for tensor in header.tensors.values())


def _open_single_file(info: CheckpointInfo) -> _Source:
    header, settings = read_header(info.path), read_ldm_yaml(info.config)
    if is_open_clip(header):
        text, traits = read_open_clip_text(header, settings)
    else:
        text, traits = ldm_layout.read_clip_text(header, settings), TextTraits()
    return _Source(
        ldm_layout.read_unet(header, settings), ldm_layout.read_vae(header), text,
        header, header, header, settings.scale_factor or _LDM_SCALE_FACTOR, settings, traits,
    )  # fmt: skip


def _open_folder(folder: Path) -> _Source:
    unet, (text, traits) = diffusers_folder.read_unet(folder), diffusers_folder.read_clip_text(folder)
    vae, scale_factor = diffusers_folder.read_vae(folder)
    scheduler = diffusers_folder.read_scheduler(folder)
    settings = LdmSettings(
        linear_start=float(scheduler.get("beta_start", LdmSettings.linear_start)),
        linear_end=float(scheduler.get("beta_end", LdmSettings.linear_end)),
        timesteps=int(scheduler.get("num_train_timesteps", LdmSettings.timesteps)),
        beta_schedule="plain" if scheduler.get("beta_schedule") == "linear" else "linear",
    )
    return _Source(unet.part, vae.part, text.part, unet.header, vae.header, text.header, scale_factor, settings, traits)


def _with_vae(source: _Source, path: Path) -> _Source:
    header = read_header(path)
    prefix = ldm_layout.VAE_PREFIX if header.has_prefix(ldm_layout.VAE_PREFIX) else ""
    part = ldm_layout.read_vae(header, prefix)
    if part.config["latent_channels"] != source.vae.config["latent_channels"]:
        raise BrokenCheckpoint(
            f"{path.name} has {part.config['latent_channels']} latent channels, the checkpoint wants {source.vae.config['latent_channels']}"
        )
    return replace(source, vae=part, vae_file=header)


def _build(source: _Source, device: torch.device, dtype: torch.dtype) -> tuple[nn.Module, nn.Module, nn.Module]:
    """UNet, VAE, text encoder, filled."""
    try:
        return (
            build_module(lambda: make_unet(source.unet.config), source.unet_file, source.unet.names, device, dtype),
            build_module(lambda: make_vae(source.vae.config), source.vae_file, source.vae.names, device, dtype),
            build_module(lambda: make_clip_text(**source.text.config), source.text_file, source.text.names, device, None, source.text.rows),
        )
    except (ValueError, TypeError) as error:
        raise BrokenCheckpoint(f"{source.unet_file.path.name} describes a network that cannot be built: {error}") from error


def _tried_prediction(info: CheckpointInfo, unet: nn.Module, source: _Source, device: torch.device, dtype: torch.dtype) -> Prediction:
    """What the model predicts; where nothing said so, and Stable Diffusion 2 has both, by a trial."""
    if info.prediction_from != "default" or info.family != SD2 or info.kind is not ModelKind.BASE:
        return info.prediction
    channels, width = source.unet.config["in_channels"], source.unet.config["cross_attention_dim"]
    return Prediction.V if predicts_v(unet, channels, width, device, dtype) else Prediction.EPSILON


def _assemble(
    info: CheckpointInfo,
    source: _Source,
    networks: tuple[nn.Module, nn.Module, nn.Module],
    tokenizer: ClipTokenizer,
    prediction: Prediction,
    device: torch.device,
    dtype: torch.dtype,
) -> StableDiffusion:
    unet, vae, text = networks
    info, settings = info.hashed(), source.settings
    assert info.kind is not None and info.latent_channels is not None
    alphas = make_alphas_cumprod(settings.linear_start, settings.linear_end, settings.timesteps, settings.beta_schedule)
    return StableDiffusion(
        name=info.name,
        title=info.title,
        sha256=info.sha256,
        kind=info.kind,
        prediction=prediction,
        scale_factor=source.scale_factor,
        alphas_cumprod=alphas.to(device),
        unet=unet,
        vae=Vae(vae, device, dtype),
        text=ClipTextEncoder(tokenizer, text, source.text.config["width"], device, source.traits),
        latent_channels=info.latent_channels,
        latent_factor=2 ** (len(source.vae.config["block_out_channels"]) - 1),
        device=device,
        dtype=dtype,
    )

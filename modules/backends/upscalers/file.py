"""Reading an upscaler's file: safetensors, a pickle of nothing but tensors, or an ncnn pair."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from modules.backends.header import read_header
from modules.backends.upscalers.layouts import build_from_layers, build_network, unwrap
from modules.backends.upscalers.ncnn import read_ncnn
from modules.backends.upscalers.networks import CompactNet, RRDBNet
from modules.base.errors import BrokenCheckpoint, UnusableNetwork

log = logging.getLogger(__name__)


def read_network(path: Path) -> RRDBNet | CompactNet:
    """The network in a file, in float32 on the CPU.

    A `.pth` or `.pt` is a pickle: it is read with nothing allowed in it but tensors and plain containers, so it cannot run code.

    Raises:
        UnusableNetwork: The file is missing, damaged, refused, or of no known family; the message names it.
    """
    if path.suffix.lower() == ".param":
        return build_from_layers(read_ncnn(path), path.name)
    if path.suffix.lower() == ".safetensors":
        try:
            read_header(path)
            tensors = load_file(path)
        except (BrokenCheckpoint, SafetensorError, OSError) as error:
            raise UnusableNetwork(f"upscaler {path.name}: {error}") from error
        return build_network(unwrap(tensors, path.name), path.name)
    return build_network(unwrap(_read_pickle(path), path.name), path.name)


def _read_pickle(path: Path) -> object:
    try:
        loaded: object = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UnusableNetwork(f"{path.name} cannot be read: {error.strerror or error}") from error
    except pickle.UnpicklingError as error:
        raise UnusableNetwork(
            f"{path.name} is refused: it is a pickle that holds more than tensors, and could run code; get the .safetensors version"
        ) from error
    except Exception as error:  # what a damaged pickle raises is not foreseeable
        raise UnusableNetwork(f"{path.name} is damaged, or no file of tensors: {error}") from error
    return loaded

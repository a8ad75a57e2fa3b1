"""One textual inversion file: checked by its header, then read whole; no more than a few hundred kilobytes are ever touched.

References:
    Gal et al., "An Image is Worth One Word: Personalizing Text-to-Image Generation using Textual Inversion", 2022.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modules.backends.header import Header, TensorInfo, read_header
from modules.base.errors import BrokenCheckpoint, UnusableNetwork
from modules.engine.prompts.limits import CHUNK_TOKENS

MOST_VECTORS = CHUNK_TOKENS
LARGEST_WIDTH = 8192
LARGEST_FILE_BYTES = 16 << 20
LARGEST_HEADER_BYTES = 1 << 20
PICKLES = (".pt", ".bin", ".ckpt")
PICKLE_REASON = (
    "a pickle file can run code when it is opened, so it is refused; get the .safetensors version of this embedding, or convert it on a "
    "machine where you trust it"
)
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_LENGTH_BYTES = 8


@dataclass(frozen=True)
class Vectors:
    """What a file holds.

    Attributes:
        values: (1 to 75, width) float32, all finite.
        sha256: Of the whole file, lower-case hex.
    """

    values: np.ndarray
    sha256: str


def read_vectors(path: Path) -> Vectors:
    """Read a `.safetensors` file with one tensor, whatever it is called: `emb_params`, `clip_l`, or the token it was trained for.

    Raises:
        UnusableNetwork: It is damaged or too large, holds something else or not a number; or it is a pickle.
    """
    if path.suffix.lower() in PICKLES:
        raise UnusableNetwork(PICKLE_REASON)
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise UnusableNetwork(f"the file has {size} bytes, an embedding has at most {LARGEST_FILE_BYTES}")
        tensor = _only_tensor(read_header(path, longest=LARGEST_HEADER_BYTES))
        raw = path.read_bytes()
    except BrokenCheckpoint as error:
        raise UnusableNetwork(str(error)) from error
    except OSError as error:
        raise UnusableNetwork(f"{path.name} cannot be read: {error.strerror or error}") from error
    return Vectors(_decode(tensor, raw), hashlib.sha256(raw).hexdigest())


def _only_tensor(header: Header) -> TensorInfo:
    names = list(header.tensors)
    if {"clip_l", "clip_g"} <= set(names):
        raise UnusableNetwork("it was made for SDXL, whose two text encoders this version does not have")
    if len(names) != 1:
        shown = ", ".join(repr(name[:40]) for name in names[:3]) + (", ..." if len(names) > 3 else "")
        raise UnusableNetwork(f"it holds {len(names)} tensors ({shown}), an embedding holds one")
    tensor = header.tensors[names[0]]
    if tensor.dtype not in _TYPES:
        raise UnusableNetwork(f"its numbers are of type {tensor.dtype[:20]}, wanted {', '.join(_TYPES)}")
    if len(tensor.shape) not in (1, 2):
        raise UnusableNetwork(f"its tensor has {len(tensor.shape)} dimensions, wanted 2: vectors, width")
    count, width = tensor.shape if len(tensor.shape) == 2 else (1, tensor.shape[0])
    if not 1 <= count <= MOST_VECTORS:
        raise UnusableNetwork(f"it has {count} vectors, wanted 1 to {MOST_VECTORS}: what one chunk of a prompt takes")
    if not 1 <= width <= LARGEST_WIDTH:
        raise UnusableNetwork(f"its vectors are {width} numbers wide, wanted 1 to {LARGEST_WIDTH}")
    return tensor


def _decode(tensor: TensorInfo, raw: bytes) -> np.ndarray:
    start = _LENGTH_BYTES + int.from_bytes(raw[:_LENGTH_BYTES], "little")
    stored = np.frombuffer(raw[start + tensor.start : start + tensor.end], _TYPES[tensor.dtype])
    if tensor.dtype == "BF16":  # the upper half of a float32
        stored = (stored.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):
        values = stored.astype(np.float32).reshape(-1, tensor.shape[-1])
    if not np.isfinite(values).all():
        raise UnusableNetwork("it holds values that are not finite numbers (NaN or infinity)")
    return values

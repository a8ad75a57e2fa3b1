"""Weights that extensions bring: `.safetensors`, and torch files that hold nothing but tensors. A pickle that could run code is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from modules.base.errors import PentimentoError
from modules.base.registry import load_dotted

REFUSED = (
    "{name} is refused: it is a pickle that holds more than tensors ({reason}), and opening such a file can run code. "
    "Ask for a .safetensors file, or convert it."
)


class RefusedPickle(PentimentoError, pickle.UnpicklingError):
    """A file could run code when it is opened."""


def unsafe_torch_load(filename: Any, *args: Any, **kwargs: Any) -> Any:
    """`torch.load`, for tensors and plain containers alone, whatever the caller asks for; A1111's name for the opposite.

    Args:
        filename: Path or open file.
        args, kwargs: As for `torch.load`.

    Raises:
        RefusedPickle: The file holds anything else.
    """
    torch_load: Any = load_dotted("torch:load")
    kwargs.pop("pickle_module", None)
    kwargs.pop("extra_handler", None)
    try:
        return torch_load(filename, *args, **{**kwargs, "weights_only": True})
    except pickle.UnpicklingError as error:
        name = Path(filename).name if isinstance(filename, str | Path) else "the file"
        raise RefusedPickle(REFUSED.format(name=name, reason=_reason(error))) from error


load = load_with_extra = unsafe_torch_load


def read_safetensors(path: Path) -> dict[str, Any]:
    """The tensors of a file, on the CPU.

    Raises:
        RefusedPickle: It is no `.safetensors` file and holds more than tensors.
    """
    if path.suffix.casefold() == ".safetensors":
        load_file: Any = load_dotted("safetensors.torch:load_file")
        tensors: dict[str, Any] = load_file(str(path))
        return tensors
    loaded = unsafe_torch_load(path, map_location="cpu")
    inner = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
    return dict(inner)


def read_safetensors_metadata(filename: str) -> dict[str, Any]:
    """The texts in the head of a `.safetensors` file."""
    read_header: Any = load_dotted("modules.backends.header:read_header")
    return dict(read_header(Path(filename)).metadata)


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if "GLOBAL" in line or "Unsupported" in line or "global" in line]
    return (lines[0] if lines else str(error).splitlines()[0] if str(error) else "unreadable")[:160]

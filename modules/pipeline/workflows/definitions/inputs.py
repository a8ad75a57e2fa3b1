"""Short ways to write down inputs."""

from __future__ import annotations

from typing import Any

from modules.pipeline.workflows.definitions.definition import Input

MAX_SIDE = 16384
MAX_SEED = 2**64 - 1
SCALINGS = ("nearest-exact", "bilinear", "area", "bicubic")
CROPS = ("disabled", "center")


def socket(name: str, kind: str, *, is_optional: bool = False) -> Input:
    """What only a link can give."""
    return Input(name, kind, is_optional=is_optional)


def integer(name: str, default: int, low: int, high: int, step: int = 1, *, is_optional: bool = False) -> Input:
    return Input(name, "INT", default, low, high, step, is_optional=is_optional)


def number(name: str, default: float, low: float, high: float, step: float = 0.01, *, is_optional: bool = False) -> Input:
    return Input(name, "FLOAT", default, low, high, step, is_optional=is_optional)


def flag(name: str, default: bool, *, is_optional: bool = False) -> Input:
    return Input(name, "BOOLEAN", default, is_optional=is_optional)


def text(name: str, default: str = "", *, is_multiline: bool = False) -> Input:
    return Input(name, "STRING", default, is_multiline=is_multiline)


def choice(name: str, choices: tuple[Any, ...] | str, *, default: Any = None) -> Input:
    """One of a list; the first where no default is named."""
    first = choices[0] if isinstance(choices, tuple) else None
    return Input(name, "COMBO", first if default is None else default, choices=choices)


def seed(name: str) -> Input:
    return Input(name, "INT", 0, 0, MAX_SEED, 1, has_seed_control=True)


def side(name: str, default: int = 512, low: int = 0, step: int = 1) -> Input:
    """A width, a height or a position, px."""
    return integer(name, default, low, MAX_SIDE, step)

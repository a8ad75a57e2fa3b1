"""The form of a node's definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


@dataclass(frozen=True)
class Input:
    """One input of a node.

    Attributes:
        name: In the file.
        type: "IMAGE", "MASK", "LATENT", "MODEL", "CLIP", "VAE", "CONDITIONING" ...: a socket; or one of `WIDGET_TYPES`.
        default: Of a widget.
        low, high, step: Of a number.
        choices: Of a COMBO: its values; or the name of a list that is filled when the program runs: "checkpoints", "vaes",
            "loras", "upscalers", "samplers", "schedulers", "pictures" (files of the input folder), "results" (of the output folder).
        is_optional: May be left out.
        is_multiline: Of a STRING.
        has_seed_control: The widget is followed by one more value in `widgets_values`: fixed, increment, decrement or randomize.
        is_upload: All widgets of the node are followed by one more value: "image".
    """

    name: str
    type: str
    default: Any = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] | str = ()
    is_optional: bool = False
    is_multiline: bool = False
    has_seed_control: bool = False
    is_upload: bool = False

    @property
    def is_widget(self) -> bool:
        return self.type in WIDGET_TYPES


@dataclass(frozen=True)
class NodeDefinition:
    """One kind of node.

    Attributes:
        class_type: Its name in files.
        title: Its name on screen.
        category: "loaders", "mask" ...
        inputs: In the order of the file's widgets: required ones first.
        outputs: (name, type) in order.
        is_output: Its work is wanted for itself: running begins there.
        is_ours: ComfyUI does not know it.
        work: Dotted "module:function" of what it does: (context, **inputs) -> a tuple, one value an output.
    """

    class_type: str
    title: str
    category: str
    inputs: tuple[Input, ...]
    outputs: tuple[tuple[str, str], ...]
    work: str
    is_output: bool = False
    is_ours: bool = False
    hidden: Mapping[str, str] = field(default_factory=dict)

    @property
    def widgets(self) -> tuple[Input, ...]:
        return tuple(each for each in self.inputs if each.is_widget)

    def input(self, name: str) -> Input | None:
        return next((each for each in self.inputs if each.name == name), None)

"""The class that third parties subclass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from modules.plugins.controls import Control

ALWAYS_VISIBLE = object()
NOT_IN_TITLES = re.compile(r"[^a-z_0-9]")


class Processing(Protocol):
    """What this floor needs to know of a job."""

    script_args: Sequence[Any]


class Script:
    """A selectable script, or an always-on one when `show` returns `ALWAYS_VISIBLE`.

    Besides the methods here, a script may define any hook of `modules.plugins.hooks.HOOKS`. What is set on the class is a start value:
    the loader fills the rest in before `ui` is called.

    Attributes:
        name: The title in lower case, as the API lists it.
        filename: The file it came from.
        args_from, args_to: Where its control values lie in a job's `script_args`.
        controls: What `ui` gave, on the page last built; None = it has no controls.
        control_values: The controls as plain data, with the values they start with.
        group: What the page lays the controls into.
        is_img2img, is_txt2img: The tab it was created for.
        infotext_fields: Pairs of a control and the infotext key that fills it.
        paste_field_names: Infotext keys that travel with "send to".
    """

    name: str | None = None
    section: str | None = None
    filename: str | None = None
    args_from: int = 0
    args_to: int = 0
    alwayson: bool = False
    is_txt2img: bool = False
    is_img2img: bool = True
    group: Any = None
    controls: Sequence[Any] | None = None
    control_values: Sequence[Control] = ()
    infotext_fields: ClassVar[list[Any] | None] = None
    paste_field_names: ClassVar[list[str] | None] = None

    def title(self) -> str:
        """The name in the dropdown and over the API; must be overridden."""
        raise TypeError(f"{type(self).__name__} must define title()")

    def show(self, is_img2img: bool) -> bool | object:
        """True to be selectable on this tab, `ALWAYS_VISIBLE` to run with every job, False for neither."""
        return True

    def ui(self, is_img2img: bool) -> Sequence[Any] | None:
        """Build controls; their values arrive as `*args`, in order. May be called more than once."""
        return None

    def run(self, p: Any, *args: Any) -> Any:
        """Do the whole job of a selectable script and return a `Processed`, or None for the ordinary job."""
        return None

    def elem_id(self, item_id: str) -> str:
        """A control's id on the page: "script_", the tab if the script is on both, its title, and `item_id`."""
        tab = "img2img_" if self.is_img2img else "txt2img_"
        is_on_both = self.show(True) == self.show(False)
        title = NOT_IN_TITLES.sub("", re.sub(r"\s", "_", self.title().lower()))
        return f"script_{tab if is_on_both else ''}{title}_{item_id}"

    def describe(self) -> str:
        """A sentence for the page; empty by default."""
        return ""

"""The class that third parties subclass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

ALWAYS_VISIBLE = object()


class Processing(Protocol):
    """What this floor needs to know of a job."""

    script_args: Sequence[Any]


class Script:
    """A selectable script, or an always-on one when `show` returns `ALWAYS_VISIBLE`.

    Besides the methods here, a script may define any hook of `modules.plugins.hooks.HOOKS`.

    Attributes:
        filename: The file it came from.
        args_from, args_to: Where its control values lie in a job's `script_args`.
        is_img2img, is_txt2img: The tab it was created for.
    """

    name: str | None = None
    section: str | None = None
    filename: str | None = None
    args_from: int = 0
    args_to: int = 0
    alwayson: bool = False
    is_txt2img: bool = False
    is_img2img: bool = True
    infotext_fields: ClassVar[list[Any] | None] = None
    paste_field_names: ClassVar[list[str] | None] = None

    def title(self) -> str:
        """The name in the dropdown and over the API; must be overridden."""
        raise TypeError(f"{type(self).__name__} must define title()")

    def show(self, is_img2img: bool) -> bool | object:
        """True to be selectable on this tab, `ALWAYS_VISIBLE` to run with every job, False for neither."""
        return True

    def ui(self, is_img2img: bool) -> Sequence[Any] | None:
        """Build controls; their values arrive as `*args`, in order."""
        return None

    def run(self, p: Any, *args: Any) -> Any:
        """Do the whole job of a selectable script and return a `Processed`, or None for the ordinary job."""
        return None

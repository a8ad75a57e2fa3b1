"""The class that third parties subclass."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from modules.plugins.hooks import SCRIPT_HOOKS

if TYPE_CHECKING:
    from modules.plugins.controls import Control

ALWAYS_VISIBLE = object()
NOT_IN_TITLES = re.compile(r"[^a-z_0-9]")


ComponentFunction = Callable[[Any], Any]
"""Gets an `OnComponent`."""


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
        create_group: False when the script wants no group of its own around its controls.
        group: What the page lays the controls into.
        is_img2img, is_txt2img, tabname: The tab it was created for.
        infotext_fields: Pairs of a control and the infotext key (or a function of the infotext's values) that fills it.
        paste_field_names: Infotext keys that travel with "send to".
        on_before_component_elem_id, on_after_component_elem_id: (elem_id, function) that wait for a component of the page.
        setup_for_ui_only: `setup` is not called for jobs of the API.
        sorting_priority: Always-on scripts of a lower one come first.
        api_info: `name`, `is_alwayson`, `is_img2img` and `args` (label, value, minimum, maximum, step, choices each).
    """

    name: str | None = None
    section: str | None = None
    filename: str | None = None
    args_from: int = 0
    args_to: int = 0
    alwayson: bool = False
    is_txt2img: bool = False
    is_img2img: bool = True
    tabname: str | None = None
    create_group: bool = True
    group: Any = None
    controls: Sequence[Any] | None = None
    control_values: Sequence[Control] = ()
    infotext_fields: ClassVar[list[Any] | None] = None
    paste_field_names: ClassVar[list[str] | None] = None
    on_before_component_elem_id: Sequence[tuple[str, ComponentFunction]] | None = None
    on_after_component_elem_id: Sequence[tuple[str, ComponentFunction]] | None = None
    setup_for_ui_only: bool = False
    sorting_priority: int = 0
    api_info: Any = None

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

    def on_before_component(self, callback: ComponentFunction, *, elem_id: str) -> None:
        """Have `callback` called when the page is about to build the component of this id; to be asked for before the page is built."""
        self.on_before_component_elem_id = [*(self.on_before_component_elem_id or ()), (elem_id, callback)]

    def on_after_component(self, callback: ComponentFunction, *, elem_id: str) -> None:
        """Have `callback` called when the page has built the component of this id; to be asked for before the page is built."""
        self.on_after_component_elem_id = [*(self.on_after_component_elem_id or ()), (elem_id, callback)]

    def controls_filled(self, controls: Sequence[Any]) -> None:
        """The page has put the values of a visitor's last job into what `ui` gave: show what belongs to them."""

    def describe(self) -> str:
        """A sentence for the page; empty by default."""
        return ""


class ScriptBuiltinUI(Script):
    """An always-on script that belongs to the page itself: its ids carry the tab alone."""

    setup_for_ui_only = True

    def title(self) -> str:
        return type(self).__name__

    def show(self, is_img2img: bool) -> bool | object:
        return ALWAYS_VISIBLE

    def elem_id(self, item_id: str) -> str:
        """The tab and `item_id`."""
        return f"{'img2img' if self.is_img2img else 'txt2img'}_{item_id}"


def _ignore(self: Script, *args: Any, **named: Any) -> None:
    """A hook that a script leaves out."""


def has_hook(script: Script, hook: str) -> bool:
    """Whether a script defines a hook of the hook table."""
    return getattr(getattr(script, hook, _ignore), "__func__", None) is not _ignore


for _hook in SCRIPT_HOOKS:
    setattr(Script, _hook.name, _ignore)

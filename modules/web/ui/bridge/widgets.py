"""The widgets of A1111's `modules.ui_components`, on Gradio 6."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import FormComponent
from gradio.context import get_render_context

from modules.web.ui.bridge.quiet import QuietMeta


class ToolButton(gr.Button, metaclass=QuietMeta):
    """A small button, as wide as its sign."""

    is_template = True

    def __init__(self, value: str = "", **named: Any) -> None:
        named |= {"variant": "secondary"} if named.get("variant") in (None, "tool") else {}
        classes = _with_class(named.pop("elem_classes", None), "tool")
        super().__init__(value, **{"size": "sm", "min_width": 36, "scale": 0, **named}, elem_classes=classes)

    def get_block_name(self) -> str:
        return "button"

    get_block_class = get_block_name


class FormRow(gr.Row, metaclass=QuietMeta):
    """A row of a form."""

    is_template = True


class FormColumn(gr.Column, metaclass=QuietMeta):
    """A column of a form."""

    is_template = True


class FormGroup(gr.Group, metaclass=QuietMeta):
    """A group of a form."""

    is_template = True


class FormHTML(gr.HTML, metaclass=QuietMeta):
    """Text within a form."""

    is_template = True


class FormColorPicker(gr.ColorPicker, metaclass=QuietMeta):
    """A colour of a form."""

    is_template = True


class ResizeHandleRow(gr.Row, metaclass=QuietMeta):
    """A row of columns whose widths a person could drag under A1111; here they share the row."""

    is_template = True

    def __init__(self, **named: Any) -> None:
        classes = _with_class(named.pop("elem_classes", None), "resize-handle-row")
        super().__init__(**named, elem_classes=classes)


class DropdownMulti(gr.Dropdown, metaclass=QuietMeta):
    """A list from which several can be picked."""

    is_template = True

    def __init__(self, **named: Any) -> None:
        super().__init__(**{"multiselect": True, **named})


class DropdownEditable(gr.Dropdown, metaclass=QuietMeta):
    """A list that also takes what is typed."""

    is_template = True

    def __init__(self, **named: Any) -> None:
        super().__init__(**{"allow_custom_value": True, **named})


class InputAccordion(gr.Checkbox, metaclass=QuietMeta):
    """A part of a form that folds, with a checkbox in its head that says whether it counts; the checkbox is the component.

    Used as a context, it holds what is built within. Picking the checkbox unfolds it; folding it leaves the checkbox alone.

    Attributes:
        accordion: What folds; its `elem_id` is the one that was asked for, the checkbox's has `-checkbox` behind it.
    """

    is_template = True
    accordion: Any = None
    _count = 0

    def __init__(self, value: bool = False, *, render: bool = True, **named: Any) -> None:
        elem_id = named.pop("elem_id", None)
        if elem_id is None:
            InputAccordion._count += 1
            elem_id = f"input-accordion-m{InputAccordion._count}"
        self.accordion_id = elem_id.removesuffix("-checkbox")
        self._accordion_options = {name: named.pop(name) for name in ("open",) if name in named}
        classes = _with_class(named.pop("elem_classes", None), "input-accordion-checkbox")
        elem_id = f"{self.accordion_id}-checkbox"
        super().__init__(value, **{"container": False, **named}, elem_id=elem_id, elem_classes=classes, render=False)
        if render:
            self.render()

    def render(self) -> Any:
        """Into the page: a frame with the checkbox, and the folding part below it."""
        if get_render_context() is None or self.accordion is not None:
            return super().render()
        with gr.Group(elem_classes="input-accordion-frame"):
            super().render()
            options = {"open": bool(self.value), **self._accordion_options}
            self.accordion = gr.Accordion(self.label, elem_id=self.accordion_id, elem_classes="input-accordion", **options)
        opener = f"(on) => {{ window.pentimento.unfold({self.accordion_id!r}, on); }}"
        self.change(fn=None, inputs=[self], js=opener, api_visibility="private")
        return self

    def extra(self) -> Any:
        """A column in the accordion's head, for a line of the script's own."""
        return gr.Column(elem_id=f"{self.accordion_id}-extra", elem_classes="input-accordion-extra", min_width=0)

    def __enter__(self) -> InputAccordion:
        self.accordion.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self.accordion.__exit__(*raised)


def _with_class(given: Any, name: str) -> list[str]:
    return [given, name] if isinstance(given, str) else [*(given or ()), name]


__all__ = [
    "DropdownEditable",
    "DropdownMulti",
    "FormColorPicker",
    "FormColumn",
    "FormComponent",
    "FormGroup",
    "FormHTML",
    "FormRow",
    "InputAccordion",
    "ResizeHandleRow",
    "ToolButton",
]

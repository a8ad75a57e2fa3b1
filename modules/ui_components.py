"""Face: A1111's `modules.ui_components`."""

from __future__ import annotations

from modules.web.ui.bridge.widgets import (
    DropdownEditable,
    DropdownMulti,
    FormColorPicker,
    FormColumn,
    FormComponent,
    FormGroup,
    FormHTML,
    FormRow,
    InputAccordion,
    ResizeHandleRow,
    ToolButton,
)

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

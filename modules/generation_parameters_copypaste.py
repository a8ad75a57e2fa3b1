"""Face: A1111's `modules.generation_parameters_copypaste`, the older name of `infotext_utils`."""

from __future__ import annotations

from typing import Any

from modules.runtime.face_calls.infotexts import (
    BINDINGS,
    ParamBinding,
    PasteField,
    bind_buttons,
    create_buttons,
    create_override_settings_dict,
    get_override_settings,
    image_from_url_text,
    parse_generation_parameters,
    quote,
    send_image_and_dimensions,
    setting_names,
    unquote,
)

add_paste_fields = BINDINGS.add_fields
register_paste_params_button = BINDINGS.add
connect_paste_params_buttons = BINDINGS.connect_all
reset = BINDINGS.reset


def __getattr__(name: str) -> Any:
    if name == "paste_fields":
        return BINDINGS.paste_fields
    if name == "registered_param_bindings":
        return BINDINGS.registered
    if name == "infotext_to_setting_name_mapping":
        return setting_names()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

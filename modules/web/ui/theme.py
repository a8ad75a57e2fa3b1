"""Colours, type and shapes: paper, ink and the brown-red of an underpainting. System fonts only, nothing is fetched."""

from __future__ import annotations

from typing import Any

import gradio as gr

SIENNA = gr.themes.Color(
    name="sienna",
    c50="#fdf5f0", c100="#fae6da", c200="#f3cab4", c300="#eaa988", c400="#dd845a", c500="#c9673b",
    c600="#ae5029", c700="#8f4022", c800="#6f331e", c900="#562a1b", c950="#31160d",
)  # fmt: skip
PAPER = gr.themes.Color(
    name="paper",
    c50="#fbfaf8", c100="#f4f2ee", c200="#e7e3dc", c300="#d3cdc3", c400="#a59d91", c500="#7a7268",
    c600="#5a534b", c700="#423d37", c800="#2a2724", c900="#1e1c1a", c950="#161412",
)  # fmt: skip
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Noto Sans Mono", "monospace")
COLOURS = {
    "body_background_fill": ("*neutral_100", "*neutral_950"),
    "body_text_color": ("*neutral_800", "*neutral_100"),
    "body_text_color_subdued": ("*neutral_600", "*neutral_400"),
    "block_background_fill": ("*neutral_50", "*neutral_900"),
    "block_border_color": ("*neutral_200", "*neutral_800"),
    "block_label_text_color": ("*neutral_600", "*neutral_300"),
    "block_title_text_color": ("*neutral_700", "*neutral_200"),
    "block_info_text_color": ("*neutral_600", "*neutral_400"),
    "input_background_fill": ("#ffffff", "*neutral_950"),
    "input_border_color": ("*neutral_300", "*neutral_700"),
    "input_border_color_focus": ("*primary_500", "*primary_500"),
    "border_color_primary": ("*neutral_200", "*neutral_800"),
    "button_primary_background_fill": ("*primary_600", "*primary_600"),
    "button_primary_background_fill_hover": ("*primary_700", "*primary_500"),
    "button_secondary_background_fill": ("#ffffff", "*neutral_800"),
    "button_secondary_background_fill_hover": ("*neutral_200", "*neutral_700"),
    "button_secondary_border_color": ("*neutral_300", "*neutral_700"),
    "slider_color": ("*primary_600", "*primary_500"),
    "checkbox_background_color_selected": ("*primary_600", "*primary_600"),
    "checkbox_label_background_fill": ("#ffffff", "*neutral_800"),
    "checkbox_label_background_fill_hover": ("*neutral_200", "*neutral_700"),
    "checkbox_label_background_fill_selected": ("*primary_600", "*primary_600"),
    "checkbox_label_text_color_selected": ("#ffffff", "#ffffff"),
    "checkbox_label_border_color": ("*neutral_300", "*neutral_700"),
    "link_text_color": ("*primary_700", "*primary_300"),
}
"""What light and dark look like: (light, dark)."""
SHAPES = {
    "block_border_width": "1px",
    "block_title_text_weight": "500",
    "input_border_width": "1px",
    "button_primary_text_color": "#ffffff",
    "button_border_width": "1px",
    "checkbox_label_border_width": "1px",
    "shadow_drop": "0 1px 2px rgb(49 22 13 / 6%)",
    "shadow_drop_lg": "0 2px 10px rgb(49 22 13 / 10%)",
}
"""The same in both."""


def build_theme() -> Any:
    """The one theme, light and dark."""
    theme = gr.themes.Base(
        primary_hue=SIENNA,
        secondary_hue=SIENNA,
        neutral_hue=PAPER,
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_md,
        text_size=gr.themes.sizes.text_md,
        font=[gr.themes.Font(name) for name in SANS],
        font_mono=[gr.themes.Font(name) for name in MONO],
    )
    dark = {f"{name}_dark": tone for name, (_, tone) in COLOURS.items()}
    return theme.set(**{name: tone for name, (tone, _) in COLOURS.items()}, **dark, **SHAPES)

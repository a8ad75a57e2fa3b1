"""`shared.prompt_styles`: the styles file, as scripts look at it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from modules.pipeline.styles import Style, merge, read_styles


def merge_styles(styles: Iterable[str], prompt: str) -> str:
    """`prompt` with these style texts merged in, one after the other."""
    for style in styles:
        prompt = merge(style, prompt)
    return prompt


class StyleDatabase:
    """Styles by name; the file is read anew whenever it is asked.

    Args:
        path: `styles.csv`.
    """

    def __init__(self, path: Path) -> None:
        self.default_path = self.path = path
        self.no_style = Style("None")

    @property
    def styles(self) -> dict[str, Style]:
        return {style.name: style for style in read_styles(self.path)}

    def reload(self) -> None:
        """Accepted: nothing is kept that could be stale."""

    def get_style_prompts(self, styles: Iterable[str]) -> list[str]:
        known = self.styles
        return [known.get(name, self.no_style).prompt for name in styles]

    def get_negative_style_prompts(self, styles: Iterable[str]) -> list[str]:
        known = self.styles
        return [known.get(name, self.no_style).negative_prompt for name in styles]

    def apply_styles_to_prompt(self, prompt: str, styles: Sequence[str]) -> str:
        return merge_styles(self.get_style_prompts(styles), prompt)

    def apply_negative_styles_to_prompt(self, prompt: str, styles: Sequence[str]) -> str:
        return merge_styles(self.get_negative_style_prompts(styles), prompt)

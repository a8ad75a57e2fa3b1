"""Comments in prompts: everything from "#" to the end of its line is for people only."""

from __future__ import annotations

import re

_LINE = re.compile(r"(?:^|\n)#[^\n]*(?:\n|$)")
_END_OF_LINE = re.compile(r"#[^\n]*(?:\n|$)")


def strip_comments(text: str) -> str:
    """Leave out lines that begin with "#", then what follows "#" in others.

    The infotext holds what is left, so line breaks stay as A1111 leaves them: one for each comment, also at the end of the text.
    """
    return _END_OF_LINE.sub("\n", _LINE.sub("\n", text))

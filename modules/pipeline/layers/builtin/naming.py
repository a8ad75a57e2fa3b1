"""Names of layers, as a person would call them."""

from __future__ import annotations

from modules.pipeline.layers.document import LayerKind
from modules.pipeline.layers.naming import shorten


class Namer:
    """Gives each part its own name: "subject", "subject 2", "text: SALE"."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, kind: LayerKind, quote: str = "", of: str = "") -> str:
        """A name that no other part has.

        Args:
            quote: What a text says.
            of: Name of the part that this one belongs to: the caster of a shadow.
        """
        words = kind.value
        if of and of != LayerKind.SUBJECT.value:
            words = f"{words} of {of}"
        said = shorten(quote)
        return self._own(f"{words}: {said}" if said else words)

    def _own(self, words: str) -> str:
        number, name = 1, words
        while name.casefold() in self._taken:
            number += 1
            name = f"{words} {number}"
        self._taken.add(name.casefold())
        return name

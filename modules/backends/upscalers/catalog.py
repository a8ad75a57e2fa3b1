"""All upscalers by name: the built-in ones first. Nothing here needs torch."""

from __future__ import annotations

from modules.base.errors import UnknownName
from modules.imaging.upscalers import NO_UPSCALER, UPSCALERS, NamedUpscaler


class UpscalerCatalog:
    """Upscalers that can be chosen. Safe to share between threads."""

    def all(self) -> list[NamedUpscaler]:
        """Every upscaler, in the order in which they are listed: "None", "Lanczos", "Nearest", then those that need a model."""
        return [upscaler for _, upscaler in UPSCALERS.items()]

    def names(self) -> list[str]:
        """What can be asked for, in the same order."""
        return [upscaler.name for upscaler in self.all()]

    def find(self, name: str | None, field: str = "upscaler") -> NamedUpscaler | None:
        """The upscaler of that name, matched without case; None for "None" and an empty name: a plain resize.

        Args:
            field: The request's field that named it, for the error.

        Raises:
            UnknownName: There is none of that name.
        """
        wanted = (name or NO_UPSCALER).strip().casefold()
        if wanted == NO_UPSCALER.casefold():
            return None
        known = self.all()
        for upscaler in known:
            if upscaler.name.casefold() == wanted:
                return upscaler
        raise UnknownName(field, name, [upscaler.name for upscaler in known])

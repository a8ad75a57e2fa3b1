"""What callbacks see of a picture that is saved: before, when they may change it, and after."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL.Image import Image

from modules.base.errors import PentimentoError
from modules.imaging.metadata import FORMATS
from modules.imaging.saving import Draft
from modules.plugins.callbacks import CALLBACKS
from modules.plugins.hook_arguments import ImageSaveParams

logger = logging.getLogger(__name__)

INFOTEXT_KEY = "parameters"


class SaveWatch:
    """One picture.

    Args:
        p: The job it belongs to, or None.
        image: The picture.
        infotext: What is known of it.
        items: Further texts.
        is_labelled: Whether texts go into the file.
        locate: The folder of a file that a callback names, or an error where none may lie.

    Attributes:
        infotext: Which callbacks may have changed.
    """

    def __init__(
        self,
        p: Any,
        image: Image,
        infotext: str,
        locate: Callable[[str], Path],
        *,
        items: Mapping[str, str] | None = None,
        is_labelled: bool = True,
    ) -> None:
        self._p, self._locate, self._is_labelled = p, locate, is_labelled
        self._params = ImageSaveParams(image, p, "", {**(items or {}), INFOTEXT_KEY: infotext})

    @property
    def infotext(self) -> str:
        return str(self._params.pnginfo.get(INFOTEXT_KEY) or "")

    def revise(self, draft: Draft) -> None:
        """Let callbacks see and change what is about to be written; a name that cannot be used is not."""
        params = self._params
        params.filename = str(draft.path)
        CALLBACKS.call_in_job(self._p, "on_before_image_saved", params)
        draft.image = params.image
        if self._is_labelled:
            draft.infotext = self.infotext or None
            draft.items = {str(key): str(value) for key, value in params.pnginfo.items() if key != INFOTEXT_KEY}
        if params.filename != str(draft.path):
            self._rename(draft, Path(params.filename))

    def saved(self, path: Path) -> None:
        """Tell callbacks that it was written."""
        self._params.filename = str(path)
        CALLBACKS.call_in_job(self._p, "on_image_saved", self._params)

    def _rename(self, draft: Draft, wanted: Path) -> None:
        try:
            folder = self._locate(str(wanted.parent))
        except PentimentoError as error:
            self._note(f"A callback wanted to save as {wanted.name} where nothing may be saved: {error}")
            return
        if wanted.suffix.lower().lstrip(".") not in FORMATS:
            self._note(f"A callback wanted to save as {wanted.name}, which is no name of a picture file ({', '.join(FORMATS)})")
            return
        draft.path = folder / wanted.name

    def _note(self, note: str) -> None:
        logger.warning(note)
        notes = getattr(self._p, "notes", None)
        if isinstance(notes, list) and note not in notes:
            notes.append(note)

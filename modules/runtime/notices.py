"""What a person should know of the program's own files: which of them could not be read, and where they lie now."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.base.errors import SaveFailed
from modules.pipeline.style_file import check_file
from modules.settings.store import OptionsStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """One of them.

    Attributes:
        kind: Names its text on the page, `notice.<kind>`.
        values: What fills the text's gaps.
    """

    kind: str
    values: dict[str, Any] = field(default_factory=dict)


class Notices:
    """Collects them while the program runs.

    Args:
        options: Knows what was wrong with the settings' file.
        styles: `styles.csv`.
    """

    def __init__(self, options: OptionsStore, styles: Path) -> None:
        self._styles = styles
        self._told: list[Notice] = []
        if options.kept_aside is not None:
            self._told.append(Notice("settings_kept_aside", {"file": options.kept_aside.name}))
        self._told += [Notice("option_ignored", {"reason": reason}) for reason in options.ignored]

    def check_styles(self) -> None:
        """Put a damaged `styles.csv` aside, before anything is written to it."""
        try:
            rescue = check_file(self._styles)
        except SaveFailed as error:
            logger.warning("%s", error)
            return
        if rescue is not None:
            logger.warning("%s could not be read (%s); kept as %s", self._styles.name, rescue.reason, rescue.aside.name)
            values = {"file": rescue.aside.name, "reason": rescue.reason, "n": rescue.saved}
            self._told.append(Notice("styles_kept_aside", values))

    def add(self, kind: str, **values: Any) -> None:
        """Tell of something else; the page needs a text `notice.<kind>`."""
        self._told.append(Notice(kind, values))

    def all(self) -> list[Notice]:
        """Everything there is to tell, after another look at the styles."""
        self.check_styles()
        return list(self._told)

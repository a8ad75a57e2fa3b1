"""What a part of the page gets to connect its widgets with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modules.runtime.session import Session
from modules.web.ui.messages import guarded
from modules.web.ui.studio import Studio
from modules.web.ui.texts import Texts

if TYPE_CHECKING:
    from modules.web.ui.desk import Desk
    from modules.web.ui.pictures import Pictures
    from modules.web.ui.restore import Restorer

LIGHT: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "api_visibility": "private"}
"""For events that answer at once."""


@dataclass(frozen=True)
class Wiring:
    """The page under construction.

    Attributes:
        page: The `gr.Blocks`.
        studio: All widgets.
        desk: Handlers around jobs.
        pictures: Handlers around the document.
        restorer: Handlers that fill the form.
    """

    page: Any
    session: Session
    texts: Texts
    studio: Studio
    desk: Desk
    pictures: Pictures
    restorer: Restorer

    def on(self, event: Callable[..., Any], handler: Callable[..., Any], inputs: Any, outputs: Any, **options: Any) -> Any:
        """Connect `handler(language, *values)`: errors become messages, and the event answers at once."""
        return event(guarded(self.texts, handler), inputs, outputs, **{**LIGHT, **options})

"""What a person reads when something is wrong: a sentence in their language, never a stack trace."""

from __future__ import annotations

import html
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import gradio as gr

from modules.base.errors import InvalidRequest, PentimentoError
from modules.web.ui.live_text import Words
from modules.web.ui.texts import Texts, language_of

logger = logging.getLogger(__name__)
_login: ContextVar[str | None] = ContextVar("login", default=None)


class Told(PentimentoError):
    """Something the person has to do first, as a text id with values."""

    def __init__(self, text_id: str, **values: object) -> None:
        self.text_id, self.values = text_id, values
        super().__init__(text_id)


def looked_at(shown: Sequence[Mapping[str, Any]], selected: int) -> Mapping[str, Any]:
    """The result of the gallery that is looked at.

    Raises:
        Told: There is none.
    """
    if not 0 <= selected < len(shown):
        raise Told("error.no_result")
    return shown[selected]


def explain(texts: Texts, language: str, error: BaseException, error_id: str | None = None) -> str:
    """One or two sentences about `error`; arguments as those of `words_about`."""
    words = words_about(texts, error, error_id)
    return words if isinstance(words, str) else words.say(texts, language)


def words_about(texts: Texts, error: BaseException, error_id: str | None = None) -> Words | str:
    """One or two sentences about `error`, in words that can be said in any language where it is one that the page knows.

    Args:
        error_id: Under which an unforeseen error stands in the log; made and logged here when left out.
    """
    if isinstance(error, Told):
        return Words(error.text_id, error.values)
    if isinstance(error, InvalidRequest):
        label_id = f"form.{error.field}"
        label = Words(label_id) if texts.has(label_id) else error.field
        if error.got is None:
            return Words("error.empty", {"field": label, "wanted": error.wanted})
        got = repr(error.got)
        return Words("error.field", {"field": label, "got": got if len(got) <= 60 else got[:57] + "...", "wanted": error.wanted})
    if isinstance(error, PentimentoError):
        return str(error)
    if error_id is None:
        error_id = uuid.uuid4().hex[:8]
        logger.error("page error %s", error_id, exc_info=error)
    return Words("error.unforeseen", {"id": error_id})


def current_login() -> str | None:
    """Who is logged in on the page whose event is being handled; None where no login is asked for."""
    return _login.get()


def guarded(texts: Texts, handler: Callable[..., Any]) -> Callable[..., Any]:
    """A Gradio event handler around `handler(language, *values)`; an error becomes a message and the page stays as it was."""

    def run(request: gr.Request, *values: Any) -> Any:
        language = language_of(request)
        _login.set(getattr(request, "username", None))  # every event runs in a context of its own
        try:
            return handler(language, *values)
        except Exception as error:
            gr.Warning(html.escape(explain(texts, language, error)), duration=9, title=texts.say(language, "error.title"))
            return gr.skip()

    run.__name__ = handler.__name__
    return run

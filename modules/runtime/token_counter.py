"""Counts the tokens of prompts, with the loaded model's tokenizer or else with CLIP's alone: no model is loaded for it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from modules.base.registry import load_dotted
from modules.plugins.callbacks import CALLBACKS
from modules.plugins.hook_arguments import BeforeTokenCounterParams


class BareEncoder:
    """What counting needs of a text encoder: its tokenizer.

    Args:
        tokenizer: A `backends.tokenizer.ClipTokenizer`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenize = tokenizer.tokenize
        self.start_token, self.end_token, self.comma_token = tokenizer.start, tokenizer.end, tokenizer.comma


class TokenCounter:
    """Counts for a session.

    Args:
        session: Its loaded model, options, embeddings and styles are asked.
        vocabulary: CLIP's `bpe_simple_vocab_16e6.txt.gz`.
    """

    def __init__(self, session: Any, vocabulary: Path) -> None:
        self._session, self._vocabulary = session, vocabulary
        self._lock = threading.Lock()
        self._bare: BareEncoder | None = None

    def count(self, prompt: str, negative_prompt: str, styles: list[str], steps: int) -> tuple[Any, Any]:
        """`TokenCount`s of prompt and negative prompt; the first call imports torch and takes seconds.

        Raises:
            MissingModel: The tokenizer's file is not there.
            InvalidRequest: A prompt is beyond what the engine allows.
        """
        model = self._session.pool.model
        encoder = model.text if model is not None else self._encoder()
        embeddings = self._session.embeddings.table(encoder) if model is not None else None
        make: Any = load_dotted("modules.pipeline.processing:Img2ImgProcessing")
        measure: Any = load_dotted("modules.pipeline.prompt_length:measure_prompts")
        positive = BeforeTokenCounterParams(prompt, steps, list(styles))
        negative = BeforeTokenCounterParams(negative_prompt, steps, list(styles), is_positive=False)
        for params in (positive, negative):
            CALLBACKS.call("on_before_token_counter", params)
        request = make(prompt=positive.prompt, negative_prompt=negative.prompt, styles=positive.styles, steps=positive.steps)
        counts: tuple[Any, Any] = measure(request, self._session.paths.styles, self._session.options.current, encoder, embeddings)
        return counts

    def _encoder(self) -> BareEncoder:
        with self._lock:
            if self._bare is None:
                make: Any = load_dotted("modules.backends.tokenizer:ClipTokenizer")
                self._bare = BareEncoder(make(self._vocabulary))
            return self._bare

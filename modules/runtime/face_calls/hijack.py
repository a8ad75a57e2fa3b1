"""`sd_hijack.model_hijack`: what scripts ask it about prompts and embeddings. There is nothing to hijack: models are ours."""

from __future__ import annotations

from typing import Any

from modules.base.errors import PentimentoError
from modules.base.registry import load_dotted
from modules.runtime.shared_objects import SHARED, loaded_model


class EmbeddingDatabase:
    """`model_hijack.embedding_db`: the textual inversions that prompts may name."""

    @property
    def word_embeddings(self) -> dict[str, Any]:
        """`EmbeddingInfo` by name, of those that the loaded model can use."""
        return {info.name: info for info in self._infos() if not self._problem(info)}

    @property
    def skipped_embeddings(self) -> dict[str, Any]:
        """The others."""
        return {info.name: info for info in self._infos() if self._problem(info)}

    @property
    def embedding_dirs(self) -> dict[str, Any]:
        return {str(folder): None for folder in (SHARED.paths.data / "embeddings", SHARED.paths.models / "embeddings")}

    def load_textual_inversion_embeddings(self, force_reload: bool = False, sync_with_sd_model: bool = True) -> None:
        """Look at the folders again."""
        SHARED.session.embeddings.scan()

    def add_embedding_dir(self, path: str) -> None:
        """Refused.

        Raises:
            PentimentoError: Always; it says what to do instead.
        """
        raise PentimentoError(f"embeddings are read from the folders embeddings and models/embeddings: link {path} there")

    def _infos(self) -> list[Any]:
        found: list[Any] = SHARED.session.embeddings.scan() if SHARED.is_bound else []
        return found

    @staticmethod
    def _problem(info: Any) -> str:
        problem_with: Any = load_dotted("modules.backends.embeddings.catalog:problem_with")
        model = loaded_model()
        return str(problem_with(info, model.text.width if model is not None else None))


class ModelHijack:
    """Attributes:
    embedding_db: See there.
    comments, extra_generation_params: Empty.
    """

    def __init__(self) -> None:
        self.embedding_db = EmbeddingDatabase()
        self.comments: list[str] = []
        self.extra_generation_params: dict[str, Any] = {}
        self.optimization_method = "torch"

    @property
    def clip(self) -> Any:
        """The loaded model's text encoder, or None."""
        model = loaded_model()
        return model.text if model is not None else None

    def get_prompt_lengths(self, text: str) -> tuple[int, int]:
        """(tokens, tokens that fit into the chunks that these take)."""
        count, _ = SHARED.session.tokens.count(text, "", [], 1)
        return int(count.tokens), int(count.room)

    def tokenize(self, text: str) -> tuple[Any, int]:
        """(None, number of tokens)."""
        return None, self.get_prompt_lengths(text)[0]

    def clear_comments(self) -> None:
        """Accepted."""

    def apply_optimizations(self, option: str | None = None) -> None:
        """Accepted: attention is computed by torch."""

    def undo_optimizations(self) -> None:
        """Accepted."""


MODEL_HIJACK = ModelHijack()

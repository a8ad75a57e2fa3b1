"""What A1111's scripts read, set and call on a request besides what the pipeline goes by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from modules.base.registry import load_dotted


def _no_cache() -> list[Any]:
    return [None, None]


@dataclass
class ScriptFields:
    """Fields of A1111's request that change nothing here, and methods that scripts call on a running one.

    Attributes:
        c, uc: Conditioning of the iteration in hand, as `sample` gets it.
        sampler: What `p.sample()` runs; made by `p.init()`.
        cached_c, cached_uc: Conditioning is kept under its own keys; scripts may set these freely.
        comments: What `comment` was told.
        main_prompt, main_negative_prompt: The first of the job, once prompts are listed.
        is_api, is_hr_pass, force_task_id, seed_enable_extras, do_not_reload_embeddings, ddim_discretize: Accepted.
    """

    seed_enable_extras: bool = True
    do_not_reload_embeddings: bool = False
    ddim_discretize: str | None = None
    force_task_id: str | None = None
    sampler_noise_scheduler_override: Any = None
    s_min_uncond_all: bool = False
    is_api: bool = field(default=False, repr=False)
    is_hr_pass: bool = field(default=False, repr=False)
    comments: dict[str, int] = field(default_factory=dict, repr=False)
    c: Any = field(default=None, repr=False)
    uc: Any = field(default=None, repr=False)
    sampler: Any = field(default=None, repr=False)
    cached_c: list[Any] = field(default_factory=_no_cache, repr=False)
    cached_uc: list[Any] = field(default_factory=_no_cache, repr=False)
    latents_after_sampling: list[Any] = field(default_factory=list, repr=False)
    pixels_after_sampling: list[Any] = field(default_factory=list, repr=False)
    modified_noise: Any = field(default=None, repr=False)

    def comment(self, text: str) -> None:
        """Tell the person something; shown with the result."""
        self.comments[text] = 1
        notes: list[str] = getattr(self, "notes", [])
        if text not in notes:
            notes.append(text)

    def setup_conds(self) -> None:
        """Encode `prompts` and `negative_prompts` of the iteration in hand into `c` and `uc`.

        Raises:
            RuntimeError: Called outside an iteration.
        """
        load_dotted("modules.pipeline.script_calls:encode_again")(self)  # type: ignore[operator]

    def get_conds(self) -> tuple[Any, Any]:
        """`c` and `uc`."""
        return self.c, self.uc

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """Tokens are never merged: 0."""
        return 0.0

    def clear_prompt_cache(self) -> None:
        """Forget `cached_c` and `cached_uc`."""
        self.cached_c, self.cached_uc = _no_cache(), _no_cache()

    def close(self) -> None:
        """Let go of what a run made: model, conditioning, latents."""
        self.c = self.uc = self.sampler = None
        self.clear_prompt_cache()
        for name in ("sd_model", "init_latent", "image_conditioning", "rng", "prepared", "encoded", "mask", "nmask"):
            if getattr(self, name, None) is not None:
                setattr(self, name, None)
        self.latents_after_sampling, self.pixels_after_sampling = [], []

    @property
    def main_prompt(self) -> str:
        return str((getattr(self, "all_prompts", None) or [getattr(self, "prompt", "")])[0])

    @property
    def main_negative_prompt(self) -> str:
        return str((getattr(self, "all_negative_prompts", None) or [getattr(self, "negative_prompt", "")])[0])

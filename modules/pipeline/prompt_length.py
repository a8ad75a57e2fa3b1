"""How long the prompts of a request become: with its styles, without comments and LoRA mentions, as a run would tokenise them."""

from __future__ import annotations

from pathlib import Path

from modules.engine.comfyui import prompts
from modules.engine.model import TextEncoder
from modules.engine.prompts.chunks import EmbeddingTable
from modules.engine.prompts.counting import TokenCount, count_tokens
from modules.pipeline.comments import strip_comments
from modules.pipeline.extra_networks import parse_prompt
from modules.pipeline.plan import COMFYUI
from modules.pipeline.processing import Img2ImgProcessing
from modules.pipeline.styles import apply_styles
from modules.settings.options import Options


def measure_prompts(
    p: Img2ImgProcessing, styles: Path, options: Options, encoder: TextEncoder, embeddings: EmbeddingTable | None = None
) -> tuple[TokenCount, TokenCount]:
    """Tokens of prompt and negative prompt.

    Args:
        p: Its prompts, styles and steps count.
        styles: `styles.csv`.
        encoder: Only its tokenizer is asked.

    Raises:
        InvalidRequest: A prompt is beyond what the engine allows.
    """
    fields = (("prompt", True), ("negative_prompt", False))
    lengths = []
    for (text, *_), (field, is_composable) in zip(apply_styles(p, styles, 1), fields, strict=True):
        plain = parse_prompt(strip_comments(text) if options.enable_prompt_comments else text)[0]
        if options.compat == COMFYUI:
            lengths.append(prompts.count_tokens(plain, encoder, embeddings, field))
            continue
        lengths.append(
            count_tokens(
                plain,
                encoder,
                steps=p.steps,
                is_composable=is_composable,
                emphasis=options.emphasis,
                use_old_scheduling=options.use_old_scheduling,
                comma_backtrack=options.comma_padding_backtrack,
                embeddings=embeddings,
            )
        )
    return lengths[0], lengths[1]

"""Where Gradio puts what is built: kept safe from what extensions leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gradio.context import Context


@contextmanager
def own_context(*, is_empty: bool = False) -> Iterator[None]:
    """Whatever happens within, the page under construction goes on where it was.

    Args:
        is_empty: There is no page within: a `gr.Blocks` made there stands for itself.
    """
    root, block = Context.root_block, Context.block
    if is_empty:
        Context.root_block = Context.block = None
    try:
        yield
    finally:
        Context.root_block, Context.block = root, block

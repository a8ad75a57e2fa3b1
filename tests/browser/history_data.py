"""A history with many entries and few pictures, in a data folder that a server will serve."""

from __future__ import annotations

import time
from pathlib import Path

from PIL import Image, ImageDraw

from modules.pipeline.modes import Mode
from modules.runtime.history.drafts import Draft, insert_entry
from modules.runtime.history.history import History
from modules.runtime.recipe import Recipe
from modules.runtime.store import AssetStore
from modules.settings.options import Options

PICTURES = 12
CHECKPOINT = "other.safetensors [0123456789]"
NOUNS = ("sunflowers", "castle", "harbour", "teapot", "forest", "lighthouse", "violin")


def fill_history(data: Path, count: int) -> None:
    """Write `count` entries, one a minute until now, as jobs of the page would.

    Entry n (from 0) has the prompt "NOUN no n", seed n, and is an inpaint if n is even; every tenth changed 5 px outside the mask.
    """
    store = AssetStore(data / "outputs" / "store")
    history = History(data / "outputs" / "history.sqlite", store, data, Options)
    pictures = [_make_pictures(store, shade) for shade in range(PICTURES)]
    with history._database.write() as connection:
        for number in range(count):
            start, mask, result = pictures[number % PICTURES]
            entry = insert_entry(connection, _draft(number, start, mask, result))
            connection.execute("UPDATE entries SET created_s = ? WHERE id = ?", (time.time() - 60 * (count - number), entry))
    history.close()


def _make_pictures(store: AssetStore, shade: int) -> tuple[str, str, str]:
    """A start picture, a mask and a result; their ids."""
    start = Image.new("RGB", (240, 180), (20 * shade, 120, 250 - 20 * shade))
    ImageDraw.Draw(start).ellipse((20 + 5 * shade, 20, 110, 110), fill=(240, 220, 60))
    mask = Image.new("L", start.size)
    ImageDraw.Draw(mask).rectangle((80, 60, 160, 120), fill=255)
    result = Image.composite(Image.new("RGB", start.size, (32, 160, 96)), start, mask)
    kept = store.add_picture(result, f"made of {shade}").id
    store.keep_thumbnail(kept, result)
    return store.add_picture(start).id, store.add_picture(mask).id, kept


def _draft(number: int, start: str, mask: str, result: str) -> Draft:
    mode = Mode.INPAINT if number % 2 == 0 else Mode.IMG2IMG
    prompt = f"{NOUNS[number % len(NOUNS)]} no {number}"
    fields = {
        "prompt": prompt, "negative_prompt": "rain", "steps": 7, "sampler_name": "DDIM", "scheduler": "Karras", "cfg_scale": 4.5,
        "denoising_strength": 0.35, "width": 240, "height": 176, "seed": number, "override_settings": {"sd_model_checkpoint": CHECKPOINT},
    }  # fmt: skip
    recipe = Recipe(mode, fields, start, mask if mode.has_mask else None)
    infotext = f"{prompt}\nNegative prompt: rain\nSteps: 7, Sampler: DDIM, Seed: {number}, Size: 240x176, Model: other"
    changed = (5 if number % 10 == 0 else 0) if mode.has_mask else None
    model = "other" if number % 3 else "pentimento-small-inpaint"
    return Draft(f"job-{number}", "page", recipe, prompt, "rain", model, number, 240, 180, infotext, result, None, changed)

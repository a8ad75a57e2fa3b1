"""Folders with a Qwen-Image-Layered model: finding them, and what is wrong with one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

INDEX = "model_index.json"
PIPELINE = "QwenImageLayeredPipeline"
PARTS = {
    "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
    "text_encoder": ("transformers", "Qwen2_5_VLForConditionalGeneration"),
    "tokenizer": ("transformers", "Qwen2Tokenizer"),
    "transformer": ("diffusers", "QwenImageTransformer2DModel"),
    "vae": ("diffusers", "AutoencoderKLQwenImage"),
}
"""Part to library and class. An index may name any class of any package, and loading imports it: nothing but these is let through."""
WEIGHTS = ("text_encoder", "transformer", "vae")


def find_folders(roots: Iterable[Path]) -> list[Path]:
    """Folders directly in `roots` (or a root itself) whose index says that they hold such a model, by name."""
    found = []
    for root in roots:
        folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
        found += [folder for folder in [root, *folders] if _read_index(folder).get("_class_name") == PIPELINE]
    return found


def fault_of(folder: Path) -> str:
    """What keeps a folder from being loaded, in words; "" = nothing."""
    index = _read_index(folder)
    if not index:
        return f"{folder.name}/{INDEX} is missing or damaged"
    if index.get("_class_name") != PIPELINE:
        return f"{folder.name} holds a {index.get('_class_name')}, not a {PIPELINE}"
    for part, named in PARTS.items():
        if index.get(part) != list(named):
            return f"{folder.name}/{INDEX} names {index.get(part)} as {part}; wanted: {list(named)}"
        if not (folder / part).is_dir():
            return f"{folder.name}/{part} is missing"
    for part in WEIGHTS:
        if not any((folder / part).glob("*.safetensors")):
            return f"{folder.name}/{part} has no *.safetensors file; other formats are not opened"
    return ""


def weight_bytes(folder: Path) -> int:
    """Size of all weights."""
    return sum(file.stat().st_size for part in WEIGHTS for file in (folder / part).glob("*.safetensors"))


def _read_index(folder: Path) -> dict[str, object]:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return index if isinstance(index, dict) else {}

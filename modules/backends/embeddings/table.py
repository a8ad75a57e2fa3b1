"""Names of textual inversions as token sequences, for one text encoder."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import torch

from modules.backends.embeddings.catalog import EmbeddingInfo
from modules.backends.embeddings.file import PICKLES, read_vectors
from modules.base.errors import UnusableNetwork
from modules.engine.model import TextEncoder
from modules.engine.prompts.chunks import Embedding

SHORT_HASH = 12


class TokenTable:
    """An `EmbeddingTable` of `engine.prompts.chunks`; vectors are read when a prompt first names them.

    Args:
        entries: Files that fit `encoder`; where names have the same tokens, the first one counts.
        encoder: Its tokenizer decides what is the same name: CLIP's knows no capitals.
        skipped: Why other names are not here.

    Attributes:
        signature: Names and contents of all files.
    """

    def __init__(self, entries: Sequence[EmbeddingInfo], encoder: TextEncoder, skipped: Mapping[str, str]) -> None:
        self.skipped = dict(skipped)
        self.signature: Hashable = tuple((entry.name, entry.sha256) for entry in entries)
        self._by_first: dict[int, list[tuple[list[int], EmbeddingInfo]]] = {}
        self._by_name = {entry.name: entry for entry in entries}
        self._read: dict[str, Embedding] = {}
        for entry in entries:
            tokens = encoder.tokenize(entry.name)
            if tokens:
                self._by_first.setdefault(tokens[0], []).append((tokens, entry))
        for named in self._by_first.values():
            named.sort(key=lambda item: -len(item[0]))

    def find(self, tokens: Sequence[int], position: int) -> tuple[Embedding, int] | None:
        """The embedding with the longest name among those that `tokens` spell at `position`, and how many tokens that name has.

        Raises:
            UnusableNetwork: Its file changed since it was listed.
        """
        for name, entry in self._by_first.get(tokens[position], ()):
            if list(tokens[position : position + len(name)]) == name:
                return self._embedding(entry), len(name)
        return None

    def named(self, name: str) -> Embedding | None:
        """The embedding of that file: "name", "name.safetensors" or "folder/name"; other capitals are taken where none agrees.

        Raises:
            UnusableNetwork: Its file changed since it was listed.
        """
        *folders, last = name.replace("\\", "/").split("/")
        stem = Path(last).stem if last.lower().endswith((".safetensors", *PICKLES)) else last
        alike = (entry for entry in self._by_name.values() if entry.name.casefold() == stem.casefold())
        entry = self._by_name.get(last) or self._by_name.get(stem) or next(alike, None)
        is_there = entry is not None and list(entry.path.parent.parts[-len(folders) :] if folders else ()) == folders
        return self._embedding(entry) if entry is not None and is_there else None

    def mentions_of_skipped(self, text: str) -> dict[str, str]:
        """Names in `text` that an unusable file has, with what is wrong with it."""
        lowered = text.lower()
        found = {name: reason for name, reason in self.skipped.items() if name.lower() in lowered}
        return {name: reason for name, reason in found.items() if re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", lowered)}

    def _embedding(self, entry: EmbeddingInfo) -> Embedding:
        if entry.name not in self._read:
            read = read_vectors(entry.path)
            if read.sha256 != entry.sha256:
                raise UnusableNetwork(f"embedding {entry.name!r} changed while the job ran; start it again")
            self._read[entry.name] = Embedding(entry.name, torch.from_numpy(read.values), entry.sha256[:SHORT_HASH])
        return self._read[entry.name]

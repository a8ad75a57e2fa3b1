"""CLIP's byte-pair tokenizer, built from its published list of merges; no hub, no cache folder.

References:
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021 (CLIP).
    Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", ACL 2016 (byte-pair encoding).
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from modules.base.errors import MissingModel

VOCABULARY_FILE = "tokenizer/bpe_simple_vocab_16e6.txt.gz"
START, END = "<|startoftext|>", "<|endoftext|>"
VOCABULARY_SIZE = 49408
_MERGES = VOCABULARY_SIZE - 2 * 256 - 2
_SPLIT = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_HOW_TO_GET = "run `python launch.py` once with a network connection: its set-up step fetches CLIP's vocabulary"


class ClipTokenizer:
    """Text to CLIP's token ids.

    Args:
        vocabulary: `bpe_simple_vocab_16e6.txt.gz`.

    Raises:
        MissingModel: The file is not there, or is not that vocabulary.
    """

    def __init__(self, vocabulary: Path) -> None:
        merges = _read_merges(vocabulary)
        letters = list(_byte_letters())
        words = [*letters, *(letter + "</w>" for letter in letters), *(first + second for first, second in merges), START, END]
        ids = {word: index for index, word in enumerate(words)}
        bpe = BPE(vocab=ids, merges=merges, continuing_subword_prefix="", end_of_word_suffix="</w>", unk_token=END)
        self._tokenizer = Tokenizer(bpe)
        self._tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        )
        split = pre_tokenizers.Split(Regex(_SPLIT), behavior="removed", invert=True)
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
        self._tokenizer.add_special_tokens([AddedToken(START, normalized=True), AddedToken(END, normalized=True)])
        self.start, self.end, self.comma = ids[START], ids[END], ids[",</w>"]

    def tokenize(self, text: str) -> list[int]:
        """Ids of `text`, without start and end, of any length."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def _read_merges(vocabulary: Path) -> list[tuple[str, str]]:
    if not vocabulary.is_file():
        raise MissingModel(f"{vocabulary.name} is missing in {vocabulary.parent}; {_HOW_TO_GET}")
    try:
        lines = gzip.decompress(vocabulary.read_bytes()).decode("utf-8").split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise MissingModel(f"{vocabulary.name} is damaged ({error}); delete it, then {_HOW_TO_GET}") from error
    pairs = [tuple(line.split()) for line in lines[1 : 1 + _MERGES]]
    merges = [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
    if len(merges) != _MERGES:
        raise MissingModel(f"{vocabulary.name} holds {len(merges)} merges, CLIP has {_MERGES}; delete it, then {_HOW_TO_GET}")
    return merges


def _byte_letters() -> str:
    """One printable letter a byte, in the order of CLIP's vocabulary: printable bytes first, then the others moved up by 256."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return "".join(chr(byte) for byte in printable) + "".join(chr(256 + index) for index in range(len(others)))

"""File names from patterns such as `[seed]-[prompt_spaces]`, with A1111's words and its way of sanitising."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from PIL import Image

MAX_PART_CHARS = 128
MAX_NAME_BYTES = 255  # of one path component, on every common file system
_FORBIDDEN = re.compile(r'[#<>:"/\\|?*\x00-\x1f]')
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
_PATTERN = re.compile(r"\[([^\[\]]+)\]")
_CALL = re.compile(r"([\w-]+)((?:<[^>]*>)*)$")
_WORDS = re.compile(r"[^\W_][\w'-]*|[\w'-]+")
_EXTRA_NETWORK = re.compile(r"<\w+:[^>]*>")


@dataclass(frozen=True)
class NameFacts:
    """What patterns can speak of; facts left at None make their pattern word vanish.

    Attributes:
        prompt: As sampled; `prompt_no_styles` takes `styles_free_prompt`.
        batch_number: Place in the batch, from 1; None for a picture made alone.
        generation_number: Place in the whole job, from 1.
        made_at: Time of saving; tests and batches may fix it.
        extra: Further words of scripts, used before the built-in ones.
    """

    seed: int | None = None
    prompt: str = ""
    negative_prompt: str = ""
    styles_free_prompt: str | None = None
    styles: tuple[str, ...] = ()
    steps: int | None = None
    cfg_scale: float | None = None
    width: int | None = None
    height: int | None = None
    sampler: str | None = None
    scheduler: str | None = None
    model_hash: str | None = None
    model_name: str | None = None
    vae_name: str | None = None
    denoising_strength: float | None = None
    clip_skip: int | None = None
    batch_number: int | None = None
    batch_size: int | None = None
    generation_number: int | None = None
    all_seeds: tuple[int, ...] = ()
    job_timestamp: str | None = None
    user: str | None = None
    max_prompt_words: int = 8
    made_at: datetime | None = None
    extra: dict[str, str] = field(default_factory=dict)


def sanitize_part(text: str, *, is_spaces_kept: bool = True, limit: int = MAX_PART_CHARS) -> str:
    """Make one path component of any text: forbidden signs become `_`, no leading space, no trailing dot or space.

    Returns:
        At most `limit` characters and 255 bytes of UTF-8; may be empty.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = text if is_spaces_kept else text.replace(" ", "_")
    text = "".join(character if character.isprintable() else "_" for character in _FORBIDDEN.sub("_", text))
    text = _cut(text.lstrip(" ")[:limit], MAX_NAME_BYTES - 1).rstrip(". ")
    return f"{text}_" if text.split(".")[0].upper() in _RESERVED else text


def expand_pattern(pattern: str, facts: NameFacts, image: Image.Image | None = None) -> str:
    """Replace the bracketed words of a pattern.

    Words that are unknown stay as they are, text between them too; `/` and `\\` outside brackets separate folders.

    Args:
        pattern: e.g. `[date]/[seed]`; words take arguments in `<>`: `[datetime<%Y%m%d><UTC>]`, `[prompt_hash<12>]`.
        facts: Values.
        image: For `[image_hash]`, and for `[width]`, `[height]` without facts.
    """
    return _PATTERN.sub(lambda found: _expand_word(found.group(1), found.group(0), facts, image), pattern)


def fit_name(stem: str, extension: str) -> str:
    """`stem.extension`, the stem cut so that the whole is at most 255 bytes of UTF-8."""
    room = MAX_NAME_BYTES - len(extension.encode()) - 1
    return f"{_cut(stem, room)}.{extension}"


def _cut(text: str, room: int) -> str:
    return text.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")


def _expand_word(word: str, whole: str, facts: NameFacts, image: Image.Image | None) -> str:
    call = _CALL.match(word)
    if call is None:
        return whole
    name, arguments = call.group(1).lower(), re.findall(r"<([^>]*)>", call.group(2))
    if name in facts.extra:
        return sanitize_part(facts.extra[name])
    special = _SPECIAL.get(name)
    if special is not None:
        return special(facts, arguments, image)
    if name not in _PLAIN:
        return whole
    value = _PLAIN[name](facts)
    return "" if value is None else sanitize_part(str(value), is_spaces_kept=name not in _UNDERSCORED)


def _styles_free(facts: NameFacts) -> str:
    return facts.prompt if facts.styles_free_prompt is None else facts.styles_free_prompt


def _first_words(facts: NameFacts) -> str:
    words = _WORDS.findall(_EXTRA_NETWORK.sub("", facts.prompt))
    return " ".join(words[: facts.max_prompt_words]) or "empty"


def _combined_sampler(facts: NameFacts) -> str | None:
    if facts.sampler is None or facts.scheduler in (None, "Automatic"):
        return facts.sampler
    return f"{facts.sampler} {facts.scheduler}"


_PLAIN: dict[str, Callable[[NameFacts], object]] = {
    "seed": lambda facts: facts.seed,
    "seed_first": lambda facts: facts.all_seeds[0] if facts.all_seeds else facts.seed,
    "seed_last": lambda facts: facts.all_seeds[-1] if facts.all_seeds else facts.seed,
    "steps": lambda facts: facts.steps,
    "cfg": lambda facts: facts.cfg_scale,
    "sampler": lambda facts: facts.sampler,
    "scheduler": lambda facts: facts.scheduler,
    "sampler_scheduler": _combined_sampler,
    "model_hash": lambda facts: facts.model_hash,
    "model_name": lambda facts: facts.model_name,
    "vae_filename": lambda facts: facts.vae_name or "NoneType",
    "denoising": lambda facts: facts.denoising_strength,
    "clip_skip": lambda facts: facts.clip_skip,
    "styles": lambda facts: ", ".join(facts.styles) or "None",
    "batch_size": lambda facts: facts.batch_size,
    "batch_number": lambda facts: facts.batch_number,
    "generation_number": lambda facts: facts.generation_number,
    "job_timestamp": lambda facts: facts.job_timestamp,
    "user": lambda facts: facts.user,
    "prompt": lambda facts: facts.prompt,
    "prompt_no_styles": _styles_free,
    "prompt_spaces": lambda facts: facts.prompt,
    "prompt_words": _first_words,
    "none": lambda facts: "",
}
_UNDERSCORED = {"prompt"}


def _moment(facts: NameFacts) -> datetime:
    return facts.made_at or datetime.now().astimezone()


def _date(facts: NameFacts, arguments: list[str], image: Image.Image | None) -> str:
    return _moment(facts).strftime("%Y-%m-%d")


def _datetime(facts: NameFacts, arguments: list[str], image: Image.Image | None) -> str:
    form = arguments[0] if arguments and arguments[0] else "%Y%m%d%H%M%S"
    moment = _moment(facts)
    with suppress(ZoneInfoNotFoundError, ValueError, OSError):  # an unknown zone is local time
        moment = moment.astimezone(ZoneInfo(arguments[1])) if len(arguments) > 1 else moment
    try:
        return sanitize_part(moment.strftime(form))
    except ValueError:
        return moment.strftime("%Y%m%d%H%M%S")


def _digest(data: bytes, arguments: list[str], length: int) -> str:
    wanted = arguments[0] if arguments else ""
    return hashlib.sha256(data).hexdigest()[: int(wanted) if wanted.isdigit() and int(wanted) else length]


def _image_hash(facts: NameFacts, arguments: list[str], image: Image.Image | None) -> str:
    return "" if image is None else _digest(image.tobytes(), arguments, 64)


def _has_prompt(facts: NameFacts, arguments: list[str], image: Image.Image | None) -> str:
    """`[hasprompt<cat|no cat><dog>]`: each word that the prompt holds, or its alternative."""
    prompt, out = facts.prompt.lower(), ""
    for argument in arguments:
        word, _, otherwise = argument.partition("|")
        out += word if word and word.lower() in prompt else otherwise
    return sanitize_part(out)


def _length(name: str, index: int) -> Callable[[NameFacts, list[str], Image.Image | None], str]:
    def expand(facts: NameFacts, arguments: list[str], image: Image.Image | None) -> str:
        value = getattr(facts, name)
        value = image.size[index] if value is None and image is not None else value
        return "" if value is None else str(value)

    return expand


_SPECIAL: dict[str, Callable[[NameFacts, list[str], Image.Image | None], str]] = {
    "width": _length("width", 0),
    "height": _length("height", 1),
    "date": _date,
    "datetime": _datetime,
    "prompt_hash": lambda facts, arguments, image: _digest(facts.prompt.encode("utf-8", "replace"), arguments, 8),
    "negative_prompt_hash": lambda facts, arguments, image: _digest(facts.negative_prompt.encode("utf-8", "replace"), arguments, 8),
    "full_prompt_hash": lambda facts, arguments, image: _digest(
        f"{facts.prompt} {facts.negative_prompt}".encode("utf-8", "replace"), arguments, 8
    ),
    "image_hash": _image_hash,
    "hasprompt": _has_prompt,
}

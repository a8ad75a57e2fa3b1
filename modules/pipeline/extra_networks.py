"""`<kind:name:numbers>` in prompts: taken out of the text, and given to who knows the kind; `lora` is known here.

A1111's rules: the text `<word:anything but ">">` leaves every prompt of a batch, the first prompt's are applied to all of it, negative
prompts are left alone.
"""

from __future__ import annotations

import logging
import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from modules.backends.loras.catalog import SHORT_HASH, LoraInfo
from modules.backends.loras.file import read_lora
from modules.base.errors import InvalidRequest, PentimentoError, UnusableNetwork
from modules.engine.lora.network import WeightedNetwork
from modules.pipeline.plan import COMFYUI
from modules.pipeline.processing import StableDiffusionProcessingImg2Img

log = logging.getLogger(__name__)
EXTRA_NETWORK = re.compile(r"<(\w+):([^>]+)>")
MOST_NETWORKS = 100
LARGEST_MULTIPLIER = 1000
ALIASES = {"lyco": "lora"}
KNOWN_ELSEWHERE = {"hypernet": "hypernetworks are not supported"}


@dataclass
class ExtraNetworkParams:
    """What stands between the kind and ">".

    Attributes:
        items: Everything between colons: "name", "0.8", "te=0.5".
        positional: Those without "=".
        named: Those with one "=".
    """

    items: list[str] = field(default_factory=list)
    positional: list[str] = field(init=False)
    named: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.positional = [item for item in self.items if item.count("=") != 1]
        self.named = {name: value for name, _, value in (item.partition("=") for item in self.items if item.count("=") == 1)}


ExtraNetworkData = dict[str, list[ExtraNetworkParams]]
"""Kind -> every mention, in order."""


class ExtraNetwork:
    """A kind that an extension adds with `register_extra_network`.

    Args:
        name: The word after "<".
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def activate(self, p: StableDiffusionProcessingImg2Img, params_list: list[ExtraNetworkParams]) -> None:
        """Called before each batch is painted, without mentions too, so that what the batch before it had can end."""
        raise NotImplementedError

    def deactivate(self, p: StableDiffusionProcessingImg2Img) -> None:
        """Called after the last batch of a job that had extra networks."""


EXTRA_NETWORKS: dict[str, ExtraNetwork] = {}
"""Kinds of extensions."""


def register_extra_network(network: ExtraNetwork) -> None:
    """Make a kind known; the last one of a name counts."""
    EXTRA_NETWORKS[network.name] = network


def parse_prompt(prompt: str) -> tuple[str, ExtraNetworkData]:
    """A prompt without its extra networks, and these; linear in the prompt's length."""
    data: ExtraNetworkData = defaultdict(list)

    def take(match: re.Match[str]) -> str:
        data[match[1]].append(ExtraNetworkParams(match[2].split(":")))
        return ""

    end = prompt.rfind(">") + 1  # without this, each of many "<a:" would look through the whole rest
    return EXTRA_NETWORK.sub(take, prompt[:end]) + prompt[end:], data


def parse_prompts(prompts: Sequence[str]) -> tuple[list[str], ExtraNetworkData]:
    """All prompts without extra networks, and those of the first one."""
    parsed = [parse_prompt(prompt) for prompt in prompts]
    return [text for text, _ in parsed], parsed[0][1] if parsed else defaultdict(list)


def activate(p: StableDiffusionProcessingImg2Img) -> None:
    """Apply exactly `p.extra_network_data` to the batch in hand; none, or `p.disable_extra_networks`, restores the model.

    Raises:
        InvalidRequest: A number cannot be read.
        UnusableNetwork: A file is damaged, refused, or does not fit the model.
    """
    if p.sd_model is None or p.context is None:
        raise RuntimeError("a model is loaded before extra networks are applied")
    if p.disable_extra_networks:
        p.sd_model.apply_networks(())
        return
    data = p.extra_network_data
    loras = [params for kind, listed in data.items() if ALIASES.get(kind, kind) == "lora" for params in listed]
    _activate_loras(p, loras)
    for kind, network in EXTRA_NETWORKS.items():
        _call(p, kind, partial(network.activate, p, list(data.get(kind, ()))))
    for kind in data:
        if kind not in EXTRA_NETWORKS and ALIASES.get(kind, kind) != "lora":
            _note(p, f"<{kind[:40]}:...> was left out: {KNOWN_ELSEWHERE.get(kind, 'nothing of this kind is known')}")


def deactivate(p: StableDiffusionProcessingImg2Img) -> None:
    """Tell the kinds of extensions that the job is over. LoRA files stay merged: the next job says what it wants."""
    if p.extra_network_data and not p.disable_extra_networks:
        for kind, network in EXTRA_NETWORKS.items():
            _call(p, kind, partial(network.deactivate, p))


def _call(p: StableDiffusionProcessingImg2Img, kind: str, call: Callable[[], None]) -> None:
    try:
        call()
    except PentimentoError:
        raise
    except Exception:  # a third party's fault must not cost the picture
        log.exception("extra network %r failed and was left out", kind)
        _note(p, f"<{kind}:...> was left out: it failed; the log says why")


def _activate_loras(p: StableDiffusionProcessingImg2Img, mentions: list[ExtraNetworkParams]) -> None:
    if p.sd_model is None or p.context is None:
        raise RuntimeError("a model is loaded before LoRA files are merged")
    mentions = _with_default(p, mentions)
    if len(mentions) > MOST_NETWORKS:
        raise InvalidRequest("prompt", f"{len(mentions)} LoRA mentions", f"at most {MOST_NETWORKS}")
    found = [(name, _find(p, name), numbers) for name, numbers in _read_numbers(mentions)]
    networks = [
        WeightedNetwork(read_lora(info.path, info.name, p.context.loras.memory), numbers.te, numbers.unet, numbers.dyn)
        for _, info, numbers in found
        if info is not None
    ]
    for note in p.sd_model.apply_networks(networks, halves_text=p.options.compat == COMFYUI):
        _note(p, note)
    if p.options.lora_add_hashes_to_infotext:
        hashes = {_plain(name): info.sha256()[:SHORT_HASH] for name, info, _ in found if info is not None}
        if hashes:
            p.extra_generation_params["Lora hashes"] = ", ".join(f"{name}: {digest}" for name, digest in hashes.items())


def _with_default(p: StableDiffusionProcessingImg2Img, mentions: list[ExtraNetworkParams]) -> list[ExtraNetworkParams]:
    """The option `sd_lora` adds its LoRA to every prompt that does not mention it."""
    name = p.options.sd_lora
    if name in ("", "None") or any(params.items[0] == name for params in mentions):
        return mentions
    added = [name, str(p.options.extra_networks_default_multiplier)]
    text = f"<lora:{':'.join(added)}>"
    if p.context is None or p.context.loras.find(name) is None:
        _note(p, f"the LoRA of the settings, {name!r}, is not there")
        return mentions
    p.all_prompts = [prompt if text in prompt else prompt + text for prompt in p.all_prompts]
    return [*mentions, ExtraNetworkParams(added)]


@dataclass(frozen=True)
class MergedLora:
    """A LoRA that takes part in the batch in hand.

    Attributes:
        file_name: Below its folder, with its suffix.
        te, unet: Strengths in text encoder and model.
    """

    file_name: str
    te: float
    unet: float


def read_loras(p: StableDiffusionProcessingImg2Img) -> list[MergedLora]:
    """The LoRA files that `p.extra_network_data` names and that are there, in order, each once with its summed strength."""
    if p.disable_extra_networks or p.context is None:
        return []
    mentions = [params for kind, listed in p.extra_network_data.items() if ALIASES.get(kind, kind) == "lora" for params in listed]
    merged = []
    for name, numbers in _read_numbers(_with_default(p, mentions)):
        info = p.context.loras.find(name)
        if info is not None:
            merged.append(MergedLora(f"{info.place}{info.path.suffix}", numbers.te, numbers.unet))
    return merged


@dataclass(frozen=True)
class _Numbers:
    te: float
    unet: float
    dyn: int | None


def _read_numbers(mentions: Sequence[ExtraNetworkParams]) -> list[tuple[str, _Numbers]]:
    """Name and multipliers of every mention.

    A name that is mentioned again has the last mention's multipliers at each place: A1111 loads a file once and keeps the numbers with it.
    """
    read = []
    for params in mentions:
        if not params.positional:
            raise InvalidRequest("prompt", f"<lora:{':'.join(params.items)}>", "a name, as in <lora:name:0.8>")
        te = _number(params, params.named.get("te", _at(params, 1, "1")))
        unet = _number(params, params.named["unet"] if "unet" in params.named else _at(params, 2, str(te)))
        dyn = params.named.get("dyn", _at(params, 3, ""))
        read.append((params.positional[0], _Numbers(te, unet, _rank(params, dyn))))
    last = dict(read)
    return [(name, last[name]) for name, _ in read]


def _at(params: ExtraNetworkParams, index: int, default: str) -> str:
    return params.positional[index] if len(params.positional) > index else default


def _number(params: ExtraNetworkParams, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidRequest("prompt", f"<lora:{':'.join(params.items)}>", f"a number where {text[:20]!r} stands")
    if abs(number) > LARGEST_MULTIPLIER:
        wanted = f"a multiplier from -{LARGEST_MULTIPLIER} to {LARGEST_MULTIPLIER} where {text[:20]!r} stands"
        raise InvalidRequest("prompt", f"<lora:{':'.join(params.items)}>", wanted)
    return number


def _rank(params: ExtraNetworkParams, text: str) -> int | None:
    if not text:
        return None
    if not text.strip().isdecimal() or len(text) > 9:
        raise InvalidRequest("prompt", f"<lora:{':'.join(params.items)}>", f"a whole number of ranks where {text[:20]!r} stands")
    return int(text)


def _find(p: StableDiffusionProcessingImg2Img, name: str) -> LoraInfo | None:
    """The file a prompt means; None, with a note, when there is none."""
    if p.context is None:
        raise RuntimeError("LoRA files are looked for inside a job")
    info = p.context.loras.find(name)
    if info is None:
        close = p.context.loras.close_matches(name)
        hint = f"; similar: {', '.join(close)}" if close else ""
        _note(p, f"found no LoRA named {name[:100]!r}, the picture was made without it{hint}")
        return None
    if info.is_pickle or info.problem:
        raise UnusableNetwork(f"LoRA {name[:100]!r} cannot be used: {info.path.name}: {info.problem}")
    return info


def _plain(name: str) -> str:
    """A name that cannot be mistaken for two entries of "Lora hashes"."""
    return name.replace(":", "").replace(",", "")


def _note(p: StableDiffusionProcessingImg2Img, note: str) -> None:
    if note not in p.notes:
        p.notes.append(note)

"""The decomposer `qwen-image-layered`: the model's layers, named, brought to the picture's own size, and exact."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from modules.backends.layered.folder import fault_of
from modules.backends.layered.request import RESOLUTIONS, LayeredRequest
from modules.backends.subject import SubjectNetwork
from modules.backends.text_reader import TextReader
from modules.base.errors import InvalidImage, MissingModel
from modules.imaging.lifting.lift import lift
from modules.imaging.lifting.upsampling import guide_upsampling, upsample_color
from modules.pipeline.layers.backend_settings import Setting, read_settings
from modules.pipeline.layers.builtin.naming import Namer
from modules.pipeline.layers.builtin.settling import Peeling, residual_of
from modules.pipeline.layers.decomposing import Decomposition, Interrupted, Pixels, Watch, check_picture
from modules.pipeline.layers.document import LayerKind, TextAttributes
from modules.pipeline.layers.qwen.naming import Meaning, tell_meanings

SETTINGS = (
    Setting("layers", 4, 1, 10),
    Setting("resolution", str(RESOLUTIONS[0]), choices=tuple(str(side) for side in RESOLUTIONS)),
    Setting("steps", 50, 1, 150),
    Setting("true_cfg_scale", 4.0, 1, 20),
    Setting("seed", 0, 0, 2**63 - 1),
    Setting("prompt", ""),
    Setting("negative_prompt", " "),
)
PAINTING = 0.9
"""Share of the time that the model takes."""
LEAST_ALPHA = 0.002
"""Mean alpha below which a layer is empty."""
SAME = 2.0
"""Mean difference of two layers, of 255 and premultiplied, below which one repeats the other."""


class Model(Protocol):
    """What is needed of `backends.layered.qwen.QwenLayered`."""

    def run(self, picture: Pixels, request: LayeredRequest, on_step: Any, is_interrupted: Any) -> list[Pixels] | None: ...


class QwenDecomposer:
    """Takes pictures apart by a model.

    Args:
        folder: With the weights; None = there is none.
        model: Of that folder.
        wanted: Where a folder with weights belongs, for the word that there is none.
        network, reader: Tell what the layers show.
    """

    name = "qwen-image-layered"
    settings = SETTINGS

    def __init__(self, folder: Path | None, model: Model | None, wanted: Path, network: SubjectNetwork, reader: TextReader) -> None:
        self._folder, self._model, self._wanted = folder, model, wanted
        self._network, self._reader = network, reader

    def why_not(self) -> str:
        if self._folder is None or self._model is None:
            return f"no weights: put the diffusers folder of Qwen-Image-Layered into {self._wanted.parent.name}/{self._wanted.name}"
        return fault_of(self._folder)

    def decompose(self, picture: Pixels, settings: Mapping[str, Any], watch: Watch) -> Decomposition:
        """See `Decomposer.decompose`.

        Raises:
            MissingModel, BrokenCheckpoint: The weights are not there, or cannot be loaded.
        """
        chosen = read_settings(SETTINGS, settings)
        check_picture(picture)
        if self._model is None or self.why_not():
            raise MissingModel(self.why_not())
        begun_s = time.perf_counter()
        request = LayeredRequest(**{**chosen, "resolution": int(chosen["resolution"])})
        watch.tell(0.0, "painting")

        def on_step(step: int, total: int) -> None:
            watch.tell(PAINTING * step / total, "painting")

        painted = self._model.run(picture, request, on_step, watch.is_interrupted)
        if painted is None or watch.is_interrupted():
            raise Interrupted("painting")
        painted_s = time.perf_counter()
        watch.tell(PAINTING, "settling")
        layers = drop_repeated(painted)
        meanings = tell_meanings(layers, self._standing_out(picture, layers), self._reader)
        peeling = _peel(picture, layers, meanings, watch)
        parts = peeling.finish(LayerKind.BACKGROUND, LayerKind.BACKGROUND.value, meanings[0].confidence if layers else 1.0)
        comes_apart = len(parts) > 1
        notes: list[Mapping[str, Any]] = [] if comes_apart else [{"key": "one_piece"}]
        if len(layers) < len(painted):
            notes.append({"key": "dropped", "layers": len(painted) - len(layers)})
        watch.tell(1.0, "settling")
        seconds = {"painting": painted_s - begun_s, "settling": time.perf_counter() - painted_s}
        return Decomposition(parts, comes_apart, tuple(notes), residual_of(parts, picture.shape[:2]), seconds)

    def _standing_out(self, picture: Pixels, layers: Sequence[Pixels]) -> Pixels | None:
        if not self._network.is_there or not layers:
            return None
        height, width = layers[0].shape[:2]
        return self._network.look(cv2.resize(picture[..., :3], (width, height), interpolation=cv2.INTER_AREA))


def drop_repeated(layers: Sequence[Pixels]) -> list[Pixels]:
    """The layers that show something, and not what the one before shows."""
    kept: list[Pixels] = []
    shown: list[np.ndarray] = []
    for layer in layers:
        alpha = layer[..., 3:].astype(np.float32) / 255
        if float(alpha.mean()) < LEAST_ALPHA:
            continue
        premultiplied = np.dstack([layer[..., :3] * alpha, layer[..., 3:]])
        if all(float(np.abs(premultiplied - other).mean()) >= SAME for other in shown):
            kept.append(layer)
            shown.append(premultiplied)
    return kept


def _peel(picture: Pixels, layers: Sequence[Pixels], meanings: Sequence[Meaning], watch: Watch) -> Peeling:
    """Lift the layers off the picture, the topmost first; the last is what is left."""
    peeling, namer = Peeling(picture), Namer()
    shape = picture.shape[:2]
    guide = np.ascontiguousarray(picture[..., :3])
    alphas = [guide_upsampling((layer[..., 3] / 255).astype(np.float32), guide) for layer in layers[1:]]
    colors = [upsample_color(layer, shape) for layer in layers]
    names = [namer.name(meaning.kind, " ".join(line.string for line in meaning.lines)) for meaning in meanings[1:]]
    for place in range(len(layers) - 1, 0, -1):
        if watch.is_interrupted():
            raise Interrupted("settling")
        alpha, meaning = alphas[place - 1], meanings[place]
        kind = LayerKind.OTHER if meaning.kind is LayerKind.BACKGROUND else meaning.kind
        behind = _compose(colors[:place], alphas[: place - 1])
        lifted = lift(peeling.left, alpha, colors[place], behind)
        text = _describe(meaning, lifted.pixels, layers[place].shape[:2])
        peeling.lift(kind, names[place - 1], lifted.pixels, lifted.below, confidence=meaning.confidence, text=text)
    return peeling


def _compose(colors: Sequence[Pixels], alphas: Sequence[np.ndarray]) -> Pixels:
    """(H, W, 3): layers over one another, the lowest filling the canvas."""
    canvas = colors[0].astype(np.float32)
    for color, alpha in zip(colors[1:], alphas, strict=True):
        canvas += alpha[..., None] * (color - canvas)
    return np.floor(canvas + 0.5).astype(np.uint8)


def _describe(meaning: Meaning, pixels: Pixels, painted: tuple[int, int]) -> TextAttributes | None:
    """What a text layer says, at the picture's size."""
    if meaning.kind is not LayerKind.TEXT:
        return None
    ink = pixels[pixels[..., 3] > 200][:, :3]
    color = "#{:02x}{:02x}{:02x}".format(*np.median(ink, axis=0).astype(int)) if len(ink) else "#000000"
    grown = pixels.shape[0] / painted[0]
    heights = [line.height_px for line in meaning.lines]
    angle = float(np.median([line.angle_deg for line in meaning.lines]))
    return TextAttributes(
        "\n".join(line.string for line in meaning.lines), size_px=float(np.median(heights)) * grown, color=color, angle_deg=angle
    )

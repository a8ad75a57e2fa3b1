"""A result beside what it came from: both pictures by id, and what changed between them, in numbers and as a heat map.

What needs OpenCV is loaded when something is compared.
"""

from __future__ import annotations

import io
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops

from modules.base.registry import load_dotted
from modules.runtime.recipe import Recipe, build_request
from modules.runtime.store import AssetStore
from modules.settings.options import Options

if TYPE_CHECKING:
    from modules.imaging.heat_map import Changes

KEPT_COMPARISONS = 256
KEPT_HEAT_MAPS = 24


@dataclass(frozen=True)
class Comparison:
    """What can be said of a result.

    Attributes:
        result, start: Asset ids of pictures of one size; the start is the canvas that the result was laid into.
        mask: Asset id of the blurred mask (L, same size); None = everything was to be repainted.
        width, height: Of all of them, px.
        changes: Inside and outside the mask.
        seam: Score of the mask's contour, see `imaging.seams`; None where there is none.
    """

    result: str
    start: str
    mask: str | None
    width: int
    height: int
    changes: Changes
    seam: float | None


class Comparer:
    """Compares results with their recipes' start pictures, and remembers what it found.

    Args:
        store: Has the pictures; canvases and masks that are not in it yet are added.
        options: Gives the options in force.
    """

    def __init__(self, store: AssetStore, options: Callable[[], Options]) -> None:
        self._store, self._options, self._lock = store, options, threading.Lock()
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._drawn: OrderedDict[Hashable, bytes] = OrderedDict()

    def compare(self, recipe: Recipe, result: str) -> Comparison | None:
        """A result beside its start; None where they cannot be laid over each other, because a script gave the result another size.

        Raises:
            UnknownAsset: A picture is gone.
            InvalidRequest: The recipe cannot be run.
        """
        key = (json.dumps(recipe.as_json(), sort_keys=True, default=str), result)
        return self._remember(self._found, key, KEPT_COMPARISONS, lambda: self._compare(recipe, result))

    def heat_map(self, start: str, result: str, mask: str | None) -> bytes:
        """What changed between two pictures, as a PNG with alpha to lay over the result.

        Raises:
            UnknownAsset: A picture is gone.
            ValueError: Their sizes differ.
        """
        return self._remember(self._drawn, (start, result, mask), KEPT_HEAT_MAPS, lambda: self._draw(start, result, mask))

    def _remember(self, kept: OrderedDict[Hashable, Any], key: Hashable, capacity: int, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
        made = make()
        with self._lock:
            kept[key] = made
            while len(kept) > capacity:
                kept.popitem(last=False)
        return made

    def _compare(self, recipe: Recipe, result: str) -> Comparison | None:
        find_start: Any = load_dotted("modules.pipeline.start_canvas:find_start")
        measure_changes: Any = load_dotted("modules.imaging.heat_map:measure_changes")
        score_seam: Any = load_dotted("modules.imaging.seams:score_seam")
        options = self._options()
        request, shown = build_request(recipe, self._store, options=options), self._store.open(result).image
        start = find_start(request, options)
        if start.canvas.size != shown.size:
            return None
        return Comparison(
            result,
            self._keep_canvas(recipe, start.canvas),
            None if start.mask is None else self._store.add_picture(start.mask).id,
            *shown.size,
            measure_changes(start.canvas, shown, start.mask),
            None if start.mask is None else score_seam(shown.convert("RGB"), start.mask),
        )

    def _keep_canvas(self, recipe: Recipe, canvas: Image.Image) -> str:
        """The picture that was opened, where the canvas is just that."""
        if recipe.picture is not None:
            opened = self._store.open(recipe.picture).image
            if (opened.mode, opened.size) == (canvas.mode, canvas.size) and ImageChops.difference(opened, canvas).getbbox() is None:
                return recipe.picture
        return self._store.add_picture(canvas).id

    def _draw(self, start: str, result: str, mask: str | None) -> bytes:
        draw_heat_map: Any = load_dotted("modules.imaging.heat_map:draw_heat_map")
        before, after = (self._store.open(asset_id).image for asset_id in (start, result))
        encoded = io.BytesIO()
        drawn = draw_heat_map(before, after, None if mask is None else self._store.open(mask).image.convert("L"))
        drawn.save(encoded, "PNG", compress_level=3)
        return encoded.getvalue()

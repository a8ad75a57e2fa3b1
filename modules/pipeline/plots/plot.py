"""A run for every combination of values on three axes, and the grids of what they made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from modules.base.checks import to_choice
from modules.base.errors import InvalidRequest, PentimentoError
from modules.imaging.grid import choose_rows, make_grid
from modules.imaging.grid_legend import GridAnnotation, draw_grid_annotations
from modules.pipeline.plan import resolve_seed
from modules.pipeline.plots.axes import NOTHING
from modules.pipeline.plots.axis_values import join_list, read_values, split_list
from modules.pipeline.plots.rehearsal import copy_request, rehearse
from modules.pipeline.plots.sheet import MISSING, cell_size, check_sheet
from modules.pipeline.processed import Processed
from modules.pipeline.run import process_images
from modules.pipeline.script_calls import create_infotext

SEEDS = ("Seed", "Var. seed")
MAX_CELLS = 10_000
Place = tuple[int, int, int]
"""Which value of X, Y and Z."""


@dataclass
class Axis:
    """One axis of a plot.

    Attributes:
        name: "X", "Y" or "Z".
        option: An `AxisOption`, or what an extension offers for one.
        values: What `option.apply` gets; at least one.
        written: The values as the infotext tells them.
        is_fixed: Whether random seeds among them were drawn, once for all.
    """

    name: str
    option: Any
    values: list[Any]
    written: str = ""
    is_fixed: bool = False

    @property
    def is_used(self) -> bool:
        return bool(self.option.label != NOTHING)

    def note(self, keys: dict[str, Any]) -> None:
        """Add what the infotext of a grid says of this axis."""
        if self.is_used:
            keys |= {f"{self.name} Type": self.option.label, f"{self.name} Values": self.written}
        if self.is_fixed:
            keys[f"Fixed {self.name} Values"] = ", ".join(str(value) for value in self.values)

    def legend(self, p: Any, *, has_legend: bool = True) -> list[list[GridAnnotation]]:
        """A label for each value, an empty one without `has_legend`."""
        return [[GridAnnotation(self.option.format_value(p, self.option, value) if has_legend else "")] for value in self.values]


def read_axis(
    name: str, options: Sequence[Any], kind: Any, text: Any, picked: Any, *, csv_mode: bool = False, keeps_random: bool = False
) -> Axis:
    """An axis as a person set it.

    Args:
        name: "X", "Y" or "Z".
        options: All that there are.
        kind: The option's label, or its number in `options`.
        text, picked: Its values as text, and those picked from its choices (a list, or text like `text`).
        csv_mode: Go by the text even where there are choices.
        keeps_random: Leave a seed of -1 to each run.

    Raises:
        InvalidRequest: There is no such option, or a value cannot be read.
    """
    labels = [option.label for option in options]
    option = options[labels.index(to_choice(f"{name} type", kind, labels))]
    if option.label == NOTHING:
        return Axis(name, option, [0])
    text, picked = str(text or ""), split_list(picked) if isinstance(picked, str) else picked or []
    if not isinstance(picked, list | tuple):
        raise InvalidRequest(f"{name} values", picked, "a list of values, or text with commas between them")
    is_picked = option.choices is not None and not csv_mode and bool(picked)
    parts = picked if is_picked else option.prepare(text) if option.prepare else split_list(text)
    if option.choices is not None:
        spelled = {str(choice).casefold(): choice for choice in option.choices()}
        parts = [spelled.get(str(part).casefold(), part) for part in parts]
    values = read_values(f"{name} values", parts, option.type)
    if not values:
        raise InvalidRequest(f"{name} values", text, f"values for {option.label}, with commas between them")
    is_fixed = option.label in SEEDS and not keeps_random
    values = [resolve_seed(value) for value in values] if is_fixed else values
    return Axis(name, option, values, join_list(picked) if is_picked else text, is_fixed)


class Plot:
    """All runs of a plot.

    Args:
        p: The request that every run begins with.
        axes: X, Y and Z.
        varies: Whether seeds grow along each of them.
        title: Of the script, for infotext.

    Attributes:
        made: What runs gave, by place; without those that failed or were not reached.
        infotexts: Of each sheet by its place on Z, and of all together under None.
    """

    def __init__(self, p: Any, axes: Sequence[Axis], varies: Sequence[bool], title: str) -> None:
        self._p, self._axes, self._varies, self._title = p, axes, varies, title
        self._counts = [len(axis.values) for axis in axes]
        self.made: dict[Place, Processed] = {}
        self.infotexts: dict[int | None, str] = {}

    def places(self) -> Iterator[Place]:
        """In the order in which models are loaded least often: the dearest axis outside, else Z, Y, X."""
        order = sorted((2, 1, 0), key=lambda axis: -self._axes[axis].option.cost)
        for numbers in itertools.product(*(range(self._counts[axis]) for axis in order)):
            place = dict(zip(order, numbers, strict=True))
            yield place[0], place[1], place[2]

    def request(self, place: Place, only: Collection[Any] | None = None) -> Any:
        """The run at `place`; `only` these options are applied."""
        p = copy_request(self._p)
        for axis, number in zip(self._axes, place, strict=True):
            if only is None or axis.option in only:
                axis.option.apply(p, axis.values[number], axis.values)
        stride = 1
        for number, count, is_varied in zip(place, self._counts, self._varies, strict=True):
            p.seed += number * stride if is_varied else 0
            stride *= count if is_varied else 1
        return p

    def check(self, own: Collection[Any], margin: int) -> list[float]:
        """See that all runs can be made, before the first one is.

        Args:
            own: Options that can be tried without a run; those of extensions may do more than change the request.
            margin: Between cells, px.

        Returns:
            What each iteration of all runs costs (`rehearse`).

        Raises:
            InvalidRequest: A value cannot be used, or there are too many of them for one grid.
        """
        columns, rows, sheets = self._counts
        if columns * rows * sheets > MAX_CELLS:
            raise InvalidRequest("X, Y and Z values", f"{columns}x{rows}x{sheets} pictures", f"at most {MAX_CELLS}")
        for axis in self._axes:
            if axis.option.confirm is not None:
                axis.option.confirm(self._p, axis.values)
        costs, largest = list[float](), self._p
        for place in self.places():
            p = self.request(place, own)
            costs += [rehearse(p)] * p.n_iter
            largest = max(largest, p, key=lambda run: cell_size(run)[0] * cell_size(run)[1])
        check_sheet(largest, columns, rows, sheets * self._p.batch_size * self._p.n_iter, margin)
        return costs

    def run(self, tell: Callable[[int, int], None]) -> None:
        """Make the pictures, until somebody interrupts; a run that fails leaves its cell empty and a note.

        Args:
            tell: (number of the run from 1, of so many): called before each.

        Raises:
            Exception: What the first run raised, where none gave a picture.
        """
        failures: list[Exception] = []
        for number, place in enumerate(self.places(), 1):
            if self._p.context.is_interrupted():
                break
            tell(number, self._counts[0] * self._counts[1] * self._counts[2])
            p = self.request(place)
            try:
                processed = process_images(p)
            except Exception as error:  # the other cells are worth having
                failures.append(error)
                self._note(place, error)
                continue
            if processed.pictures:
                self.made[place] = processed
                self._describe(p, place)
        if failures and not self.made:
            raise failures[0]

    def _note(self, place: Place, error: Exception) -> None:
        used = [(axis, number) for axis, number in zip(self._axes, place, strict=True) if axis.is_used]
        where = ", ".join(f"{axis.option.label} {axis.values[number]}" for axis, number in used)
        reason = str(error) if isinstance(error, PentimentoError) else f"{type(error).__name__}: {error}"
        self._p.notes.append(f"{self._title}: no picture for {where}: {reason}")

    def _describe(self, p: Any, place: Place) -> None:
        """Keep the infotexts of grids that have this run's picture in their first place, or in the first one that was made."""
        for key, axes in ((place[2], self._axes[:2]), (None, self._axes)):
            if key not in self.infotexts or not any(place[: len(axes)]):
                shown = copy_request(p)
                shown.extra_generation_params["Script"] = self._title
                for axis in axes:
                    axis.note(shown.extra_generation_params)
                self.infotexts[key] = create_infotext(shown)

    def joined(self) -> Processed:
        """The pictures in the order X, Y, Z, with all that is known of each."""
        return Processed.joined(self._p, [self.made[place] for place in sorted(self.made, key=lambda place: place[::-1])])

    def grids(self, *, has_legend: bool, margin: int, is_split: bool) -> list[tuple[Image.Image, str]]:
        """The grid of all pictures with its infotext, then, if there are several, those of each value of Z where `is_split`."""
        if not self.made:
            return []
        sheets = self._sheets(has_legend=has_legend, margin=margin)
        depth = self._axes[2]
        if len(depth.values) == 1 and not depth.is_used:
            return [(sheets[0][0], self.infotexts[None])]
        whole = make_grid([sheet for sheet, _ in sheets], 1)
        if has_legend:
            labels = [depth.legend(self._p)[z] for z in sorted({place[2] for place in self.made})]
            whole = draw_grid_annotations(whole, *sheets[0][0].size, labels, [[]])
        return [(whole, self.infotexts[None]), *(sheets if is_split else [])]

    def _sheets(self, *, has_legend: bool, margin: int) -> list[tuple[Image.Image, str]]:
        """A grid and its infotext for each value of Z of which there are pictures."""
        cells = {place: _show_all(processed) for place, processed in self.made.items()}
        size = max(cell.width for cell in cells.values()), max(cell.height for cell in cells.values())
        empty, drawn = Image.new("RGB", size, MISSING), []
        for z in sorted({place[2] for place in cells}):
            listed = [cells.get((x, y, z), empty) for y in range(self._counts[1]) for x in range(self._counts[0])]
            sheet = make_grid(listed, self._counts[1])
            if has_legend or margin:
                above, beside = (axis.legend(self._p, has_legend=has_legend) for axis in self._axes[:2])
                sheet = draw_grid_annotations(sheet, *size, above, beside, margin)
            drawn.append((sheet, self.infotexts[z]))
        return drawn


def _show_all(processed: Processed) -> Image.Image:
    """The picture of a run, or a contact sheet of its pictures."""
    pictures = processed.pictures
    return pictures[0] if len(pictures) == 1 else make_grid(pictures, choose_rows(len(pictures), batch_size=processed.batch_size))

"""Scripts that work on finished pictures, whatever made them: upscaling, cropping, what third parties bring."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from modules.base.errors import InvalidRequest, PentimentoError
from modules.plugins.controls import Control

logger = logging.getLogger(__name__)


@dataclass
class PostprocessedImageSharedInfo:
    """What scripts tell each other of a picture; A1111's name.

    Attributes:
        target_width, target_height: Size that the picture will have, px; None = nobody has said.
    """

    target_width: int | None = None
    target_height: int | None = None


class PostprocessedImage:
    """One picture on its way through the scripts; A1111's names.

    Attributes:
        image: RGB or RGBA; a script replaces it.
        info: What was done, key by key, for the infotext.
        shared: The same for all pictures that come of one.
        extra_images: Further results: pictures, or `create_copy`s of this.
        nametags: Parts of the file name that tell copies apart.
        disable_processing: Later scripts leave it alone.
        caption: Text that is saved beside it; None = none.
    """

    def __init__(self, image: Image.Image) -> None:
        self.image = image
        self.info: dict[str, Any] = {}
        self.shared = PostprocessedImageSharedInfo()
        self.extra_images: list[Any] = []
        self.nametags: list[str] = []
        self.disable_processing = False
        self.caption: str | None = None

    def get_suffix(self, used_suffixes: dict[str, int] | None = None) -> str:
        """What the file name ends with, such as "-flipped"; numbered when `used_suffixes`, which is added to, has it already."""
        used = {} if used_suffixes is None else used_suffixes
        suffix = "".join(f"-{tag}" for tag in self.nametags)
        numbered = (f"{suffix}-{number}" for number in range(1, len(used) + 2))
        free = suffix if suffix not in used else next(name for name in numbered if name not in used)
        used[free] = 1
        return free

    def create_copy(self, new_image: Image.Image, *, nametags: Sequence[str] | None = None, disable_processing: bool = False) -> Any:
        """Another picture with the same history, to be put into `extra_images`."""
        copy = PostprocessedImage(new_image)
        copy.shared, copy.info = self.shared, dict(self.info)
        copy.nametags = [*self.nametags, *(nametags or ())]
        copy.disable_processing = disable_processing
        return copy


class ScriptPostprocessing:
    """A step of post-processing; a file in a folder `scripts` that defines a subclass takes part.

    Attributes:
        name: Title, and the key of its values in requests; must be set.
        order: Those with smaller numbers come first.
        filename: The file it came from.
        controls: What `ui` gave, on the page last built.
        control_values: The controls as plain data, by argument name.
        args_from, args_to: Where its values lie in a list of all values.
        extra_only, main_ui_only: True = for the Extras tab alone, or never there.
        group: What the page lays the controls into.
    """

    name: str | None = None
    order: float = 1000
    filename: str | None = None
    controls: Mapping[str, Any] | None = None
    control_values: Mapping[str, Control] = {}
    args_from: int = 0
    args_to: int = 0
    extra_only: bool | None = None
    main_ui_only: bool | None = None
    group: Any = None

    def ui(self) -> dict[str, Any]:
        """Build controls; returns them by the names of the arguments that `process` gets."""
        return {}

    def process(self, pp: PostprocessedImage, **args: Any) -> None:
        """Change `pp.image`, or add to `pp.extra_images`."""

    def process_firstpass(self, pp: PostprocessedImage, **args: Any) -> None:
        """Called on all scripts before `process` is on any; changes nothing but `pp.shared`."""

    def image_changed(self) -> None:
        """Another picture was put into the tab: forget what belongs to the last one."""


class ScriptPostprocessingRunner:
    """Post-processing scripts in the order in which they run; A1111's names.

    A list of all scripts' values has each script's at `args_from` to `args_to`.

    Args:
        scripts: Those that can be used.
        order: Names that come first, in this order; asked for at every run.
        left_out: Names of those that do not take part; likewise.
    """

    def __init__(
        self,
        scripts: Sequence[ScriptPostprocessing] = (),
        order: Callable[[], Sequence[str]] = tuple,
        left_out: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.scripts, self._order, self._left_out = list(scripts), order, left_out
        count = 0
        for script in self.scripts:
            script.args_from, script.args_to = count, count + len(script.control_values)
            count = script.args_to

    def scripts_in_preferred_order(self) -> list[ScriptPostprocessing]:
        """First those that are named so, then by `order` and name."""
        named, left_out = list(self._order()), set(self._left_out())
        places = {name: place for place, name in enumerate(named)}
        taking_part = [script for script in self.scripts if script.name not in left_out]
        return sorted(taking_part, key=lambda script: (places.get(str(script.name), len(named)), script.order, str(script.name)))

    def default_args(self) -> list[Any]:
        """The values that all controls start with."""
        return [control.start for script in self.scripts for control in script.control_values.values()]

    def create_args_for_run(self, scripts_args: Mapping[str, Mapping[str, Any]]) -> list[Any]:
        """A list of values for a request that names scripts, and gives some or all of their values by argument name.

        What a request does not say has its start value; in scripts that it does not name switches are off, so that nothing is done that
        nobody asked for.

        Raises:
            InvalidRequest: A script or an argument is unknown.
        """
        known = {str(script.name): script for script in self.scripts}
        for name in scripts_args:
            if name not in known:
                raise InvalidRequest("postprocessing", name, "one of " + (", ".join(known) or "(none: the program runs without scripts)"))
            unknown = scripts_args[name].keys() - known[name].control_values.keys()
            if unknown:
                wanted = "of " + ", ".join(known[name].control_values)
                raise InvalidRequest(f"postprocessing[{name!r}]", ", ".join(sorted(unknown)), wanted)
        return [value for script in self.scripts for value in _values(script, scripts_args.get(str(script.name)))]

    def name_args(self, args: Sequence[Any]) -> dict[str, dict[str, Any]]:
        """The values of every script by its name, by argument name."""
        return {str(script.name): self._of(script, args) for script in self.scripts}

    def image_changed(self) -> None:
        """Tell all scripts that there is another picture."""
        for script in self.scripts:
            _call(script, "image_changed", [])

    def run(
        self,
        pp: PostprocessedImage,
        args: Sequence[Any],
        *,
        is_stopped: Callable[[], bool] = lambda: False,
        tell: Callable[[str], object] = str,
    ) -> list[str]:
        """Let every script work on the picture, and on those that scripts before it made of it; these are in `pp.extra_images` afterwards.

        A script that raises, or leaves something that is no picture, is named, logged and skipped.

        Args:
            args: Values of all scripts' controls.
            is_stopped: Asked before each script; no further one runs then.
            tell: Is told each script's name before it runs.

        Returns:
            One sentence for each script that failed.

        Raises:
            PentimentoError: What a script wants the person to know: a value that cannot be used, say.
            MemoryError, torch.OutOfMemoryError: As they are.
        """
        notes: list[str] = []
        steps = [(script, self._of(script, args)) for script in self.scripts_in_preferred_order()]
        for script, values in steps:
            _call(script, "process_firstpass", notes, pp, **values)
        pictures = [pp]
        for script, values in steps:
            if is_stopped():
                break
            tell(str(script.name))
            for picture in list(pictures):
                if not picture.disable_processing:
                    _process(script, picture, values, notes)
                pictures += _take_extras(script, picture, notes)
        pp.extra_images = pictures[1:]
        return list(dict.fromkeys(notes))

    @staticmethod
    def _of(script: ScriptPostprocessing, args: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(script.control_values, args[script.args_from : script.args_to], strict=False))


def _values(script: ScriptPostprocessing, named: Mapping[str, Any] | None) -> Iterator[Any]:
    for name, control in script.control_values.items():
        is_off = named is None and isinstance(control.value, bool)
        yield False if is_off else (named or {}).get(name, control.start)


def _process(script: ScriptPostprocessing, picture: PostprocessedImage, values: Mapping[str, Any], notes: list[str]) -> None:
    before, info = picture.image, dict(picture.info)
    is_done = _call(script, "process", notes, picture, **values)
    if is_done and not isinstance(picture.image, Image.Image):
        is_done = False
        notes.append(f"Script {script.name} failed and was skipped: it left {type(picture.image).__name__}, which is no picture")
    if not is_done or not isinstance(picture.info, dict):
        picture.image, picture.info = before, info


def _take_extras(script: ScriptPostprocessing, picture: PostprocessedImage, notes: list[str]) -> list[PostprocessedImage]:
    """Further pictures that a script made, each as one of its own; what is none is left out."""
    given, picture.extra_images = picture.extra_images, []
    taken = []
    for extra in given if isinstance(given, list) else [given]:
        made = extra if isinstance(extra, PostprocessedImage) else picture.create_copy(extra)
        if isinstance(made.image, Image.Image):
            taken.append(made)
        else:
            notes.append(f"Script {script.name} gave {type(made.image).__name__} as a picture; it was left out")
    return taken


def _call(script: ScriptPostprocessing, method: str, notes: list[str], *positional: Any, **named: Any) -> bool:
    """Whether the script came to the end of a method of its own."""
    try:
        getattr(script, method)(*positional, **named)
        return True
    except BaseException as error:  # a third party's fault must not cost the picture
        if isinstance(error, PentimentoError | MemoryError) or type(error).__name__ == "OutOfMemoryError":
            raise
        logger.error("post-processing script %r failed in %s and was skipped", script.name, method, exc_info=error)
        notes.append(f"Script {script.name} failed in {method} and was skipped: {type(error).__name__}: {error}")
        return False

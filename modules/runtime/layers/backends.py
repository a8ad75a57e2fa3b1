"""Which backends take pictures apart here; heavy ones are loaded by dotted name when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.base.errors import MissingModel, UnknownName
from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.runtime.layers.refining import Refiner
from modules.runtime.mask_work import SUBJECT_FILE
from modules.settings.flags import Flags

BUILT_IN, QWEN = "built-in", "qwen-image-layered"
LAYERED = "Layered"
"""Below a models folder: where weights of layered models are."""


@dataclass(frozen=True)
class LayerBackends:
    """By name, each made once.

    Attributes:
        makers: Name to what makes it: a `pipeline.layers.decomposing.Decomposer` with `settings`.
    """

    makers: dict[str, Callable[[], Any]]

    @property
    def names(self) -> list[str]:
        return list(self.makers)

    def get(self, name: str) -> Any:
        """The backend of that name.

        Raises:
            UnknownName: There is none.
        """
        if name not in self.makers:
            raise UnknownName("backend", name, self.names)
        return self.makers[name]()

    def usable(self, name: str) -> Any:
        """The same, if it can be used here.

        Raises:
            MissingModel: It cannot; the words say what to do.
        """
        backend = self.get(name)
        reason = backend.why_not()
        if reason:
            raise MissingModel(f"{name} cannot be used: {reason}")
        return backend

    def describe(self) -> list[dict[str, Any]]:
        """For people who choose: name, why_not, settings."""
        backends = [self.get(name) for name in self.names]
        return [
            {"name": backend.name, "why_not": backend.why_not(), "settings": [setting.as_json() for setting in backend.settings]}
            for backend in backends
        ]


def make_backends(paths: Paths, flags: Flags, refiner: Refiner) -> LayerBackends:
    """Those of this installation."""
    return LayerBackends({BUILT_IN: _once(lambda: _make_builtin(paths, refiner)), QWEN: lambda: _make_qwen(paths, flags)})


def subject_network(paths: Paths) -> Any:
    """`backends.subject.SubjectNetwork` of this installation."""
    files = [folder / SUBJECT_FILE for folder in (paths.models, paths.builtin_models)]
    make: Any = load_dotted("modules.backends.subject:SubjectNetwork")
    return make(next((file for file in files if file.is_file()), files[0]))


class LazyModel:
    """A layered model that is loaded with the first picture; asking what there is to choose from must not need torch.

    Args:
        make: Gives `backends.layered.qwen.QwenLayered`.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = _once(make)

    def run(self, *values: Any, **named: Any) -> Any:
        """See `QwenLayered.run`."""
        return self._make().run(*values, **named)


_MODELS: dict[Path, LazyModel] = {}


def _make_builtin(paths: Paths, refiner: Refiner) -> Any:
    make: Any = load_dotted("modules.pipeline.layers.builtin.decomposer:BuiltinDecomposer")
    return make(subject_network(paths), refine=refiner)


def _make_qwen(paths: Paths, flags: Flags) -> Any:
    """Looks for weights anew each time: a person may have put them there meanwhile."""
    wanted = paths.models / LAYERED
    find_folders: Any = load_dotted("modules.backends.layered.folder:find_folders")
    roots = [*([flags.layered_dir] if flags.layered_dir else []), wanted, paths.builtin_models / LAYERED]
    folder = next(iter(find_folders(roots)), None)
    make: Any = load_dotted("modules.pipeline.layers.qwen.decomposer:QwenDecomposer")
    make_reader: Any = load_dotted("modules.backends.text_reader:TextReader")
    model = None if folder is None else _MODELS.setdefault(folder, LazyModel(lambda: _load_qwen(folder, paths, flags)))
    return make(folder, model, wanted, subject_network(paths), make_reader())


def _load_qwen(folder: Path, paths: Paths, flags: Flags) -> Any:
    make: Any = load_dotted("modules.backends.layered.qwen:QwenLayered")
    offload: Any = load_dotted("modules.backends.layered.request:Offload")
    cache = paths.cache / "layered"
    return make(folder, use_cpu=bool(flags.use_cpu), no_half=flags.no_half, offload=offload(flags.layered_offload), cache=cache)


def _once(make: Callable[[], Any]) -> Callable[[], Any]:
    made: list[Any] = []

    def get() -> Any:
        if not made:
            made.append(make())
        return made[0]

    return get

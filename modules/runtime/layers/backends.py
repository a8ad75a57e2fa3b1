"""Which backends take pictures apart here; heavy ones are loaded by dotted name when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modules.base.errors import MissingModel, UnknownName
from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.runtime.mask_work import SUBJECT_FILE

BUILT_IN, QWEN = "built-in", "qwen-image-layered"


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


def make_backends(paths: Paths) -> LayerBackends:
    """Those of this installation."""
    return LayerBackends({BUILT_IN: _once(lambda: _make_builtin(paths))})


def _make_builtin(paths: Paths) -> Any:
    files = [folder / SUBJECT_FILE for folder in (paths.models, paths.builtin_models)]
    make_network: Any = load_dotted("modules.backends.subject:SubjectNetwork")
    make: Any = load_dotted("modules.pipeline.layers.builtin.decomposer:BuiltinDecomposer")
    return make(make_network(next((file for file in files if file.is_file()), files[0])))


def _once(make: Callable[[], Any]) -> Callable[[], Any]:
    made: list[Any] = []

    def get() -> Any:
        if not made:
            made.append(make())
        return made[0]

    return get

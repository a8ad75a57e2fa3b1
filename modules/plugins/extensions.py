"""Extensions on disk: which there are, what their `metadata.ini` says, which run, and in which order."""

from __future__ import annotations

import configparser
import graphlib
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from modules.settings.flags import Flags

logger = logging.getLogger(__name__)

METADATA = "metadata.ini"
STYLE_SHEET = "style.css"
NOTHING: Mapping[str, Mapping[str, str]] = {}


class State(Enum):
    """Whether an extension runs, or why it does not."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    ALL_DISABLED = "all_disabled"
    SAFE_START = "safe_start"
    TWICE = "twice"

    @property
    def sentence(self) -> str:
        return {
            State.ENABLED: "",
            State.DISABLED: "disabled in the settings",
            State.ALL_DISABLED: "extensions are disabled as a whole",
            State.SAFE_START: "started with --safe",
            State.TWICE: "another extension calls itself the same in its metadata.ini",
        }[self]


class Without(Enum):
    """What is left out as a whole, in A1111's words."""

    NONE = "none"
    EXTRA = "extra"
    ALL = "all"


@dataclass(frozen=True)
class Metadata:
    """What a `metadata.ini` says: sections and their fields, both in lower case.

    The sections are `extension` (name, requires, before, after), `scripts/<file>` and `callbacks/<name>` (requires, before, after),
    and `scripts` and `callbacks` for all of the kind.
    """

    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Metadata:
        """Read a file; one that is missing or malformed says nothing."""
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, configparser.Error) as error:
            logger.warning("%s/%s cannot be read: %s", path.parent.name, path.name, error)
            return cls()
        return cls({name.strip().lower(): dict(parser.items(name)) for name in parser.sections()})

    @property
    def name(self) -> str:
        """The canonical name that others refer to; empty when the file gives none."""
        return self.sections.get("extension", {}).get("name", "").strip().lower()

    def names(self, key: str, *sections: str) -> tuple[str, ...]:
        """The names listed under `key` in these sections, in lower case, each once."""
        lists = (self.sections.get(section.lower(), {}).get(key.lower(), "") for section in sections)
        words = (word.lower() for text in lists for word in re.split(r"[\s,]+", text) if word)
        return tuple(dict.fromkeys(words))


@dataclass(frozen=True)
class Extension:
    """One folder of `extensions/` or `extensions-builtin/`.

    Attributes:
        name: The folder's.
        path: The folder, as it is listed (perhaps a link that the person made).
        state: Whether it runs.
        missing: Canonical names it requires that are not there or do not run; it runs all the same, as under A1111.
    """

    name: str
    path: Path
    is_builtin: bool = False
    state: State = State.ENABLED
    metadata: Metadata = field(default_factory=Metadata)
    missing: tuple[str, ...] = ()

    @property
    def is_enabled(self) -> bool:
        return self.state is State.ENABLED

    @property
    def enabled(self) -> bool:
        """`is_enabled`, as extensions that look at each other spell it."""
        return self.is_enabled

    @property
    def canonical_name(self) -> str:
        """What other extensions call it."""
        return self.metadata.name or self.name.lower()

    @property
    def reason(self) -> str:
        """Why it does not run, or what it misses; empty when all is well."""
        wants = f"requires {', '.join(self.missing)}, which is not installed or not enabled" if self.missing else ""
        return "; ".join(part for part in (self.state.sentence, wants) if part)

    @property
    def dependencies(self) -> Path:
        """The folder of the packages that were installed for it."""
        return self.path / ".deps"

    @property
    def style_sheet(self) -> Path | None:
        """Its `style.css`, if it has one that lies inside its folder."""
        path = self.path / STYLE_SHEET
        return path if self.holds(path) else None

    def files(self, folder: str, suffixes: Collection[str]) -> list[Path]:
        """Files directly in its sub-folder `folder`, by name; links that lead out of the extension are left out.

        Args:
            suffixes: In lower case, with the dot.
        """
        listed = (path for path in entries(self.path / folder) if path.suffix.lower() in suffixes)
        return [path for path in listed if self.holds(path)]

    def holds(self, path: Path) -> bool:
        """Whether `path` is a file that lies inside the extension's folder, links followed."""
        try:
            return path.is_file() and path.resolve().is_relative_to(self.path.resolve())
        except OSError:
            return False


def find_extensions(
    builtin: Path,
    user: Path,
    disabled: Collection[str] = (),
    disable_all: str = Without.NONE.value,
    *,
    is_safe: bool = False,
) -> list[Extension]:
    """All extensions, built-in ones first, in the order in which their scripts are loaded.

    Args:
        builtin, user: The two folders; neither need exist.
        disabled: Names of folders that the settings switch off.
        disable_all: "extra" switches all of `user` off, "all" the built-in ones too.
        is_safe: Nothing runs.
    """
    switched_off, found, names = set(disabled), list[Extension](), set[str]()
    for folder, is_builtin in ((builtin, True), (user, False)):
        is_left_out = disable_all == Without.ALL.value or (disable_all == Without.EXTRA.value and not is_builtin)
        for path in folders(folder):
            state = (
                State.SAFE_START
                if is_safe
                else State.ALL_DISABLED
                if is_left_out
                else State.DISABLED
                if path.name in switched_off
                else State.ENABLED
            )
            extension = Extension(path.name, path, is_builtin, state, Metadata.read(path / METADATA))
            if extension.is_enabled and extension.metadata.name in names:
                extension = replace(extension, state=State.TWICE)
            if extension.is_enabled:
                names.add(extension.canonical_name)
            found.append(extension)
    return _in_order([_with_missing(extension, names) for extension in found])


def what_is_left_out(flags: Flags, option: str) -> str:
    """The wider of what the command line and the option `disable_all_extensions` leave out."""
    asked = Without.ALL if flags.disable_all_extensions else Without.EXTRA if flags.disable_extra_extensions else Without.NONE
    words = [without.value for without in Without]
    return max(asked.value, option, key=words.index)


def sort_by_wishes(names: Sequence[str], before: Mapping[str, Iterable[str]], after: Mapping[str, Iterable[str]]) -> list[str]:
    """`names` in their own order as far as wishes allow; wishes that contradict each other are dropped as a whole, with a log line.

    Args:
        before: name -> names that it must come before.
        after: name -> names that it must come after.
    """
    place = {name: number for number, name in enumerate(names)}
    graph: dict[str, set[str]] = {name: {other for other in after.get(name, ()) if other in place and other != name} for name in names}
    for name, others in before.items():
        for other in others:
            if name in place and other in place and other != name:
                graph[other].add(name)
    sorter = graphlib.TopologicalSorter(graph)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        logger.warning("the order that metadata.ini files ask for goes in a circle: %s", " before ".join(reversed(error.args[1])))
        return list(names)
    ordered, ready = list[str](), list[str]()
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=place.__getitem__)
        ordered.append(ready.pop(0))
        sorter.done(ordered[-1])
    return ordered


def folders(folder: Path) -> Iterator[Path]:
    """Its sub-folders by name, without hidden ones."""
    return (path for path in entries(folder) if path.is_dir() and path.name != "__pycache__")


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name, without hidden ones; nothing where it is missing or cannot be read."""
    try:
        return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: (path.name.lower(), path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        logger.warning("%s cannot be read: %s", folder, error)
        return []


def _with_missing(extension: Extension, running: Collection[str]) -> Extension:
    wanted = extension.metadata.names("requires", "extension")
    missing = tuple(name for name in wanted if name not in running)
    return replace(extension, missing=missing)


def _in_order(extensions: Sequence[Extension]) -> list[Extension]:
    by_key = {_key(extension): extension for extension in extensions}
    keys = {extension.canonical_name: _key(extension) for extension in reversed(extensions)}

    def wishes(*fields: str) -> dict[str, list[str]]:
        return {
            key: [keys[name] for item in fields for name in extension.metadata.names(item, "extension") if name in keys]
            for key, extension in by_key.items()
        }

    return [by_key[key] for key in sort_by_wishes(list(by_key), wishes("before"), wishes("after", "requires"))]


def _key(extension: Extension) -> str:
    return str(extension.path)

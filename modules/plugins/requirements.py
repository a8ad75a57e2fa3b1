"""What an extension asks pip for, against the packages that the program has: met, new, or in conflict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from modules.base.errors import PentimentoError

STANDS_FOR = {"opencv-python": "opencv-python-headless"}
"""A package that another one of ours makes superfluous: the same modules."""
TAKES_VALUE = frozenset(
    "-i --index-url --extra-index-url -f --find-links -c --constraint -e --editable -t --target --prefix --root --src".split()
)
TAKES_FILE = ("-r", "--requirement")
ELSEWHERE = ("-t", "--target", "--prefix", "--root", "--user", "--force-reinstall", "-I", "--ignore-installed", "--break-system-packages")
"""Options of pip that would put packages elsewhere, or ours a second time."""


class Standing(Enum):
    """How a requirement stands to what is there."""

    MET = "met"
    NEW = "new"
    CONFLICT = "conflict"


class ConflictingRequirement(PentimentoError):
    """An extension wants another version of a package than the program has."""


@dataclass(frozen=True)
class Judgement:
    """One requirement, judged; `said` is a sentence for the log."""

    requirement: str
    standing: Standing
    said: str = ""


def host_versions(folders: Sequence[Path]) -> dict[str, str]:
    """Canonical name -> version of the packages in `folders`."""
    found = metadata.distributions(path=[str(folder) for folder in folders])
    return {canonicalize_name(name): each.version for each in found if (name := each.metadata["Name"])}


def judge(text: str, host: Mapping[str, str]) -> Judgement:
    """Judge one requirement, as a line of requirements.txt has it; what is no plain one (a path, an address) is left to pip."""
    try:
        wanted = Requirement(text.strip())
    except InvalidRequirement:
        return Judgement(text, Standing.NEW)
    if wanted.marker is not None and not wanted.marker.evaluate():
        return Judgement(text, Standing.MET, f"{text} is not for this system")
    name: str = canonicalize_name(wanted.name)
    name = name if name in host else STANDS_FOR.get(name, name)
    if name not in host:
        return Judgement(text, Standing.NEW)
    version = host[name]
    if wanted.url or not wanted.specifier.contains(version, prereleases=True):
        said = f"{text}: Pentimento has {name} {version}, and an extension cannot replace it"
        return Judgement(text, Standing.CONFLICT, said)
    if wanted.extras:
        return Judgement(text, Standing.NEW)
    return Judgement(text, Standing.MET, f"{text}: Pentimento has {name} {version}")


def narrow_pip(words: Sequence[str], host: Mapping[str, str], folder: Path) -> tuple[list[str], list[str]]:
    """The words of a `pip install` without what is there already and without options that lead elsewhere.

    Args:
        words: Beginning with "install"; anything else stays as it is.
        folder: What `-r` files are relative to.

    Returns:
        The words, empty when nothing is left to install; and a sentence for each requirement that was left out.

    Raises:
        ConflictingRequirement: The program has another version of a package.
    """
    if not words or words[0] != "install":
        return list(words), []
    options, wanted = _split(words[1:], folder)
    judged = [judge(text, host) for text in wanted]
    conflicts = [each.said for each in judged if each.standing is Standing.CONFLICT]
    if conflicts:
        raise ConflictingRequirement("; ".join(conflicts))
    new = [each.requirement for each in judged if each.standing is Standing.NEW]
    return ["install", *options, *new] if new or not judged else [], [each.said for each in judged if each.said]


def read_lines(path: Path) -> Iterator[str]:
    """Requirements and options of a requirements.txt, without comments."""
    for line in path.read_text(encoding="utf-8-sig", errors="replace").replace("\\\n", " ").splitlines():
        text = line.partition(" #")[0].strip()
        if text and not text.startswith("#"):
            yield text


def _split(words: Sequence[str], folder: Path) -> tuple[list[str], list[str]]:
    """Options that pip shall keep, and requirements, those of `-r` files among them."""
    options, wanted, rest = list[str](), list[str](), iter(words)
    for word in rest:
        name, separator, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in TAKES_FILE:
            for line in read_lines(folder / (value or next(rest, ""))):
                more = line.split() if line.startswith("-") else [line]
                inner = _split(more, folder)
                options, wanted = options + inner[0], wanted + inner[1]
        elif name.startswith("-"):
            value = value or (next(rest, "") if name in TAKES_VALUE else "")
            options += [] if name in ELSEWHERE else [f"{name}={value}"] if separator else [name, *([value] if value else [])]
        else:
            wanted.append(word)
    return options, wanted

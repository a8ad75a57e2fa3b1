"""What installers use of setuptools' `pkg_resources`, which setuptools no longer has: versions of installed packages.

References:
    https://setuptools.pypa.io/en/latest/pkg_resources.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from packaging.version import parse as parse_version

__all__ = [
    "Distribution",
    "DistributionNotFound",
    "Requirement",
    "ResolutionError",
    "VersionConflict",
    "get_distribution",
    "parse_requirements",
    "parse_version",
    "require",
    "working_set",
]


class ResolutionError(Exception):
    """A requirement is not met."""


class DistributionNotFound(ResolutionError):
    """It is not installed."""


class VersionConflict(ResolutionError):
    """Another version is installed."""


class Distribution:
    """An installed package: `project_name`, `key` (in lower case), `version`."""

    def __init__(self, found: metadata.Distribution) -> None:
        self.project_name = str(found.metadata["Name"])
        self.key, self.version = self.project_name.lower(), found.version

    @property
    def parsed_version(self) -> Version:
        return parse_version(self.version)


def get_distribution(requirement: str | Requirement) -> Distribution:
    """The installed package that meets a requirement.

    Raises:
        DistributionNotFound: It is not installed.
        VersionConflict: Another version is.
    """
    wanted = Requirement(str(requirement))
    try:
        found = Distribution(metadata.distribution(wanted.name))
    except metadata.PackageNotFoundError:
        raise DistributionNotFound(f"{wanted} is not installed") from None
    if not wanted.specifier.contains(found.version, prereleases=True):
        raise VersionConflict(f"{canonicalize_name(wanted.name)} {found.version} is installed, and {wanted} is wanted")
    return found


def parse_requirements(lines: str | Iterable[str]) -> Iterator[Requirement]:
    """Requirements of the lines of a requirements.txt."""
    for line in lines.splitlines() if isinstance(lines, str) else lines:
        text = line.partition(" #")[0].strip()
        if text and not text.startswith(("#", "-")):
            yield Requirement(text)


def require(requirements: str | Iterable[str]) -> list[Distribution]:
    """The installed packages that meet all of these; raises as `get_distribution` does."""
    return [get_distribution(wanted) for wanted in parse_requirements([requirements] if isinstance(requirements, str) else requirements)]


class _WorkingSet:
    """All installed packages."""

    def __iter__(self) -> Iterator[Distribution]:
        return (Distribution(found) for found in metadata.distributions() if found.metadata["Name"])


working_set = _WorkingSet()

"""What is on the hub, and bringing one file of it here, through huggingface_hub; its errors in our words."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers
from tqdm import tqdm

from modules.backends.known_models import KnownModel
from modules.base.errors import DownloadFailed, SaveFailed

TIMEOUT_S = 20.0
_ELSEWHERE = "try again later, or set HF_ENDPOINT to a mirror"
MOST_FRUITLESS = 3
"""Cuts in a row that bring nothing, after which it is given up; each is tried again some times by huggingface_hub itself."""

OnBytes = Callable[[int], None]
"""Is told how many bytes came; raises to stop."""


@dataclass(frozen=True)
class RemoteFile:
    """One file on the hub.

    Attributes:
        path: Within its repository, "/" between folders.
        size: Bytes.
        sha256: Lower-case hex; "" for a small file, which the hub knows by its `git_sha1` alone.
        git_sha1: git's sum of the file as a blob.
        revision: Commit that all this was read of.
    """

    path: str
    size: int
    sha256: str
    git_sha1: str
    revision: str


class Hub:
    """The hub, or a mirror of it.

    Args:
        endpoint: Its address; None = as the environment (`HF_ENDPOINT`) says. `HF_TOKEN`, or the token of `hf auth login`, goes along.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint

    @property
    def endpoint(self) -> str:
        """Its address, without a slash at the end."""
        return (self._endpoint or os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")

    def page(self, path: str) -> str:
        """The address of a page."""
        return f"{self.endpoint}/{path}"

    def list_files(self, model: KnownModel) -> list[RemoteFile]:
        """The files of a model, as they are now.

        Raises:
            DownloadFailed: The hub is out of reach or says no, files are missing, or what it has is not what this program knows.
        """
        with _in_our_words(model.repo, self.endpoint):
            info = HfApi(endpoint=self.endpoint).model_info(model.repo, files_metadata=True, timeout=TIMEOUT_S)
        found = [_remote_file(sibling, str(info.sha)) for sibling in info.siblings or [] if _is_wanted(sibling.rfilename, model.files)]
        missing = [pattern for pattern in model.files if not any(_is_wanted(file.path, (pattern,)) for file in found)]
        if missing:
            raise DownloadFailed(f"{model.repo} on {self.endpoint} has no {missing[0]} (any more)")
        other = next((file for file in found if model.sha256 and file.sha256 and file.sha256 != model.sha256), None)
        if other is not None:
            sums = f"the sha256 {other.sha256}, wanted {model.sha256}"
            raise DownloadFailed(f"{other.path} on {self.endpoint} has {sums}: it is another file, and was not fetched")
        return sorted(found, key=lambda file: file.path)

    def fetch(self, repo: str, file: RemoteFile, part: Path, on_bytes: OnBytes) -> None:
        """Bring a file here, going on where `part` ends; whatever comes stays in `part`, also after an error.

        Raises:
            DownloadFailed: The hub is out of reach or says no, or the connection is cut again and again.
            SaveFailed: The disk is full, or the folder cannot be written.
        """
        url = hf_hub_url(repo, file.path, revision=file.revision, endpoint=self.endpoint)
        fruitless = 0
        while (begun := part.stat().st_size if part.is_file() else 0) < file.size:
            try:
                with _in_our_words(f"{repo}/{file.path}", self.endpoint):
                    _get(url, part, begun, file.size, on_bytes)
            except _Cut as error:
                came = part.stat().st_size - begun if part.is_file() else 0
                fruitless = 0 if came > 0 else fruitless + 1
                if fruitless >= MOST_FRUITLESS:
                    raise DownloadFailed(str(error)) from error


class _Cut(DownloadFailed):
    """The connection ended early."""


def _get(url: str, part: Path, begun: int, size: int, on_bytes: OnBytes) -> None:
    class Watch(tqdm):
        """What huggingface_hub takes for a progress bar."""

        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__(disable=True)

        def update(self, n: float | None = 1) -> bool | None:
            on_bytes(int(n or 0))
            return None

    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("ab") as file:
        http_get(url, file, resume_size=begun, headers=build_hf_headers(), expected_size=size, tqdm_class=Watch)


class _Line:
    """Open while somebody is within. `HF_HUB_OFFLINE`, which the launcher sets, keeps libraries from asking the hub by themselves; what
    a person asks for is another matter.
    """

    def __init__(self) -> None:
        self._lock, self._users, self._was_offline = threading.Lock(), 0, False

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._was_offline, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, False
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                constants.HF_HUB_OFFLINE = self._was_offline


_LINE = _Line()


@contextmanager
def _in_our_words(what: str, endpoint: str) -> Iterator[None]:
    try:
        with _LINE:
            yield
    except GatedRepoError as error:
        raise DownloadFailed(
            f"{what} is only given to people whom its authors let in: agree on its page {endpoint}/{what}, then set HF_TOKEN to your token"
        ) from error
    except (RepositoryNotFoundError, EntryNotFoundError) as error:
        status = getattr(getattr(error, "response", None), "status_code", 404)
        raise DownloadFailed(f"{what} is not on {endpoint} (status {status}), or only for those with another HF_TOKEN") from error
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", "?")
        hint = "a wrong or missing HF_TOKEN is answered like this" if status in (401, 403) else _ELSEWHERE
        raise DownloadFailed(f"{endpoint} answered with status {status} for {what}; {hint}") from error
    except HTTPError as error:
        reason = f"{endpoint} cannot be reached, or the connection was cut ({type(error).__name__})"
        raise _Cut(f"{reason}; check the network; {_ELSEWHERE}") from error
    except OSError as error:
        if error.errno is None:  # huggingface_hub's own: less came than was announced
            raise _Cut(f"the connection to {endpoint} ended before {what} was complete") from error
        raise SaveFailed(f"{what} cannot be written: {error.strerror or error}") from error
    except ValueError as error:
        raise DownloadFailed(f"{endpoint} gave an answer about {what} that cannot be read: {error}") from error


def _remote_file(sibling: Any, revision: str) -> RemoteFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs is not None else ""
    size = sibling.size if sibling.size is not None else (sibling.lfs.size if sibling.lfs is not None else None)
    if size is None or not (sha256 or sibling.blob_id):
        raise DownloadFailed(f"the hub tells neither size nor sum of {sibling.rfilename}, so it could not be checked; use another mirror")
    return RemoteFile(str(sibling.rfilename), int(size), str(sha256).lower(), str(sibling.blob_id or ""), revision)


def _is_wanted(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path of the hub's is asked for, and stays in its folder."""
    parts = PurePosixPath(path).parts
    is_safe = ".." not in parts and not path.startswith("/") and "\\" not in path and ":" not in path
    return is_safe and any(fnmatchcase(path, pattern) for pattern in patterns)

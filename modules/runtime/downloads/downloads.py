"""Fetches of known models as jobs: beside the queue, because a picture must not wait for gigabytes; begun again after a restart."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modules.backends.known_models import KNOWN_MODELS, KnownModel, find_known
from modules.base.errors import InvalidRequest, PentimentoError, SaveFailed, UnknownName
from modules.base.files import write_atomically
from modules.base.registry import load_dotted
from modules.runtime.downloads.fetching import Stopped, begun_bytes, fetch_model, is_there, place_of
from modules.runtime.jobs import Job, JobQueue, JobState

logger = logging.getLogger(__name__)

KIND = "fetch"
STEPS = 1000
"""A job's progress is told in parts of this."""
STOP_LIMIT_S = 2.0
OnFetched = Callable[[Path, str], None]
"""Is told where a new model lies, and its sha256 where that is known."""


@dataclass(frozen=True)
class _Wish:
    """One fetch that is to be finished, as it is written down."""

    name: str
    job: str
    owner: str
    user: str | None = None


class Downloads:
    """All fetches of a program. Safe to share between threads.

    Args:
        models: The folder with `Stable-diffusion`, `Layered` ...
        file: Where fetches that are under way are written down.
        queue: Where their jobs can be found.
        on_fetched: Called when a model is in its place.
        endpoint: The hub's address; None = as the environment says.
    """

    def __init__(self, models: Path, file: Path, queue: JobQueue, on_fetched: OnFetched, endpoint: str | None = None) -> None:
        self._models, self._file, self._queue, self._on_fetched, self._endpoint = models, file, queue, on_fetched, endpoint
        self._lock = threading.Lock()
        self._running: dict[str, tuple[_Wish, Job, threading.Thread]] = {}

    def describe(self, model: KnownModel, owner: str | None = None) -> dict[str, Any]:
        """A model as JSON tells it.

        Args:
            owner: Whose jobs are told.
        """
        page: Any = self._hub().page
        _, job, _ = self._running.get(model.name, (None, None, None))
        return {
            "name": model.name,
            "about": model.about,
            "folder": f"models/{model.folder}",
            "size": model.size,
            "page": page(model.page),
            "licence": {"name": model.licence.name, "summary": model.licence.summary, "page": page(model.licence.page)},
            "aliases": list(model.aliases),
            "is_there": is_there(model, self._models),
            "begun_bytes": begun_bytes(model, self._models),
            "job": job.id if job is not None and owner in (None, job.owner) else None,
        }

    def known(self, owner: str | None = None) -> list[dict[str, Any]]:
        """All models that can be fetched."""
        return [self.describe(model, owner) for model in KNOWN_MODELS]

    def find(self, name: str) -> dict[str, Any] | None:
        """The known model that a file name means, as JSON tells it; None = there is none."""
        model = find_known(name)
        return None if model is None else self.describe(model)

    def get(self, name: str, *, has_agreed: bool, owner: str, user: str | None = None) -> Job:
        """Begin to fetch a model, or tell of the job that does so already.

        Args:
            name: As in the table, or an alias.
            has_agreed: Whether the person agreed to its licence.

        Raises:
            UnknownName: It is none of the known ones.
            InvalidRequest: Nobody agreed to the licence, or another person is fetching it.
        """
        model = find_known(name)
        if model is None:
            raise UnknownName("name", name, [known.name for known in KNOWN_MODELS])
        if not has_agreed:
            terms = f"the {model.licence.name} of {model.name} ({self._hub().page(model.licence.page)})"
            raise InvalidRequest("agreed", has_agreed, f"true, from a person who read and accepts {terms}")
        with self._lock:
            _, running, _ = self._running.get(model.name, (None, None, None))
            if running is not None and running.owner != owner:
                raise InvalidRequest("name", name, "a model that nobody else is fetching already")
            return running or self._begin(model, Job(owner, None, KIND, user))

    def resume(self) -> list[Job]:
        """Go on with what was not finished when the program ended; once, at the start."""
        with self._lock:
            jobs = []
            for wish in _read(self._file):
                model = find_known(wish.name)
                if model is not None and model.name not in self._running:
                    jobs.append(self._begin(model, Job(wish.owner, None, KIND, wish.user, id=wish.job)))
            return jobs

    def close(self) -> None:
        """Stop all; what came stays, and the next start goes on."""
        with self._lock:
            running = list(self._running.values())
        for _, job, _ in running:
            job.put_off()
        for _, _, thread in running:
            thread.join(STOP_LIMIT_S)

    def _hub(self) -> Any:
        make_hub: Any = load_dotted("modules.runtime.downloads.hub:Hub")
        return make_hub(self._endpoint)

    def _begin(self, model: KnownModel, job: Job) -> Job:
        with job.changing():
            job.state, job.started_s = JobState.RUNNING, time.time()
            job.images, job.is_counted, job.steps, job.textinfo = 1, True, STEPS, model.name
        thread = threading.Thread(target=self._run, args=(model, job), name=f"pentimento-fetch-{model.name}", daemon=True)
        self._running[model.name] = (_Wish(model.name, job.id, job.owner, job.user), job, thread)
        self._write()
        self._queue.remember(job)
        thread.start()
        return job

    def _run(self, model: KnownModel, job: Job) -> None:
        state = JobState.DONE
        failure: Exception | None = None
        try:
            sha256 = fetch_model(model, self._models, self._hub(), JobWatch(job, model.name))
            self._on_fetched(place_of(model, self._models), sha256)
        except Stopped:
            state = JobState.INTERRUPTED
        except PentimentoError as error:
            logger.info("fetching %s: %s", model.name, error)
            state, failure = JobState.FAILED, error
        except Exception as error:  # whoever waits must hear of it
            logger.exception("fetching %s failed", model.name)
            state, failure = JobState.FAILED, error
        with self._lock:
            if not job.is_put_off:
                self._running.pop(model.name, None)
                self._write()
        job.finish(state, error=failure)

    def _write(self) -> None:
        wishes = [asdict(wish) for wish, _, _ in self._running.values()]
        try:
            if wishes or self._file.exists():
                write_atomically(self._file, json.dumps(wishes, indent=1).encode())
        except SaveFailed as error:
            logger.warning("a fetch would not go on by itself after a restart: %s", error)


@dataclass
class JobWatch:
    """Brings the bytes that came to a job (`fetching.Watch`)."""

    job: Job
    name: str
    _first: tuple[float, int] | None = None

    def tell(self, done: int, total: int, doing: str) -> None:
        """The pace is that of what came in this run; what was there before took no time."""
        now = time.time()
        began_s, begun = self._first = self._first or (now, done)
        with self.job.changing() as job:
            job.step = int(STEPS * done / max(total, 1))
            job.textinfo = f"{self.name}: {done / 1e9:.2f} of {total / 1e9:.2f} GB" if doing == "fetching" else f"{self.name}: {doing}"
            if done > begun and now > began_s:
                job.began_s = now - done * (now - began_s) / (done - begun)

    def is_interrupted(self) -> bool:
        """Whether to stop."""
        return self.job.is_interrupted


def _read(file: Path) -> list[_Wish]:
    try:
        return [_Wish(**values) for values in json.loads(file.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        logger.warning("%s is unreadable, so fetches of before do not go on by themselves: %s", file.name, error)
        return []

"""The counter at which ComfyUI's clients post graphs, look at the queue, and ask for what came of them."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from modules.runtime.history.remembered import RememberedResult
from modules.runtime.jobs import Job, JobQueue, JobState
from modules.runtime.workflows.messages import Listener, Listeners, Teller, images_of
from modules.runtime.workflows.posting import read_posted
from modules.runtime.workflows.result import KeptPicture
from modules.runtime.workflows.task import KIND, SAVES, SENDS, GraphTask
from modules.runtime.workflows.workflows import Workflows

KEPT_RECORDS, MAX_ID_CHARS = 1000, 100
Record = dict[str, Any]
"""An entry of `/history`: prompt, outputs, status, meta."""


class Counter:
    """May be used from any thread. A caller sees and stops only its own jobs.

    Args:
        beside: Kinds of jobs that no picture waits for.

    Attributes:
        listeners: All open websockets.
    """

    def __init__(self, workflows: Workflows, queue: JobQueue, beside: Sequence[str] = ()) -> None:
        self._workflows, self._queue, self._beside = workflows, queue, beside
        self.listeners = Listeners()
        self._numbers = itertools.count()
        self._records: OrderedDict[str, tuple[str, Record]] = OrderedDict()
        self._numbered: OrderedDict[str, tuple[int, Teller]] = OrderedDict()
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def post(self, body: Any, owner: str, user: str | None) -> dict[str, Any]:
        """Queue a graph; the answer as ComfyUI gives it.

        Raises:
            PromptRefused: It cannot run.
        """
        posted = read_posted(body, self._workflows, user)
        task = self._workflows.task(posted.recipe, user)
        job = Job(owner, task, KIND, user, posted.recipe)
        job.id = self._id(body.get("prompt_id"))
        client, number = body.get("client_id"), next(self._numbers)
        teller = Teller(job, task, client if isinstance(client, str) else "", self.listeners)
        task.listeners.append(teller.hear)
        self._queue.submit(job)
        with self._lock:
            self._numbered[job.id] = (number, teller)
        job.on_finished(lambda over: self._finish(over, teller))
        self.tell_status()
        return {"prompt_id": job.id, "number": number, "node_errors": dict(posted.node_errors)}

    def remaining(self) -> int:
        """Jobs that run or wait, whoever's."""
        return sum(not job.state.is_final and job.kind not in self._beside for job in self._queue.jobs())

    def queue(self, owner: str) -> dict[str, Any]:
        """The caller's jobs that run, and that wait."""
        live = self._live(owner)
        running = [self._entry(job) for job in live if job.state is JobState.RUNNING]
        return {"queue_running": running, "queue_pending": [self._entry(job) for job in live if job.state is JobState.QUEUED]}

    def drop(self, owner: str, ids: Iterable[str] | None = None) -> None:
        """Take the caller's waiting jobs off the queue; None = all of them."""
        wanted = None if ids is None else set(ids)
        for job in self._live(owner):
            if job.state is JobState.QUEUED and (wanted is None or job.id in wanted):
                self._queue.interrupt(job)
        self.tell_status()

    def interrupt(self, owner: str, prompt_id: str | None = None) -> None:
        """Stop the caller's running job; with an id only if it is that one."""
        for job in self._live(owner):
            if job.state is JobState.RUNNING and prompt_id in (None, job.id):
                self._queue.interrupt(job)

    def history(self, owner: str, prompt_id: str | None = None, most: int | None = None, offset: int = -1) -> dict[str, Record]:
        """What came of the caller's jobs, the oldest first.

        Args:
            prompt_id: Of one job; nothing while it is not over.
            most: The newest so many; None = all.
            offset: Where these begin, counted from the oldest; -1 = at the end.
        """
        with self._lock:
            found = {job_id: record for job_id, (whose, record) in self._records.items() if whose == owner}
        for job in self._queue.jobs():  # those of our own page, and of before a restart
            is_known = job.id in found or job.id in self._numbered or job.id in self._forgotten
            if job.kind == KIND and job.owner == owner and job.state.is_final and _has_begun(job) and not is_known:
                found[job.id] = self._record(job, [])
        if prompt_id is not None:
            return {prompt_id: found[prompt_id]} if prompt_id in found else {}
        names = list(found)
        if most is not None:
            start = max(0, len(names) - most) if offset < 0 else offset
            names = names[start : start + most]
        return {name: found[name] for name in names}

    def forget(self, owner: str, ids: Iterable[str] | None = None) -> None:
        """Leave records out of `/history`; None = all of the caller's. Pictures and our own history stay."""
        own = self.history(owner)
        with self._lock:
            for job_id in own if ids is None else own.keys() & set(ids):
                self._records.pop(job_id, None)
                self._forgotten[job_id] = None
            while len(self._forgotten) > KEPT_RECORDS:
                self._forgotten.popitem(last=False)

    def listen(self, listener: Listener) -> None:
        """Open a websocket: it hears how many jobs there are, and which node of its own job runs now."""
        self.listeners.add(listener)
        listener.send(self._status() | {"data": {**self._status()["data"], "sid": listener.client}})
        for job in self._live(listener.owner):
            numbered = self._numbered.get(job.id)
            if numbered is not None and numbered[1].client == listener.client and numbered[1].task.node:
                node = numbered[1].task.node
                listener.send({"type": "executing", "data": {"node": node, "display_node": node, "prompt_id": job.id}})

    def tell_status(self) -> None:
        """Let all websockets hear how many jobs there are."""
        self.listeners.tell(self._status())

    def _status(self) -> dict[str, Any]:
        return {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": self.remaining()}}}}

    def _id(self, asked: Any) -> str:
        """The client's own id, if no job has it yet."""
        is_free = isinstance(asked, str) and 0 < len(asked) <= MAX_ID_CHARS and self._queue.find(asked) is None
        return asked if is_free else str(uuid.uuid4())

    def _live(self, owner: str) -> list[Job]:
        return [job for job in self._queue.jobs() if job.kind == KIND and job.owner == owner and not job.state.is_final]

    def _entry(self, job: Job) -> list[Any]:
        """number, id, graph, extra data, outputs."""
        number, teller = self._numbered.get(job.id, (0, None))
        order: dict[str, Any] = dict(job.recipe.workflow or {}) if job.recipe is not None else {}
        extra: dict[str, Any] = {"client_id": teller.client} if teller is not None and teller.client else {}
        if order.get("drawn") is not None:
            extra["extra_pnginfo"] = {"workflow": order["drawn"]}
        return [number, job.id, order.get("graph", {}), extra, list(order.get("outputs", ()))]

    def _finish(self, job: Job, teller: Teller) -> None:
        """In the worker's thread: what came of it is there before anybody is told that it is over."""
        if _has_begun(job):
            record_of = self._record(job, teller.log)
            with self._lock:
                self._records[job.id] = (job.owner, record_of)
        teller.end()
        with self._lock:
            while len(self._records) > KEPT_RECORDS:
                self._records.popitem(last=False)
            self._numbered.pop(job.id, None)
        self.tell_status()

    def _record(self, job: Job, log: list[list[Any]]) -> Record:
        made: dict[str, list[KeptPicture]] = dict(getattr(job.result, "by_node", {}) or {})
        task = job.request
        if not made and isinstance(task, GraphTask):
            made = dict(task.pictures)
        entry = self._entry(job)
        shown = {node: pictures for node, pictures in made.items() if entry[2].get(node, {}).get("class_type") != SENDS}
        outputs = {node: images_of([one.file for one in pictures]) for node, pictures in shown.items()}
        if not made and isinstance(job.result, RememberedResult):
            outputs = self._remembered(job, entry)
        is_done = job.state is JobState.DONE
        status = {"status_str": "success" if is_done else "error", "completed": is_done, "messages": log}
        return {"prompt": entry, "outputs": outputs, "status": status, "meta": _meta(outputs)}

    def _remembered(self, job: Job, entry: list[Any]) -> dict[str, Any]:
        """What a job of before a restart saved; nobody knows any more which node did, so the first that saves has it all."""
        files = [file for path in job.result.paths if path is not None and (file := self._workflows.folders.name_of(path, job.user))]
        node = next((node for node in entry[4] if entry[2].get(node, {}).get("class_type") == SAVES), None)
        return {} if node is None or not files else {node: images_of(files)}


def _has_begun(job: Job) -> bool:
    """ComfyUI forgets what is taken off the queue before its turn."""
    return job.started_s is not None or job.state is not JobState.INTERRUPTED


def _meta(outputs: dict[str, Any]) -> dict[str, Any]:
    return {node: {"node_id": node, "display_node": node, "parent_node": None, "real_node_id": node} for node in outputs}

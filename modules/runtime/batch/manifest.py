"""A batch on disk: what is to be made, and how every file stands. However the process ends, what it left can be gone on with.

`manifest.json` holds form, settings and plan, and is written whole. `states.jsonl` beside it grows by one line whenever a file's state
changes, so that the cost of a file does not grow with the batch; a line that was cut off is left out when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest, SaveFailed
from modules.base.files import write_atomically
from modules.runtime.batch.plan import Begun, Item, Plan
from modules.runtime.batch.settings import BatchSettings, MaskSource, Source

VERSION = 1
MANIFEST, LABEL, STATES, INPUTS = "manifest.json", "label.json", "states.jsonl", "inputs"
MAX_ATTEMPTS = 5
"""How often a file is tried that took the whole process with it."""


class FileState(Enum):
    """How a file stands."""

    PENDING = "pending"
    RUNNING = "running"
    SAVING = "saving"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    REFUSED = "refused"

    @property
    def is_final(self) -> bool:
        """Nothing more will happen unless somebody asks for it."""
        return self in (FileState.DONE, FileState.FAILED, FileState.SKIPPED, FileState.REFUSED)


@dataclass(frozen=True)
class Status:
    """What became of a file.

    Attributes:
        outputs: Absolute paths of its results.
        hashes: SHA-256 of the results' bytes, while they are being written.
        seeds: One a result.
        seconds: From opening it to having saved it.
        error: Why it failed.
        problem: The `Problem` that it failed for, if it is one of those; `detail` as in `Pair`.
        changed_outside: Pixels outside the mask that changed; None = there was no mask.
        notes: What the person should know.
        attempts: How often in a row it was begun; more than once where the program ended meanwhile.
    """

    state: FileState = FileState.PENDING
    outputs: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    seconds: float = 0.0
    error: str = ""
    problem: str = ""
    detail: str = ""
    changed_outside: int | None = None
    notes: tuple[str, ...] = ()
    attempts: int = 0

    @property
    def crashes(self) -> int:
        """How often the program ended while it worked on the file."""
        return self.attempts if self.state in (FileState.RUNNING, FileState.SAVING) else 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"state": self.state.value}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Status:
        known = {entry.name for entry in fields(cls)}
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in known
        }
        return cls(**given | {"state": FileState(values["state"])})


@dataclass(frozen=True)
class Label:
    """What tells a batch from others, in a small file of its own: a manifest may be megabytes.

    Attributes:
        owner, user, fingerprint: As in `Manifest`.
    """

    owner: str
    user: str | None
    fingerprint: str


@dataclass
class Manifest:
    """One batch.

    Attributes:
        id: Name of its folder; not to be guessed.
        folder: Where manifest, states and reports lie.
        owner: Who began it: what the browser calls itself.
        created_s: Seconds since the epoch.
        fingerprint: Of form and settings; a batch of another form is another batch.
        seed: Of every picture, where the form or the picture's own settings say no other.
        recipe: The form, as JSON.
        statuses: By the keys of items; what is missing has not been begun.
        user: Login of who began it; None where none was asked for.
    """

    id: str
    folder: Path
    owner: str
    created_s: float
    fingerprint: str
    seed: int
    recipe: Mapping[str, Any]
    settings: BatchSettings
    plan: Plan
    statuses: dict[str, Status]
    user: str | None = None

    @property
    def label(self) -> Label:
        return Label(self.owner, self.user, self.fingerprint)

    def status(self, item: Item) -> Status:
        known = self.statuses.get(item.key)
        if known is None:
            problem = item.pair.problem
            return (
                Status()
                if problem is None
                else Status(FileState.REFUSED, error=problem.explain(item.pair.detail), problem=problem.value, detail=item.pair.detail)
            )
        return known

    def note(self, item: Item, status: Status) -> None:
        """Remember how a file stands, on disk before this returns.

        Raises:
            SaveFailed: It cannot be written.
        """
        line = json.dumps({"key": item.key, **status.as_json()}) + "\n"
        try:
            _append(self.folder / STATES, line.encode())
        except OSError as error:
            raise SaveFailed(f"cannot write {STATES} in {self.folder}: {error.strerror or error}") from error
        self.statuses[item.key] = status

    def mark(self) -> int:
        """Where `take_back` can return to."""
        try:
            return (self.folder / STATES).stat().st_size
        except FileNotFoundError:
            return 0

    def take_back(self, item: Item, mark: int) -> None:
        """Let a file count as never begun since `mark`; works on a full disk too, where nothing can be noted."""
        with suppress(OSError):
            os.truncate(self.folder / STATES, mark)
        self.statuses[item.key] = Status()

    def todo(self, *, also_failed: bool = False) -> list[Item]:
        """What is still to be made: not begun, or its results are not there any more."""
        return [item for item in self.plan.items if self._is_open(item, also_failed)]

    def counts(self) -> dict[FileState, int]:
        """Files in each state; all states are there."""
        states = [self.status(item).state for item in self.plan.items]
        return {state: states.count(state) for state in FileState}

    @property
    def is_finished(self) -> bool:
        return not self.todo()

    @property
    def inputs(self) -> Path:
        """Where files that were dropped on the page are kept."""
        return self.folder / INPUTS

    @property
    def has_inputs(self) -> bool:
        """False where dropped files are needed, and were let go."""
        needs = self.settings.source is Source.FILES or self.settings.masks in (MaskSource.FILES, MaskSource.ONE)
        return not needs or self.inputs.is_dir()

    def let_go(self) -> None:
        """Delete the copies of dropped files, unless something is left to do or to be tried again."""
        if not self.todo(also_failed=True):
            shutil.rmtree(self.inputs, ignore_errors=True)

    def begun(self) -> Begun:
        """What another run has to keep to."""
        done = [Path(path) for status in self.statuses.values() if status.state is FileState.DONE for path in status.outputs]
        here = frozenset(path.name for path in done if path.parent == self.plan.output_folder)
        return Begun(self.plan.output_folder, {item.key: item.outputs for item in self.plan.items}, here)

    def write(self) -> None:
        """Write label and `manifest.json`, whole or not at all.

        Raises:
            SaveFailed: It cannot be written.
        """
        values = {
            "version": VERSION,
            "id": self.id,
            "owner": self.owner,
            "user": self.user,
            "created_s": self.created_s,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "output_folder": str(self.plan.output_folder),
            "recipe": self.recipe,
            "settings": self.settings.as_json(),
            "items": [item.as_json() for item in self.plan.items],
        }
        write_atomically(self.folder / LABEL, json.dumps(asdict(self.label)).encode())
        write_atomically(self.folder / MANIFEST, json.dumps(values, indent=1).encode())

    def reload(self) -> None:
        """Read the states again; another run may have gone on meanwhile. A file that was being saved counts as done if it is all there."""
        self.statuses = dict(_read_states(self.folder / STATES))
        for key, status in self.statuses.items():
            if status.state is FileState.SAVING and _are_written(status):
                self.statuses[key] = Status.from_json(status.as_json() | {"state": FileState.DONE.value})

    def _is_open(self, item: Item, also_failed: bool) -> bool:
        status = self.status(item)
        if status.state is FileState.DONE:
            return not all(os.path.exists(path) for path in status.outputs)
        if status.state is FileState.FAILED:
            return also_failed
        return not status.state.is_final


def new_manifest(
    parent: Path, owner: str, recipe: Mapping[str, Any], settings: BatchSettings, plan: Plan, seed: int, user: str | None = None
) -> Manifest:
    """A batch that begins now; nothing is written yet.

    Args:
        parent: Folder of all batches.
    """
    batch_id = f"{time.strftime('%Y-%m-%d')}-{secrets.token_hex(8)}"
    return Manifest(batch_id, parent / batch_id, owner, time.time(), fingerprint(recipe, settings), seed, recipe, settings, plan, {}, user)


def read_label(folder: Path) -> Label:
    """What a batch is; errors as `load_manifest`, which is asked where there is no label yet."""
    try:
        return Label(**json.loads((folder / LABEL).read_bytes()))
    except (OSError, TypeError, ValueError):
        return load_manifest(folder).label


def load_manifest(folder: Path) -> Manifest:
    """A batch as it was left.

    Raises:
        InvalidRequest: There is none, or it was damaged or written by a newer version.
    """
    try:
        values = json.loads((folder / MANIFEST).read_bytes())
        if values["version"] > VERSION:
            raise InvalidRequest("batch", folder.name, "a batch of this version or an older one")
        plan = Plan(tuple(map(Item.from_json, values["items"])), Path(values["output_folder"]))
        named = {name: values[name] for name in ("owner", "created_s", "fingerprint", "seed", "recipe")}
        named |= {"settings": BatchSettings.from_json(values["settings"]), "user": values.get("user")}
        manifest = Manifest(folder.name, folder, plan=plan, statuses={}, **named)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InvalidRequest("batch", folder.name, f"a batch that can be read ({error})") from error
    manifest.reload()
    return manifest


def fingerprint(recipe: Mapping[str, Any], settings: BatchSettings) -> str:
    """What form and settings come to; pictures in a folder may come and go within one batch, dropped files may not."""
    chosen = settings.as_json()
    for name in ("files", "mask_files"):
        chosen[name] = [[file["name"], file["mark"]] for file in chosen[name]]
    chosen["files" if settings.source is Source.FOLDER else "folder"] = None
    if settings.masks is not MaskSource.FOLDER:
        chosen["mask_folder"] = None
    if settings.masks not in (MaskSource.FILES, MaskSource.ONE):
        chosen["mask_files"] = None
    form = {name: value for name, value in recipe.items() if name not in ("picture", "mask", "sketch")}
    return hashlib.sha256(json.dumps([form, chosen], sort_keys=True).encode()).hexdigest()


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # the process was killed while it wrote
                line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _read_states(path: Path) -> Iterator[tuple[str, Status]]:
    try:
        lines: Sequence[bytes] = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for line in lines:
        try:
            values = json.loads(line)
            yield str(values["key"]), Status.from_json(values)
        except (ValueError, KeyError, TypeError):
            continue


def _are_written(status: Status) -> bool:
    try:
        found = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in status.outputs]
    except OSError:
        return False
    return found == list(status.hashes)

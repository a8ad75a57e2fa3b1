"""A folder of pictures taken apart: for each a document and its PNGs, and a report of all; what fails does not stop the rest."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.base.errors import BrokenCheckpoint, InvalidRequest, MissingModel, PentimentoError, SaveFailed, UnsupportedCheckpoint
from modules.base.registry import load_dotted
from modules.imaging.naming import sanitize_part
from modules.runtime.batch.listing import PictureFile
from modules.runtime.layers.ledger import DONE, FAILED, Ledger, key_of, numbered, write_json, write_table
from modules.runtime.layers.record import DOCUMENT
from modules.runtime.layers.task import JobWatch
from modules.runtime.layers.workshop import Workshop, open_pixels

logger = logging.getLogger(__name__)

STATES, CSV, JSON = "layers-states.jsonl", "report.csv", "report.json"
COLUMNS = ("file", "state", "layers", "comes_apart", "residual", "seconds", "outputs", "error", "notes")
STOPS_ALL = (SaveFailed, MissingModel, BrokenCheckpoint, UnsupportedCheckpoint)
"""What would be wrong with every further picture too."""
WAITING = "waiting"
Told = Callable[[str, Mapping[str, Any]], None]


@dataclass
class Batch:
    """One folder's work.

    Attributes:
        output: Gets the documents, a folder of PNGs for each, and the report.
        on_picture: Is told how each picture ended: its name and state.
    """

    workshop: Workshop
    files: Sequence[PictureFile]
    output: Path
    backend: str
    settings: Mapping[str, Any]
    on_picture: Told = lambda name, state: None

    def run(self, watch: JobWatch) -> list[str]:
        """Make what is missing; a picture that failed before is tried again. Returns notes.

        Raises:
            SaveFailed, MissingModel: Nothing further can be made; what was made stays.
        """
        ledger = Ledger(self.output / STATES)
        plan = list(self._plan(ledger))
        todo = [(file, name, key) for file, name, key in plan if not ledger.is_done(key)]
        counts = watch.task.counts
        counts.update(done=len(plan) - len(todo), failed=0, total=len(plan))
        try:
            for number, (file, name, key) in enumerate(todo):
                if watch.is_interrupted():
                    break
                state = self._make(file, name, key, ledger, watch.part(number, len(todo)))
                counts["done"] += state.get("state") == DONE
                counts["failed"] += state.get("state") == FAILED
                self.on_picture(file.name, state)
        finally:
            self._report(plan, ledger)
        return [f"{counts['done']} of {counts['total']} pictures made", *([f"{counts['failed']} failed"] if counts["failed"] else [])]

    def _plan(self, ledger: Ledger) -> Iterator[tuple[PictureFile, str, str]]:
        """Each file with the name of its results, each name once and none of a stranger's, and its key in the ledger.

        What is made keeps its name, also where new files have come in between.
        """
        taken = {Path(name).stem.casefold() if name.endswith(DOCUMENT) else name.casefold() for name in ledger.strangers()}
        keys = [key_of(file.name, file.mark, self.backend, dict(self.settings)) for file in self.files]
        made = {key: str(ledger.state(key)["files"][-1]) for key in keys if ledger.is_done(key)}
        taken.update(name.casefold() for name in made.values())
        for file, key in zip(self.files, keys, strict=True):
            name = made.get(key) or next(name for name in numbered(sanitize_part(file.stem) or "picture") if name.casefold() not in taken)
            taken.add(name.casefold())
            yield file, name, key

    def _make(self, file: PictureFile, name: str, key: str, ledger: Ledger, watch: JobWatch) -> Mapping[str, Any]:
        if not ledger.begin(key, [f"{name}{DOCUMENT}", name]):
            return ledger.state(key)
        begun_s = time.perf_counter()
        interrupted: Any = load_dotted("modules.pipeline.layers.decomposing:Interrupted")
        try:
            state = self._work(file, name, watch)
        except (*STOPS_ALL, interrupted):
            ledger.forget(key)
            raise
        except PentimentoError as error:
            state = {"state": FAILED, "error": str(error)}
        except Exception as error:
            logger.exception("taking apart %s", file.name)
            state = {"state": FAILED, "error": f"the program failed: {type(error).__name__}: {error}"}
        ledger.note(key, {**state, "seconds": round(time.perf_counter() - begun_s, 2)})
        return ledger.state(key)

    def _work(self, file: PictureFile, name: str, watch: JobWatch) -> dict[str, Any]:
        pixels = open_pixels(file.path, "picture")
        document, sources, notes = self.workshop.take_apart(pixels, file.stem, self.backend, self.settings, watch)
        save_document(self.output / f"{name}{DOCUMENT}", document, sources)
        export: Any = load_dotted("modules.pipeline.layers.exchange.exporting:export_folder")
        export(document, sources, self.output / name)
        made_by = document.made_by
        return {
            "state": DONE,
            "files": [f"{name}{DOCUMENT}", name],
            "layers": [layer.name for layer in document.layers],
            "comes_apart": made_by["comes_apart"],
            "residual": made_by["residual"],
            "notes": [str(note.get("text") or note.get("key", "")) for note in notes],
        }

    def _report(self, plan: Sequence[tuple[PictureFile, str, str]], ledger: Ledger) -> None:
        rows = []
        for file, _, key in plan:
            state = {**ledger.state(key)}
            rows.append({"file": file.name, **state, "state": state.get("state", WAITING), "outputs": state.pop("files", [])})
        rows = [{name: row.get(name) for name in COLUMNS} for row in rows]
        write_table(self.output / CSV, COLUMNS, rows)
        write_json(self.output / JSON, {"backend": self.backend, "settings": dict(self.settings), "pictures": rows})


def save_document(path: Path, document: Any, sources: Any) -> None:
    """Write a document as one file, without steps to undo; raises `SaveFailed`."""
    save: Any = load_dotted("modules.pipeline.layers.file:save")
    make_history: Any = load_dotted("modules.pipeline.layers.history:History")
    save(path, make_history(document), sources)


def check_output(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        InvalidRequest: A file is there.
        SaveFailed: It cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidRequest("output_folder", str(folder), "a folder; a file of this name is there")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveFailed(f"cannot make the folder {folder}: {error.strerror or error}") from error
    return folder

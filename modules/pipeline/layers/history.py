"""What a document was before, and was to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from modules.base.errors import InvalidRequest
from modules.pipeline.layers.building import from_json
from modules.pipeline.layers.checks import all_layers, check_document
from modules.pipeline.layers.document import Layer, LayerDocument
from modules.pipeline.layers.stored_form import from_plain, to_plain

MAX_STATES = 100


class History:
    """States of one document, oldest first, and which of them is shown. Not safe between threads: its owner locks.

    States share the layers that did not change, in memory and in JSON.
    """

    def __init__(self, document: LayerDocument, max_states: int = MAX_STATES) -> None:
        self._states = [document]
        self._at = 0
        self._max_states = max_states

    @property
    def document(self) -> LayerDocument:
        """The state that is shown."""
        return self._states[self._at]

    @property
    def can_undo(self) -> bool:
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        return self._at < len(self._states) - 1

    def push(self, document: LayerDocument) -> None:
        """Take a new state; what was undone is forgotten. A state like the one shown is none."""
        if document == self.document:
            return
        self._states = [*self._states[: self._at + 1], document][-self._max_states :]
        self._at = len(self._states) - 1

    def undo(self) -> LayerDocument:
        """Go back by one.

        Raises:
            InvalidRequest: There is nothing before.
        """
        return self._go(-1, "undo")

    def redo(self) -> LayerDocument:
        """Go forth by one.

        Raises:
            InvalidRequest: There is nothing after.
        """
        return self._go(1, "redo")

    def forget_oldest(self) -> bool:
        """Drop the oldest state, or, where that is the one shown, the last that was undone; False where there is no other."""
        if len(self._states) == 1:
            return False
        if self._at == 0:
            self._states = self._states[:-1]
        else:
            self._states, self._at = self._states[1:], self._at - 1
        return True

    def source_ids(self) -> set[str]:
        """Ids of all sources that any state names."""
        return {source_id for document in self._states for source_id in named_sources(document)}

    def states(self) -> Iterator[LayerDocument]:
        """All states, oldest first."""
        yield from self._states

    def as_json(self) -> dict[str, Any]:
        """{"at", "layers": [every layer once], "states": [fields of the document, "layers" as places in that list]}."""
        places: dict[Layer, int] = {}
        states = []
        for document in self._states:
            listed = [places.setdefault(layer, len(places)) for layer in document.layers]
            plain = to_plain(replace(document, layers=()))
            states.append({**plain, "layers": listed})
        return {"at": self._at, "layers": [to_plain(layer) for layer in places], "states": states}

    @classmethod
    def from_json(cls, plain: Any, max_states: int = MAX_STATES) -> History:
        """Read what `as_json` wrote.

        Raises:
            InvalidRequest: Not of that form; the error names the field.
        """
        if not isinstance(plain, dict) or not isinstance(plain.get("layers"), list) or not isinstance(plain.get("states"), list):
            raise InvalidRequest("history", plain, "an object with layers and states")
        layers = [from_plain(Layer, layer, f"history.layers[{place}]") for place, layer in enumerate(plain["layers"])]
        states = [_state(state, layers, f"history.states[{place}]") for place, state in enumerate(plain["states"][-max_states:])]
        at = plain.get("at")
        dropped = max(0, len(plain["states"]) - max_states)
        if not states or not isinstance(at, int) or isinstance(at, bool) or not 0 <= at - dropped < len(states):
            raise InvalidRequest("history.at", at, f"the place of one of {len(states)} states")
        history = cls(states[0], max_states)
        history._states, history._at = states, at - dropped
        return history

    def _go(self, step: int, field: str) -> LayerDocument:
        if not 0 <= self._at + step < len(self._states):
            raise InvalidRequest(
                field, self._at, "a state to go to: this is the first" if step < 0 else "a state to go to: this is the last"
            )
        self._at += step
        return self.document


def named_sources(document: LayerDocument) -> set[str]:
    """Ids of the sources that a document names, those of merged layers' members too."""
    layers = all_layers(document.layers)
    return {source.id for layer in layers for source in (layer.source, layer.difference, layer.enlarged) if source is not None}


def _state(plain: Any, layers: list[Layer], field: str) -> LayerDocument:
    places = plain.get("layers") if isinstance(plain, dict) else None
    if not isinstance(places, list) or not all(isinstance(place, int) and 0 <= place < len(layers) for place in places):
        raise InvalidRequest(f"{field}.layers", places, f"places of {len(layers)} layers")
    document = from_json({**plain, "layers": []}, field)
    document = replace(document, layers=tuple(layers[place] for place in places))
    check_document(document)
    return document

"""Errors that a person can act on: what was wrong, what came, what was wanted."""

from __future__ import annotations


class PentimentoError(Exception):
    """Base of all errors whose text is meant for the person who made the request."""


class InvalidRequest(PentimentoError):
    """A field of a request cannot be used.

    Args:
        field: Name of the field as the caller spelled it.
        got: What came; shortened to 80 characters in the message.
        wanted: What would have been accepted, in words.
    """

    def __init__(self, field: str, got: object, wanted: str) -> None:
        self.field, self.got, self.wanted = field, got, wanted
        shown = repr(got)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        super().__init__(f"{field}: got {shown}, wanted {wanted}")


class UnknownName(InvalidRequest):
    """A name (sampler, checkpoint, script ...) matches nothing; `known` lists what would have."""

    def __init__(self, field: str, got: object, known: list[str]) -> None:
        self.known = known
        super().__init__(field, got, "one of " + (", ".join(known) if known else "(none installed)"))


class InvalidImage(InvalidRequest):
    """An encoded picture cannot be read."""


class MissingModel(PentimentoError):
    """No checkpoint is there to answer the request."""


class DownloadFailed(PentimentoError):
    """A file could not be fetched: the other side is out of reach, says no, or gave something else; the message says which."""


class BrokenCheckpoint(PentimentoError):
    """A checkpoint file is truncated, mislabelled or incomplete; the message names file and reason."""


class UnsupportedCheckpoint(PentimentoError):
    """A checkpoint is well-formed, but of a kind this version cannot run."""


class UnusableNetwork(PentimentoError):
    """A LoRA or embedding file is damaged, refused, or does not fit the model; the message names file, tensors and reason."""


class ScriptFailed(PentimentoError):
    """The selected script raised, or gave no result; the message names it. `__cause__` is what it raised, if it did."""


class UnsafePath(PentimentoError):
    """A path would leave the folder it must stay in."""


class SaveFailed(PentimentoError):
    """A result could not be written; nothing already on disk was touched."""

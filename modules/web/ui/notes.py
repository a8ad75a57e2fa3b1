"""What the program notes while it works, said in the visitor's language."""

from __future__ import annotations

import re

from modules.web.ui.live_text import Words
from modules.web.ui.texts import Texts

_SCORES = r" \(as it was (?P<was>[\d.]+), multi-band blend (?P<blended>[\d.]+), band repainted (?P<again>[\d.]+)\)"
NOTES = (
    (re.compile(r"the first of (?P<n>\d+) frames is used"), "note.first_frame"),
    (re.compile(r"damaged EXIF data was ignored"), "note.bad_exif"),
    (re.compile(r"turned upright \(EXIF orientation \d\)"), "note.upright"),
    (re.compile(r"(?P<bits>\d+)-bit (grey|RGB|colour|color).* reduced to 8 bits"), "note.bits"),
    (re.compile(r"(?P<mode>.+) was converted to (?P<target>RGBA?)"), "note.mode"),
    (re.compile(r"The seam was repaired: multi-band blend" + _SCORES), "results.note.blended"),
    (re.compile(r"The seam was repaired: band repainted" + _SCORES), "results.note.repainted"),
    (re.compile(r"(?P<n>\d+) of (?P<of>\d+) pictures made"), "batch.note.made"),
    (re.compile(r"(?P<n>\d+) failed"), "batch.note.failed"),
    (re.compile(r"(?P<n>\d+) skipped"), "batch.note.skipped"),
    (re.compile(r"(?P<n>\d+) left"), "batch.note.left"),
    (re.compile(r"no settings were found in the picture; the form's were used"), "batch.note.no_settings"),
    (re.compile(r"no picture of this name is in the folder of settings; the form's were used"), "batch.note.no_info_file"),
    (re.compile(r"the mask was resized from (?P<mask>\w+) to (?P<size>\w+)"), "batch.note.resized"),
    (re.compile(r"(?P<name>.+) cannot be used; the form's was"), "batch.note.unusable"),
    (re.compile(r"the sampler (?P<name>.+) is not known; the form's was used"), "batch.note.no_sampler"),
    (re.compile(r"the model (?P<name>.+) is not here; the form's was used"), "batch.note.no_model"),
    (re.compile(r"(?P<got>.+) is not here; (?P<used>.+) was taken for it"), "workflows.note.other_model"),
    (re.compile(r"Loading the model"), "status.loading_the_model"),
    (re.compile(r"Upscaling, tile (?P<n>\d+) of (?P<of>\d+)"), "extras.tile"),
    (re.compile(r"Upscale"), "extras.upscaling"),
    (re.compile(r"Script (?P<name>.+) failed in (?P<hook>\w+) and was skipped: (?P<error>.+)"), "script.note.failed"),
    (re.compile(r"Neither repair of the seam was better" + _SCORES), "results.note.kept"),
)
"""The wordings of `imaging.picture`, `plugins` and `runtime`, and their text ids; what matches none is shown as it is."""


def say_note(texts: Texts, language: str, note: str) -> str:
    """One note of `open_picture`, or of the pipeline, in `language`."""
    words = note_words(note)
    return words if isinstance(words, str) else words.say(texts, language)


def note_words(note: str) -> Words | str:
    """The text that a note is, or the note itself where its wording is not known."""
    for wording, text_id in NOTES:
        found = wording.fullmatch(note)
        if found:
            return Words(text_id, found.groupdict())
    return note

"""What a request asks for that this version cannot do: said beside the picture, never silently left out."""

from __future__ import annotations

from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.settings.unsupported import describe_unsupported


def describe_unmet(p: StableDiffusionProcessingImg2Img) -> list[str]:
    """One sentence a wish of `p` that the picture will not show."""
    told = describe_unsupported(p.override_settings)
    if p.restore_faces:
        told.append("restore_faces had no effect: this version does not have face restoration.")
    if p.refiner_checkpoint and p.refiner_checkpoint.casefold() != "none":
        told.append(
            f"refiner_checkpoint {p.refiner_checkpoint!r} had no effect: this version does not change the model halfway; "
            "repaint the result with that checkpoint and a low strength."
        )
    if not 0 <= p.denoising_strength <= 1:
        used = 0 if p.denoising_strength < 0 else 1
        told.append(f"denoising_strength {p.denoising_strength:g} lies outside 0 to 1; {used} was used.")
    return [sentence for sentence in told if sentence not in p.notes]

"""How networks are run over a picture, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass

from modules.backends.upscalers.tiles import Tiling


@dataclass(frozen=True)
class Computing:
    """What a person chose.

    Attributes:
        tile_px, overlap_px: See `Tiling`.
        use_cpu: Leave an accelerator alone.
        is_exact: Compute in float32 although the machine is faster in half precision (which differs by 52 dB or more).
    """

    tile_px: int = 192
    overlap_px: int = 32
    use_cpu: bool = False
    is_exact: bool = False

    @property
    def tiling(self) -> Tiling:
        return Tiling(self.tile_px, self.overlap_px)

"""Sizes and rectangles of the named spaces: source, canvas, crop, working, latent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extent:
    """A size in whole pixels (or latent cells)."""

    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), Pillow's order."""
        return self.width, self.height

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width), NumPy's order."""
        return self.height, self.width

    @property
    def aspect(self) -> float:
        return self.width / self.height

    def floor_divide(self, factor: int) -> Extent:
        """The latent extent of a working extent under a VAE that shrinks by `factor`."""
        return Extent(self.width // factor, self.height // factor)


@dataclass(frozen=True)
class Box:
    """A rectangle: left/top inclusive, right/bottom exclusive."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def from_edges(cls, left: int, top: int, right: int, bottom: int) -> Box:
        return cls(left, top, right - left, bottom - top)

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom), Pillow's order for `crop`."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    @property
    def extent(self) -> Extent:
        return Extent(self.width, self.height)

    def lies_within(self, extent: Extent) -> bool:
        left, top, right, bottom = self.edges
        return left >= 0 and top >= 0 and right <= extent.width and bottom <= extent.height

    def cut_at(self, extent: Extent) -> Box | None:
        """The part that lies on a picture of that extent; None if there is none."""
        left, top, right, bottom = self.edges
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, extent.width), min(bottom, extent.height)
        return Box.from_edges(left, top, right, bottom) if left < right and top < bottom else None

    def joined(self, other: Box) -> Box:
        """The smallest box around both."""
        (left, top, right, bottom), (x0, y0, x1, y1) = self.edges, other.edges
        return Box.from_edges(min(left, x0), min(top, y0), max(right, x1), max(bottom, y1))

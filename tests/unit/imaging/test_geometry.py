from __future__ import annotations

from modules.imaging.geometry import Box, Extent


def test_extent_orders() -> None:
    extent = Extent(30, 20)
    assert extent.size == (30, 20)
    assert extent.shape == (20, 30)
    assert extent.aspect == 1.5
    assert extent.floor_divide(8) == Extent(3, 2)


def test_box_edges_round_trip() -> None:
    box = Box.from_edges(2, 3, 12, 9)
    assert box == Box(2, 3, 10, 6)
    assert box.edges == (2, 3, 12, 9)
    assert box.extent == Extent(10, 6)


def test_box_lies_within() -> None:
    assert Box(0, 0, 5, 5).lies_within(Extent(5, 5))
    assert not Box(1, 0, 5, 5).lies_within(Extent(5, 5))
    assert not Box(-1, 0, 2, 2).lies_within(Extent(5, 5))

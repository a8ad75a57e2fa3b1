"""Models that paint a picture as layers."""

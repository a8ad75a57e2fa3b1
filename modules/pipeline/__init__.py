"""Floor 5: a request, its frozen plan, the stages it passes through, and what comes out."""

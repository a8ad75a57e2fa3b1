"""Whose numbers to follow: each program's rules as one set of strategies."""

"""Textual inversions: files of a few learned vectors that a name in a prompt stands for."""

"""Layered documents on disk, and the jobs that make and change them."""

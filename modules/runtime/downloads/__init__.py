"""Fetching known models from the hub."""

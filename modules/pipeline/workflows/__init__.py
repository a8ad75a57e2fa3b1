"""Workflows as ComfyUI writes them: read, checked, turned into a filled-in form or run as the graph they are, and written."""

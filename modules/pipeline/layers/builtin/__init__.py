"""The built-in way to take pictures apart: on any processor, offline, in seconds."""

"""A1111's `modules.api`: the face of the API."""

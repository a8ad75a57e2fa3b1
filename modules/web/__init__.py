"""Floor 7: the page and the HTTP API in one FastAPI app; the only importers of fastapi and gradio."""

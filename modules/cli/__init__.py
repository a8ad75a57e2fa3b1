"""Floor 7: command lines beside the server."""

"""`/sdapi/v1` as A1111's clients know it, and our own `/api`."""

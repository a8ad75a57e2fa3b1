"""What the faces show of the running program, in A1111's words: one module a subject."""

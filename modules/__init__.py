"""Pentimento: a studio for repainting pictures. Files here are the face, folders are the house."""

"""Lifting something off a picture: its alpha and true colour, and what lies behind it."""

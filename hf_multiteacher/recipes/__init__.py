"""Whole ways from names and text to figures, which the commands and the examples share."""

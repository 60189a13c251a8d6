"""A user's files, their columns, labels and text to data that a trainer takes."""

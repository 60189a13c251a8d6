"""The metric modules that `evaluate.load` finds by name."""

"""docs/results.md, written from the figures in docs/results: `python -m tests.results --write-docs`."""

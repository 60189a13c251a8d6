"""How fast a training is, side by side with others: `python -m tests.benchmark` (docs/performance.md)."""

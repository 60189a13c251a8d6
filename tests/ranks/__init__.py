"""Whether ranks, accumulation, streams, a cache and an uneven end change what is learned: `python -m tests.ranks`."""

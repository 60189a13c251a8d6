"""Whether a run that is killed at any moment ends as if it had not been: `python -m tests.kills`."""

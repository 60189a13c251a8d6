"""Every command on inputs that nobody thought of: `python -m tests.fuzz --cases 2000 --seed 0`."""

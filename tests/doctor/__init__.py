"""How near `hf-multiteacher doctor` comes to what a run then takes: `python -m tests.doctor`."""

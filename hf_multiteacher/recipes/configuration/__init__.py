"""What a run is asked for: YAML and flags to a checked `DistillationConfig`."""

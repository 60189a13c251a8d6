"""What a run writes down: figures, predictions, the exact configuration."""

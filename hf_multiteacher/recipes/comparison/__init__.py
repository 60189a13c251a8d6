"""Fine-tuned models side by side on the same texts: the loyalty of one to the others."""

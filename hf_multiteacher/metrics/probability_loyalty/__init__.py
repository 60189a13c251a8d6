"""The evaluate module `probability_loyalty`, as a folder that can be pushed as a Space."""

"""The evaluate module `label_loyalty`, as a folder that can be pushed as a Space."""

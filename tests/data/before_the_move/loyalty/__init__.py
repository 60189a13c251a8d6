"""The evaluate module `loyalty`, as a folder that can be pushed as a Space."""

"""The evaluate module `regression_loyalty`, as a folder that can be pushed as a Space."""

"""The seven Romanian tasks of the paper, their readers, and the synthetic corpus."""

"""The command `hf-multiteacher`, one file per word on its command line."""

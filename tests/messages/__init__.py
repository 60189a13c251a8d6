"""Which test sees which message of the package: `python -m tests.messages` writes docs/messages.md."""

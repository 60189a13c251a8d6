"""Python imports this when it starts: a process that a test starts notes messages too."""

from messages.recording import install

install()

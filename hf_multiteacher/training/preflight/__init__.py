"""What can be known before a training: whether it will work, how long it takes and what it needs."""

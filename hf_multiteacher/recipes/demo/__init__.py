"""The whole job in minutes, without a network."""

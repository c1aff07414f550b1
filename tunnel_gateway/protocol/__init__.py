"""The tunnel protocol, sans-IO: no socket, no clock, no randomness of its own."""

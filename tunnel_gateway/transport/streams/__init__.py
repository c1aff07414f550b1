"""Sockets as byte streams."""

"""Requests to the operating system and to systemd."""

"""Configuration files, read into frozen dataclasses."""

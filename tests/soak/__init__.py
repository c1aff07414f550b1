"""A crowd of strangers against a running gateway: ``make soak``."""

"""Revocation lists and answers."""

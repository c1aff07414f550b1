"""Logs: what people and machines are told about a running daemon."""

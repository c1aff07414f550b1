"""Formats on the wire, without sockets."""

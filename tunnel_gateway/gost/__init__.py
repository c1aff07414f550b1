"""GOST primitives: bytes in, bytes out; no protocol words."""

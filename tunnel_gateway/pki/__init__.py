"""Certificates and trust: bytes and a time in, a verdict out."""

"""Whether users are revoked."""

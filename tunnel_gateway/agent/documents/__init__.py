"""The work of pages with keys: signing, verifying, requesting certificates."""

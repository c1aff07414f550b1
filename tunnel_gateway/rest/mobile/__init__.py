"""The documents that wait for a phone, and the signatures that are uploaded for them."""

"""The keys that pages list, load and use, and their passwords."""

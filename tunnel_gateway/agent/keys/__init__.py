"""The keys that pages load: found, listed, opened, used and forgotten."""

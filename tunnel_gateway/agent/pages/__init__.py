"""The tunnels of pages. Each tunnel has a local address for exactly one connection."""

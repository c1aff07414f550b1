"""The tunnels of pages: each with its address, good for one connection."""

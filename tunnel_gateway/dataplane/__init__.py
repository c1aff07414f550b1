"""Open tunnels carried by threads in C: Python decides, C carries."""

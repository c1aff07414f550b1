"""One certificate and its names."""

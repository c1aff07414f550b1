"""Who had a tunnel, when and where to, in a chained file."""

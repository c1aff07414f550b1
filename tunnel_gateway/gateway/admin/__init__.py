"""Where operators ask: health, metrics, the state of all, and closing a tunnel."""

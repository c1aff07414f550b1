"""Where operators ask: sockets, and who may."""

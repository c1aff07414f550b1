"""The gateway: the daemon of the tunnels, at the edge of an organisation."""

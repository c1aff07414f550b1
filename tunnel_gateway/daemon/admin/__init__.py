"""The HTTP server for operators: its sockets, and who may ask."""

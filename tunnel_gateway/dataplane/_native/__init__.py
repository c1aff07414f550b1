"""The C sources of the data plane and their cffi build."""

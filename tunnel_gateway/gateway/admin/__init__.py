"""The answers to operators: the state of the gateway, and closing a tunnel."""

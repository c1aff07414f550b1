"""The user's side of the tunnel."""

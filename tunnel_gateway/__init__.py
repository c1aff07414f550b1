"""The open gateway daemon for E-IMZO TUNNEL."""

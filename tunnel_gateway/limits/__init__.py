"""How many of everything."""

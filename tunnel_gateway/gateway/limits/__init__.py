"""How many of everything, and who is told that there are no more."""

"""The parts that every service of this program needs around its work."""

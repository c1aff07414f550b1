"""What any service of this program needs around its work."""

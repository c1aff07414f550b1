"""The daemon at the organisation's edge."""

"""The audit file: chained, only added to."""

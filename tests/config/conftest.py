"""Fixtures of all tests of the configuration."""

from tests.support.vendor_file import faults, write

__all__ = ["faults", "write"]

"""The C extension; everything else about the package is in pyproject.toml."""

from setuptools import setup

setup(cffi_modules=["tunnel_gateway/gost/_native/build.py:ffibuilder"])
